"""Tables: columns and constraints, one file per noun, all on the metadata of :mod:`netweft.engine.model.base`."""
