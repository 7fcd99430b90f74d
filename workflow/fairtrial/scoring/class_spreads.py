"""How far the metrics of each class would vary over other images: standard errors by class.

They come from the same resamples as those of all classes together. A file with the metrics of all
classes on all resamples would be large; of the standard errors of several seeds the mean is an
upper limit for that of their mean, since the seeds share the images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fairtrial.scoring.matching import Floats, Integers
from fairtrial.scoring.resampling import UnitDraws
from fairtrial.scoring.scores import Cell

SUFFIX = "_se"  # of a metric's name, for the column of its standard error in per_class.csv
UNITS = "units"  # the column of per_class.csv that counts the units which have the class
FEWEST_RESAMPLES = 0.5  # share of resamples that must have a value
ROUNDING = 1e-12  # a smaller standard error is that of rounding errors


@dataclass(frozen=True)
class ClassSpreads:
    """`units` (C,): how many independent units have objects (or images) of each class.
    `standard_errors` by metric, each (C,); NaN where they are unknown."""

    units: Integers
    standard_errors: Mapping[str, Floats]

    def cells(self, number: int) -> list[Cell]:
        """The cells of `columns` of one class, by its place."""
        errors = [float(values[number]) for values in self.standard_errors.values()]
        return [int(self.units[number]), *(None if np.isnan(e) else e for e in errors)]


def columns(metrics: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of per_class.csv that hold the spreads of these metrics."""
    return (UNITS, *(f"{metric}{SUFFIX}" for metric in metrics))


def class_spreads(
    metrics: Mapping[str, Floats], objects: Integers, draws: UnitDraws
) -> ClassSpreads:
    """The spreads of `metrics`, each (B, C) and NaN where undefined; `objects` (N, C) counts those
    of each image."""
    units = [len(np.unique(draws.unit_of_image[of_class > 0])) for of_class in objects.T]
    errors = {name: _standard_errors(values, draws.units) for name, values in metrics.items()}
    return ClassSpreads(np.array(units, dtype=np.int64), errors)


def by_class(hits: Floats, predicted: Floats, objects: Floats) -> dict[str, Floats]:
    """Precision, recall and F1 of each resample and class from counts, all (B, C); NaN where a
    class has no object."""
    undefined = np.where(objects > 0, 0.0, np.nan)
    return {
        "precision": hits / np.maximum(predicted, 1) + undefined,
        "recall": hits / np.maximum(objects, 1) + undefined,
        "f1": 2 * hits / np.maximum(predicted + objects, 1) + undefined,
    }


def _standard_errors(values: Floats, units: int) -> Floats:
    """The standard deviations over resamples (B, C), (C,). A bootstrap's variance is too small by
    the factor (units - 1) / units."""
    defined = ~np.isnan(values)
    count = defined.sum(axis=0)
    enough = (count >= max(2, FEWEST_RESAMPLES * len(values))) & (units > 1)
    mean = np.where(defined, values, 0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(defined, values - mean, 0) ** 2
    variance = squares.sum(axis=0) / np.maximum(count - 1, 1) * units / max(units - 1, 1)
    known: Floats = np.where(enough, np.sqrt(variance), np.nan)
    return np.where(known < ROUNDING, 0.0, known)
