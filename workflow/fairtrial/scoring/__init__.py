"""Figures from predictions and ground truth: pure functions, whatever made the model.

detect        the task: boxes; `score` is what `validate` calls
classify      the task: a class for each image; likewise
scored        what `score` returns
predictions   the COCO results list, checked and in one order
detection     pycocotools' twelve figures, and AP by class
curves        precision, recall and F1 over confidence; the best confidence
confusion     which class is taken for which
tables        the rows of per_class.csv, curves.csv and confusion.csv for boxes
classification accuracy, log loss, calibration: arrays in, figures out
uncertainty   the spread over seeds; whether two configurations can be told apart
"""
