"""Calibration of configurations: confidence against the share that is right, over all seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairtrial.results.configuration import Configuration
from fairtrial.results.run import FinishedRun
from fairtrial.scoring.detection_calibration import LEAST_CONFIDENCE, expected_error

Bin = dict[str, float]  # a row of calibration.csv: column → value


@dataclass(frozen=True)
class Calibration:
    """Predictions of all runs together that count in the error: their number, their mean
    confidence, and the share that is right."""

    count: int
    confidence: float
    precision: float


def counted_bins(run: FinishedRun, split: str) -> list[Bin]:
    """The bins that count in the calibration error: of detections those above LEAST_CONFIDENCE, of
    images all."""
    bins = run.calibration.get(split, [])
    if run.task != "detect":
        return bins
    return [row for row in bins if row["low"] >= LEAST_CONFIDENCE - 1e-9]


def errors(c: Configuration, split: str) -> list[float]:
    """The expected calibration error (of detections the D-ECE) for each seed (or fold)."""
    return c.averages(lambda run: _error(run, split))


def _error(run: FinishedRun, split: str) -> float | None:
    bins = counted_bins(run, split)
    columns = ([row[name] for row in bins] for name in ("count", "confidence", "precision"))
    counts, confidence, precision = columns
    return expected_error([int(count) for count in counts], confidence, precision)


def overall(c: Configuration, split: str) -> Calibration | None:
    """All runs together; None where they have no prediction that counts."""
    bins = [row for run in c.runs for row in counted_bins(run, split) if row["count"]]
    total = sum(row["count"] for row in bins)
    if not total:
        return None
    means = [
        sum(row["count"] * row[name] for row in bins) / total
        for name in ("confidence", "precision")
    ]
    return Calibration(int(total), *means)


def pooled_bins(c: Configuration, split: str) -> list[Bin]:
    """The bins of all runs together, without empty ones."""
    by_bin: dict[float, list[Bin]] = {}
    for run in c.runs:
        for row in run.calibration.get(split, []):
            by_bin.setdefault(row["low"], []).append(row)
    return [_together(rows) for _, rows in sorted(by_bin.items()) if any(r["count"] for r in rows)]


def _together(rows: Sequence[Bin]) -> Bin:
    filled = [row for row in rows if row["count"]]
    total = sum(row["count"] for row in filled)
    means = {
        name: sum(row["count"] * row[name] for row in filled) / total
        for name in ("confidence", "precision")
    }
    return filled[0] | {"count": total} | means
