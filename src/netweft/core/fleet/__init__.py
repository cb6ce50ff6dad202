"""The file that describes a fleet: its format, its mistakes, and the changes that it requires. Pure: other modules read
the file and make the changes.
"""
