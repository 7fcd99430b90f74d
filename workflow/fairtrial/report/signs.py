"""The signs ≈ ↓ ↑ ? that compare each configuration with the best, in any metric."""

from __future__ import annotations

from fairtrial.report.answer import Answer
from fairtrial.report.wording import mark
from fairtrial.results.experiment import Comparison
from fairtrial.results.significance import gaps_to
from fairtrial.scoring.task_metrics import LOWER_IS_BETTER

TURNED = {"↓": "↑", "↑": "↓"}


def signs_of(comparison: Comparison, metric: str, outcome: Answer) -> dict[str, str]:
    """Letter → the sign of the gap in one metric: ↓ is worse, be it lower or, of a loss, higher."""
    if not outcome.gaps or metric == comparison.metric:
        return outcome.marks
    ranked = comparison.ranked()
    (best,) = (c for c in ranked if c.letter == outcome.best)
    others = [c for c in ranked if c.letter in outcome.gaps]
    gaps = gaps_to(best, others, comparison.split, metric)
    signs = {letter: mark(gap) for letter, gap in gaps.items()}
    if metric in LOWER_IS_BETTER:
        signs = {letter: TURNED.get(sign, sign) for letter, sign in signs.items()}
    return signs
