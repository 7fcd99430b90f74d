"""The learning-rate range test: one short training whose rate rises, and what its losses say.

After L. N. Smith, Cyclical Learning Rates for Training Neural Networks (2017, arXiv:1506.01186),
who raised the rate along a line. As in fastai's `lr_find` it rises by one factor a step, the loss
is smoothed, and the test ends where that is four times its lowest. The proposal is the smaller one
of two that fastai has: a tenth of the rate at the lowest loss (`minimum`, a decade below where the
loss begins to rise again), and the rate at which it falls most (`steep`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

SMOOTHING = 0.9  # of the running mean of losses: it looks back about ten steps
DIVERGED = 4.0  # times the lowest smoothed loss
BELOW = 10.0  # how far the proposal lies below the rate with the lowest loss
SKIPPED = 10  # steps at the start, in which the running mean says little
AROUND = 5  # steps before and after one, between which the loss is said to fall at it
FEWEST = 30  # steps of a test


class _EndedError(Exception):
    """The test has seen enough."""


@dataclass
class RangeTest:
    """The rates of a test, and the losses (of one batch each) that were seen at the first of them.

    A backend asks for `rate` before each step, and calls `note` with the loss of its batch.
    """

    rates: tuple[float, ...]
    losses: list[float] = field(default_factory=list)
    after_step: Callable[[], object] = lambda: None

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self.rates[len(self.losses)]

    def note(self, loss: float) -> None:
        """Take the loss of a step. Raises what `to_its_end` catches where it was the last one."""
        self.losses.append(loss)
        self.after_step()
        if len(self.losses) == len(self.rates) or diverges(self.losses):
            raise _EndedError

    @contextmanager
    def to_its_end(self) -> Iterator[None]:
        """Within it a backend trains until the test ends that."""
        try:
            yield
        except _EndedError:
            return
        raise AssertionError("the training ended before the range test")

    @property
    def result(self) -> RangeResult:
        """What the test has found."""
        return RangeResult(self.rates[: len(self.losses)], tuple(self.losses), len(self.rates))


@dataclass(frozen=True)
class RangeResult:
    """Rates and losses of the steps that were made, of `planned` ones."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    planned: int

    @cached_property
    def smoothed(self) -> list[float]:
        """The running mean of the losses, as far as they are finite."""
        return smoothed(self.losses)

    @property
    def diverged(self) -> bool:
        """Whether the loss ended the test."""
        return diverges(self.losses)

    @cached_property
    def lowest(self) -> int:
        """The step (from 0) with the lowest smoothed loss, after the first ones."""
        first = min(SKIPPED, len(self.smoothed) - 1)
        return min(range(first, len(self.smoothed)), key=self.smoothed.__getitem__)

    @cached_property
    def steepest(self) -> int | None:
        """The step before the lowest loss around which it falls most, from so many steps before to
        so many after it; None where it does not fall."""
        steps = range(SKIPPED, self.lowest - AROUND + 1)
        falls = {n: self.smoothed[n - AROUND] - self.smoothed[n + AROUND] for n in steps}
        step = max(falls, key=falls.__getitem__, default=None)
        return step if step is not None and falls[step] > 0 else None

    @property
    def problem(self) -> str:
        """Why there is no proposal; empty where there is one."""
        if self.steepest is None:
            return "the loss falls at none of these rates; begin with a lower one"
        if self.lowest >= self.planned - 1:
            return "the loss still falls at the highest rate; end with a higher one"
        return ""

    @property
    def proposal(self) -> float | None:
        """The learning rate to begin with, of two digits; None where nothing can be said."""
        if self.steepest is None or self.problem:
            return None
        rate = min(self.rates[self.steepest], self.rates[self.lowest] / BELOW)
        return float(f"{rate:.1e}")


def rising(low: float, high: float, steps: int) -> tuple[float, ...]:
    """Rates from `low` to `high`, each by the same factor above the one before."""
    return tuple(low * (high / low) ** (step / (steps - 1)) for step in range(steps))


def smoothed(losses: list[float] | tuple[float, ...]) -> list[float]:
    """The running mean of losses, without the pull to 0 of its first values; up to the first loss
    that is not finite."""
    mean, means = 0.0, []
    for step, loss in enumerate(losses, 1):
        if not math.isfinite(loss):
            break
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        means.append(mean / (1 - SMOOTHING**step))
    return means


def diverges(losses: list[float] | tuple[float, ...]) -> bool:
    """Whether the last loss is not finite, or the running mean far above its lowest value."""
    means = smoothed(losses)
    late = means[SKIPPED:]
    return len(means) < len(losses) or (bool(late) and late[-1] > DIVERGED * min(late))
