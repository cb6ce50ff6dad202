"""``netweft backup`` and ``netweft restore``: all that an engine is, in one file, and an engine from such a file."""
