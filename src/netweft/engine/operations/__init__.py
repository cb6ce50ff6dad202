"""Changes of certain rows that commands and reports share, in the caller's transaction. None asks for a right."""
