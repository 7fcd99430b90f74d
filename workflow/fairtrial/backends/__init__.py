"""Frameworks: one module each.

Each has `Settings` (a closed model of the training keys of params.yaml that it understands),
`fit(settings, view, initial, folder, threads)`, which writes weights.pt and history.csv into
the empty `folder` and returns the facts of the run, and
`detector(weights, categories, settings, threads)`, a context that yields a function from an
image file to its detections and the milliseconds that each part took.
To add a framework, add a module.
"""
