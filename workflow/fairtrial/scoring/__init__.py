"""Figures from predictions and ground truth: pure functions, whatever made the model.

detect        the task: boxes; `score` is what `validate` calls
classify      the task: a class for each image; likewise
scores        what `score` returns
predictions   the COCO results list, checked and in one order
coco_metrics  pycocotools' twelve figures, and AP by class
curves        precision, recall and F1 over confidence; the best confidence
confusion     which class is taken for which
detection_tables  the rows of per_class.csv, curves.csv and confusion.csv for boxes
class_metrics  figures of classes, from probabilities
task_metrics  which figures each task has
fitness       the rule by which an epoch, a trial or a run is judged
ranking       the rule by which runs are ranked
uncertainty   the spread over seeds; whether two configurations can be told apart
"""
