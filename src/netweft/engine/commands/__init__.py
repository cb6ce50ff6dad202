"""One function per intention, in files named by noun.

A command talks to SQL only, in the transaction that it is given.
"""
