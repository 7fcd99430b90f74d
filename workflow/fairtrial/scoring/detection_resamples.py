"""The metrics of detections on resamples of a split, from its matches."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fairtrial.scoring import class_spreads
from fairtrial.scoring import weighted_metrics as weighted
from fairtrial.scoring.class_spreads import ClassSpreads
from fairtrial.scoring.matching import Floats, Matches
from fairtrial.scoring.resamples import Resamples
from fairtrial.scoring.resampling import UnitDraws


def resampled(
    standard: Mapping[str, Matches], one_iou: Matches, confidence: float | None, draws: UnitDraws
) -> tuple[Resamples, ClassSpreads]:
    """All metrics of `DetectionMetrics` on each resample, and the spreads of those of each class.

    `standard`: matches at COCO's ten IoUs by the name of the range of areas (`all`, `small`,
    `medium`, `large`); `one_iou`: those from which precision, recall and F1 are counted at
    `confidence`, which was chosen on val and is not chosen anew; NaN without one.
    """
    weights, everything = draws.weights, standard["all"]
    by_class = weighted.average_precisions(everything, weights)  # (B, T, C)
    at = {round(float(iou), 2): row for row, iou in enumerate(everything.ious)}
    metrics = {
        "AP": _mean(by_class),
        "AP50": _mean(by_class[:, at[0.5]]),
        "AP75": _mean(by_class[:, at[0.75]]),
    }
    for max_det in (1, 10, 100):
        metrics[f"AR_{max_det}"] = weighted.average_recall(everything, max_det, weights)
    for size in ("small", "medium", "large"):
        matches = standard[size]
        metrics[f"AP_{size}"] = _mean(weighted.average_precisions(matches, weights))
        metrics[f"AR_{size}"] = weighted.average_recall(matches, 100, weights)
    counts = weighted.rate_counts(one_iou, confidence, weights)
    rates = weighted.macro_rates(*counts)
    metrics |= {"precision": rates.precision, "recall": rates.recall, "f1": rates.f1}
    of_classes = {"AP": by_class.mean(axis=1), "AP50": by_class[:, at[0.5]]}
    of_classes |= class_spreads.by_class(*counts)
    spreads = class_spreads.class_spreads(of_classes, everything.objects, draws)
    return Resamples(draws.units, draws.unit_name, metrics), spreads


def _mean(values: Floats) -> Floats:
    """The mean of each resample over its IoUs and the classes that have objects, (B,)."""
    return weighted.mean_over_classes(values, ~np.isnan(values))
