"""The stages of the workflow: a module, a function and a rule of the same name for each.

In running order: download, convert, split, search, study, receive, train, predict, validate, batch,
probe, plot, report.
"""
