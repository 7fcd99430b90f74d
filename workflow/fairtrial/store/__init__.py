"""Finished and unfinished work, kept outside of every declared output.

entries  keyed entries that are whole or absent
locks    who holds an entry, across processes and machines
keys     canonical JSON, and keys made of it
"""
