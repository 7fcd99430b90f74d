"""Whether a metric on val falls from its peak to the end of the trainings, by more than chance.

The highest of many noisy epochs lies above the last ones even where nothing falls. So either each
curve must fall by more than its epochs scatter, with a threshold that knows at how many places a
peak was sought; or the peak of each seed (or fold) is sought in the other seeds, and the falls from
there must be more than their spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHARE = 10  # the last tenth of the epochs is the end; a peak is as long
SHORTEST = 3  # epochs of an end and of a peak, at least
FEWEST = 12  # epochs of which anything is said
SMALLEST = 0.01  # a smaller fall is not worth a sentence
ERROR = 0.01  # how often, about, curves that do not fall are said to


@dataclass(frozen=True)
class Fall:
    """A fall from `peak`, the mean over the epochs around `epoch`, to `end`, that of the last ones;
    over so many seeds or folds."""

    epoch: int
    peak: float
    end: float
    curves: int


def fall(curves: Sequence[Sequence[float]]) -> Fall | None:
    """The fall of a metric, a row of values by epoch for each seed; None where there is none.

    Epochs that not all have are left out, and so are curves with a missing value.
    """
    import numpy as np

    epochs = min((len(curve) for curve in curves), default=0)
    values = np.array([list(curve)[:epochs] for curve in curves], dtype=float)
    if epochs < FEWEST or not np.isfinite(values).all():
        return None
    width = max(SHORTEST, epochs // SHARE)
    means = _running_means(values, width)
    place = int(means.mean(axis=0).argmax())
    found = Fall(
        epoch=place + 1 + width // 2,
        peak=float(means[:, place].mean()),
        end=float(means[:, -1].mean()),
        curves=len(values),
    )
    if found.peak - found.end < SMALLEST or place + width > epochs - width:
        return None
    each = all(_within(*curve, width) for curve in zip(values, means, strict=True))
    return found if each or _over_seeds(means) else None


def _running_means(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """The means over each `width` neighbouring epochs, a row a seed."""
    import numpy as np

    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    means: NDArray[np.float64] = (sums[:, width:] - sums[:, :-width]) / width
    return means


def _over_seeds(means: NDArray[np.float64]) -> bool:
    """Whether seeds fall from where the other seeds peak: a one-sided t-test."""
    import numpy as np
    from scipy import stats

    if len(means) == 1:
        return False
    others = (means.sum(axis=0) - means) / (len(means) - 1)
    peaks = others.argmax(axis=1)
    falls = means[np.arange(len(means)), peaks] - means[:, -1]
    error = falls.std(ddof=1) / np.sqrt(len(falls))
    least = float(stats.t.ppf(1 - ERROR, len(falls) - 1))
    return bool(falls.mean() > least * error)


def _within(values: NDArray[np.float64], means: NDArray[np.float64], width: int) -> bool:
    """Whether one curve falls by more than its epochs scatter: the scatter of the differences
    between neighbouring epochs, and a threshold for as many places as were looked at."""
    import numpy as np
    from scipy import stats

    scatter = float(np.diff(values).std(ddof=1)) / np.sqrt(2)
    error = scatter * np.sqrt(2 / width)
    least = float(stats.norm.ppf(1 - ERROR / len(means)))
    return bool(means.max() - means[-1] > least * error)
