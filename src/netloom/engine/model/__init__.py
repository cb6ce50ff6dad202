"""Tables: columns and constraints, one file per noun, all on the metadata of :mod:`netloom.engine.model.base`."""
