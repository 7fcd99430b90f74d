"""Metrics from predictions and ground truth: pure functions, whatever made the model.

detect        the task `detect`: `score` is what the stage `validate` calls for boxes
classify      the task `classify`: `score`, for one class an image
scores        what `score` returns; metrics.json as typed models
predictions   the COCO results list, checked and in one order
foreign_predictions  predictions from elsewhere in that form: results lists, YOLO's texts
foreign_names  what those call images and classes
coco_metrics  COCO's twelve metrics, and AP by class
matching      which detection found which object: COCO's matching
curves        precision, recall and F1 over confidence; the best confidence
confusion     the confusion matrix of detections
pooled_detections  the detections of a split, right or wrong, whatever their class
operating_points  what is found at a precision, a recall or a rate of false alarms; FROC
detection_calibration  how often predictions of a confidence are right; D-ECE
detection_tables  metrics, and rows of per_class.csv, curves.csv and confusion.csv, for boxes
error_kinds   of which kind each error of a detector is
error_costs   what each kind of error costs in AP50
sizes         metrics by the size of objects
groups        metrics by group: patients, videos
detection_breakdowns  rows of error_kinds.csv, by_size.csv, by_group.csv and class_curves.csv
metric_log    metrics as a text, as pycocotools prints them
resampling    resamples of a split: its independent units, drawn anew
weighted_metrics  metrics of weighted images, from matches or counts
detection_resamples  the metrics of boxes on all resamples
class_spreads  how far the metrics of each class would vary over other images
class_resamples  the metrics of classification on all resamples
resamples     resamples.npz
class_metrics  metrics of classification, from probabilities
task_metrics  which metrics each task has
falling       whether a metric falls with the epochs
fitness       the metric weights by which an epoch, a trial or a run is judged
ranking       the rule by which runs are ranked
uncertainty   the spread over seeds
verdict       how far the best lies above the others, over other seeds and other images
variance_parts  variances by seeds and by images, p and interval from them
fold_gaps     the same over the folds of a cross-validation
intervals     the interval of one metric; the winner's metric without flattery
power         the gap that can be told; seeds and images needed
studentised_range  critical values and tails of the studentised range
"""
