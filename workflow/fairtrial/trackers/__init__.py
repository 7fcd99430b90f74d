"""Where experiments are shown beside others: a module for each tracker, found by listing.

Each has `PACKAGE`, the package that it needs, and the extra that installs it; and
`send(experiment, at)`, which sends what the tracker lacks of an experiment (`_contract`) to the
place `at` ("": the tracker's own default), and returns what it has sent. It is called again
and again while an experiment runs, and must send nothing twice, also after a kill: it asks the
tracker what is there, or notes it in the store.
"""
