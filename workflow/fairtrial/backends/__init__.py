"""Backends: one module each, which trains and predicts. To add a backend, add a module.

networks      classification: dense and convolutional networks, torchvision's, Ultralytics' `-cls`
retinanet     detection with torchvision's RetinaNet
ultralytics   detection with Ultralytics' models

Each has (types in training/contract.py):

- `Settings`: training.settings.TrainingSettings with the further keys of params.yaml that it
  understands;
- `EFFECTS`: when its settings act, as training.effects.Effect; it may be left out;
- `size_note(settings)`: a sentence that the report prints below the sizes of models, or an empty
  text; it may be left out;
- `fit(settings, data, pretrained, folder, threads, after_epoch)`: trains in `folder`, which is
  empty at a first attempt and later holds what an interrupted one left, and returns a FitResult;
- `lr_range(settings, data, pretrained, threads, test)`: trains with the rates of a
  training.lr_range.RangeTest until that ends it, and keeps nothing; it may be left out;
- `detector(weights, categories, settings, threads)`: a context manager that yields a function
  from an image file to its detections and the milliseconds that each part took. A backend whose
  `Settings` have the task `classify` has `classifier` instead, with the same parameters: from the
  pixels of an image (height, width, 3; RGB, 8 bit) to the probability of each category, in the
  order of their ids, and the milliseconds.

Modules that begin with an underscore serve the backend of that name; `_epochs` all of them.
"""
