"""The metrics of each task: all of them, those in tables, and the one that rates a class."""

from __future__ import annotations

from dataclasses import dataclass

# The metrics of every table of detections, in order.
DETECTION_TABLE_METRICS = ("precision", "recall", "f1", "AP50", "AP")
# Every metric of metrics.json for detections, in the order of the tables that show all.
DETECTION_METRICS = (
    *DETECTION_TABLE_METRICS,
    *("AP75", "AP_small", "AP_medium", "AP_large"),
    *("AR_1", "AR_10", "AR_100", "AR_small", "AR_medium", "AR_large"),
)
LOWER_IS_BETTER = ("log_loss", "ece")
# Those at one's own number of detections, which metrics.json has only where one is asked for.
OWN_NUMBER_METRICS = ("AP_max_detections", "AP50_max_detections", "AR_max_detections")


@dataclass(frozen=True)
class TaskMetrics:
    """The names of a task's metrics: those of tables, all of metrics.json, and that of a class."""

    in_tables: tuple[str, ...]
    all: tuple[str, ...]
    class_metric: str  # the column of per_class.csv that rates a class
    class_count: str  # the column of per_class.csv that counts its images or objects


TASK_METRICS = {
    "detect": TaskMetrics(DETECTION_TABLE_METRICS, DETECTION_METRICS, "AP", "objects"),
    "classify": TaskMetrics(
        ("accuracy", "top5", "precision", "recall", "f1", "log_loss", "ece"),
        (
            *("accuracy", "top5", "precision", "recall", "f1"),
            *("precision_micro", "recall_micro", "f1_micro", "log_loss", "ece"),
        ),
        "f1",
        "images",
    ),
}
