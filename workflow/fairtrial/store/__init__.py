"""Finished and unfinished work, kept outside of every declared output.

entries  keyed entries that are whole or absent
users    the project folders that use the store
locks    who holds an entry, across processes and machines
sums     checksums of an entry's files, by which damage is seen
keys     canonical JSON, and keys made of it
"""
