"""Pruning: which trials are given up after an epoch.

Each rule looks at values of the present fitness alone, never at what was decided before. So a
resumed trial is given up at the epoch at which it would have been, and another fitness judges the
trials of a journal anew. (Optuna's own halving keeps the values of a rung in the journal.)
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from fairtrial.search.engines import STARTUP_TRIALS, in_memory
from fairtrial.settings.search import Pruning

REDUCTION = 3  # one in so many goes on after a rung, with so many times the epochs
MOST_RUNGS = 3  # of halving; and the brackets of hyperband beside that without any


@dataclass(frozen=True)
class JudgedTrial:
    """A trial after an epoch: its number, the value after each of its epochs so far, how many
    epochs it is to have, and the other trials, with values of the same fitness."""

    number: int
    so_far: Sequence[float]
    epochs: int
    others: Sequence[FrozenTrial]

    @property
    def epoch(self) -> int:
        return len(self.so_far)


def reason(pruning: Pruning, trial: JudgedTrial) -> str | None:
    """Why a trial is given up after its last epoch so far; None where it goes on. No rule gives up
    a trial that has all of its epochs."""
    return RULES[pruning](trial) if trial.epoch < trial.epochs else None


def _below_median(trial: JudgedTrial) -> str | None:
    """Its best value so far is below the median of what finished trials had. Never in the first
    quarter of the epochs, and never before STARTUP_TRIALS trials are finished."""
    pruner = optuna.pruners.MedianPruner(
        n_startup_trials=STARTUP_TRIALS, n_warmup_steps=trial.epochs // 4 + 1
    )
    values = dict(enumerate(trial.so_far, 1))
    finished = [other for other in trial.others if other.state == TrialState.COMPLETE]
    running = create_trial(state=TrialState.RUNNING, intermediate_values=values)
    is_below = pruner.prune(in_memory(finished), running)
    return f"below the median after epoch {trial.epoch}" if is_below else None


def _outside_of_best_third(trial: JudgedTrial) -> str | None:
    """Asynchronous successive halving (Li et al., 2020), without trials that pause."""
    return _at_rung(trial, rungs(trial.epochs, MOST_RUNGS), trial.others)


def _outside_of_best_third_of_its_bracket(trial: JudgedTrial) -> str | None:
    """Hyperband (Li et al., 2018): brackets of successive halving that begin with more and more
    epochs, in case that early ones mislead. A trial's number says to which it belongs."""
    own = bracket(trial.number)
    others = [other for other in trial.others if bracket(other.number) == own]
    return _at_rung(trial, rungs(trial.epochs, own), others)


def bracket(number: int) -> int:
    """How often a trial of hyperband is judged at most. In shares of the trials that give all
    brackets about as many epochs."""
    most = MOST_RUNGS
    shares = {b: -(-(most + 1) * REDUCTION**b // (b + 1)) for b in range(most, -1, -1)}
    digest = hashlib.sha256(f"hyperband {number}".encode()).digest()
    place = int.from_bytes(digest[:4], "big") % sum(shares.values())
    for number_of_rungs, share in shares.items():
        if place < share:
            return number_of_rungs
        place -= share
    raise AssertionError("shares add up to their sum")


def rungs(epochs: int, count: int) -> list[int]:
    """The epochs after which trials are compared, rising: a third of them all, a ninth, …"""
    parts = {-(-epochs // REDUCTION**rung) for rung in range(1, count + 1)}
    return sorted(part for part in parts if part < epochs)


def _at_rung(
    trial: JudgedTrial, compared: Sequence[int], others: Sequence[FrozenTrial]
) -> str | None:
    """Whether it is to be given up: at a rung, and not among the best third of those that had
    reached it. Of one or two trials the better one goes on."""
    if trial.epoch not in compared:
        return None
    reached = [_best(other, trial.epoch) for other in others if _reached(other, trial.epoch)]
    own = _worth(trial.so_far)
    values = sorted([*reached, own], reverse=True)
    kept = max(1, len(values) // REDUCTION)
    if own >= values[kept - 1]:
        return None
    place = values.index(own) + 1
    return f"number {place} of {len(values)} after epoch {trial.epoch}, of which {kept} went on"


def _reached(trial: FrozenTrial, epoch: int) -> bool:
    return epoch in trial.intermediate_values


def _best(trial: FrozenTrial, epoch: int) -> float:
    """The best value of a trial in its first epochs: what it would be worth if it ended there."""
    return _worth([v for step, v in trial.intermediate_values.items() if step <= epoch])


def _worth(values: Sequence[float]) -> float:
    """The best of them, among which there may be NaN: then a trial is worth nothing."""
    return max(values) if all(map(math.isfinite, values)) else -math.inf


RULES: dict[Pruning, Callable[[JudgedTrial], str | None]] = {
    "median": _below_median,
    "halving": _outside_of_best_third,
    "hyperband": _outside_of_best_third_of_its_bracket,
    "off": lambda trial: None,
}
