"""How configurations stand to the best of them: the gap, and whether it is more than chance."""

from __future__ import annotations

from collections.abc import Sequence

from fairtrial.results.configuration import Configuration
from fairtrial.scoring.uncertainty import Gap, tell_apart_from_each, tell_folds_apart_from_each

__all__ = ["Gap", "gaps_to"]


def gaps_to(
    best: Configuration, others: Sequence[Configuration], split: str, metric: str
) -> dict[str, Gap]:
    """Letter → how far the best lies above it in one figure; those without one are left out.

    Seeds are independent, and compared by Welch's test. Folds are the same for all, and share
    training images: they are compared fold by fold. Holm's correction is over all pairs.
    """
    shown = {c.letter: c.scores(split, metric) for c in others if c.scores(split, metric)}
    own = best.scores(split, metric)
    paired = best.folds > 2 and all(len(row) == len(own) for row in shown.values())
    theirs = list(shown.values())
    if paired:
        return dict(zip(shown, tell_folds_apart_from_each(own, theirs, best.folds), strict=True))
    return dict(zip(shown, tell_apart_from_each(own, theirs), strict=True))
