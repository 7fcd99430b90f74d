"""One training, whatever the framework: what is kept, who works on it, what it came from.

obtain      a finished training from the store, or one that is trained here
checkpoint  the state after an epoch, from which an interrupted training goes on
store       keyed, locked entries that are whole or absent
locks       who holds an entry, across processes and machines
progress    how far a training has come, for `status`
provenance  keys, versions, hardware: where a result comes from
audit       what was asked for beside what was used
weights     whether two trainings ended alike
"""
