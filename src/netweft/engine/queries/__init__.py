"""Reads that two callers share, in files named by noun."""
