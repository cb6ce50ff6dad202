"""Values and pure functions that engine and agent share.

Standard library only; time, ids and randomness are arguments.
"""
