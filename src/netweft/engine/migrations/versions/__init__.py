"""The changes, oldest first by their ``down_revision``."""
