"""Frameworks: one module each.

Each has `Settings` (training.settings.TrainingSettings, and the further keys of params.yaml that it
understands),
`fit(settings, view, initial, folder, threads, after_epoch)`, which trains in `folder` (empty at
first, later what an interrupted attempt left there) and returns the facts of the run, and
`detector(weights, categories, settings, threads)`, a context that yields a function from an
image file to its detections and the milliseconds that each part took.
A framework whose `Settings` say `task` is `classify` has `classifier(weights, categories,
settings, threads)` instead: from the pixels of an image (height, width, 3; RGB, 8 bit) to the
probability of each category, in the order of their ids, and the milliseconds.
To add a framework, add a module.
"""
