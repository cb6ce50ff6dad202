"""How databases of earlier versions become those of this one (Alembic); one file per change under ``versions``."""
