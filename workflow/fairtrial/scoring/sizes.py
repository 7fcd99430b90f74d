"""Metrics of detections by the size of objects: COCO's ranges of area, and thirds of the objects.

An object's area is the one that the source states. Objects of other sizes are ignored, as by COCO:
a detection on one of them is neither right nor wrong, nor is one of another size that lies on none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from fairtrial.data.dataset import Dataset
from fairtrial.scoring import matching, weighted_metrics
from fairtrial.scoring.matching import Area, Floats, Matches, Overlaps
from fairtrial.scoring.scores import Row

BY_SIZE = ("split", "scale", "size", "low", "high", "objects", "AP", "AP50", "AR_100")
COCO, THIRDS = "COCO", "thirds"  # scales
SIZES = ("small", "medium", "large")


def size_rows(
    split: str, truth: Dataset, pairs: Overlaps, coco: Mapping[str, Matches]
) -> Iterator[Row]:
    """Rows of BY_SIZE of one split that has images: three sizes on each scale; metrics are None
    for a size without objects. `coco`: the matches by COCO's sizes, as `matching.by_size` gives."""
    for name in SIZES:
        yield _row(split, COCO, name, matching.COCO_AREAS[name], coco[name])
    for name, area in thirds(truth).items():
        matches = matching.match_pairs(pairs, matching.COCO_IOUS, area)
        yield _row(split, THIRDS, name, area, matches)


def thirds(truth: Dataset) -> dict[str, Area]:
    """The ranges of area that split the objects (no crowds) into thirds, by the name of the size;
    none without objects. The largest of the smallest third belongs to it, and so on."""
    areas = np.array([a.area for a in truth.annotations if not a.iscrowd])
    if not len(areas):
        return {}
    low, high = (float(x) for x in np.quantile(areas, (1 / 3, 2 / 3), method="inverted_cdf"))
    above_low, above_high = (float(np.nextafter(x, np.inf)) for x in (low, high))
    ranges = Area(0.0, low), Area(above_low, high), Area(above_high, matching.ALL.high)
    return dict(zip(SIZES, ranges, strict=True))


def _row(split: str, scale: str, name: str, area: Area, matches: Matches) -> Row:
    once = np.ones((1, matches.images))
    ap = weighted_metrics.average_precisions(matches, once)[0]  # (T, C)
    recall = _mean(weighted_metrics.average_recall(matches, matching.MAX_DET, once))
    objects = int(matches.objects.sum())
    return (split, scale, name, *area, objects, _mean(ap), _mean(ap[0]), recall)


def _mean(values: Floats) -> float | None:
    """The mean of the values that are defined; None where none is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None
