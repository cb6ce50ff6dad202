"""The file that describes a fleet: what it may say, what is wrong with one, and what there is to do for it. Pure: how a
file is read and how changes are made is told elsewhere.
"""
