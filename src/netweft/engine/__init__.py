"""The engine: intent in one database, commands that change it, jobs that carry it to the hosts."""
