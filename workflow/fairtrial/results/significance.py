"""How far the best configuration lies above the others, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Sequence

from fairtrial.results.configuration import Configuration
from fairtrial.scoring.uncertainty import WelchGap as Gap
from fairtrial.scoring.uncertainty import tell_apart_from_each, tell_folds_apart_from_each

__all__ = ["Gap", "gaps_to"]


def gaps_to(
    best: Configuration, others: Sequence[Configuration], split: str, metric: str
) -> dict[str, Gap]:
    """Letter → how far the best lies above that configuration in one metric; configurations
    without a value are left out.

    Seeds are independent, and compared by Welch's test. Three folds or more that all have a value
    are compared fold by fold, since folds share training images (Nadeau and Bengio's test).
    Holm's correction is over all pairs.
    """
    scores = {c.letter: c.scores(split, metric) for c in others}
    scores = {letter: values for letter, values in scores.items() if values}
    of_best = best.scores(split, metric)
    paired = best.folds > 2 and all(len(values) == len(of_best) for values in scores.values())
    of_others = list(scores.values())
    if paired:
        gaps = tell_folds_apart_from_each(of_best, of_others, best.folds)
    else:
        gaps = tell_apart_from_each(of_best, of_others)
    return dict(zip(scores, gaps, strict=True))
