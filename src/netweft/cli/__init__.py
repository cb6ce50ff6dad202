"""The command line: a face of the public API, and the way to a lab."""
