"""Sweeps: configurations of a comparison that differ in one setting alone.

Membership depends on settings, not on the names of runs: a configuration that several sweeps share
is trained once, and belongs to all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeGuard

from fairtrial.results.configuration import Configuration, setting_text
from fairtrial.results.experiment import Comparison
from fairtrial.results.learning_curve import SHARE
from fairtrial.results.significance import Gap, gaps_to
from fairtrial.store.keys import canonical

METRICS = {  # four metrics by task
    "detect": ("precision", "recall", "AP50", "AP"),
    "classify": ("accuracy", "precision", "recall", "f1"),
}
WIDE = 100  # ratio of the largest to the smallest value from which on the axis is logarithmic


@dataclass
class Sweep:
    """The configurations that differ in `parameter` alone, by its value."""

    parameter: str
    members: list[Configuration]
    comparison: Comparison

    @property
    def values(self) -> list[object]:
        """The parameter's value of each member; None where it has no such setting."""
        return [configuration.settings.get(self.parameter) for configuration in self.members]

    @property
    def texts(self) -> list[str]:
        """The values as text."""
        return [self.text(configuration) for configuration in self.members]

    def text(self, configuration: Configuration) -> str:
        """One configuration's value as text."""
        return setting_text(configuration.settings, self.parameter)

    def label(self, configuration: Configuration) -> str:
        """`momentum 0.6`."""
        return f"{self.parameter} {self.text(configuration)}"

    @property
    def numbers(self) -> list[float] | None:
        """The values where all are numbers, else None."""
        numbers = [float(value) for value in self.values if _is_number(value)]
        return numbers if len(numbers) == len(self.members) else None

    @property
    def logarithmic(self) -> bool:
        """Whether the values are numbers over two decades or more."""
        numbers = self.numbers
        return numbers is not None and min(numbers) > 0 and max(numbers) >= WIDE * min(numbers)

    @property
    def best(self) -> Configuration | None:
        """The member that is best on val, of those with a value on the split that tables show;
        None where there is none."""
        metric, split = self.comparison.metric, self.comparison.split
        ranked = [c for c in self.comparison.ranked() if c in self.members]
        return next((c for c in ranked if c.scores(split, metric)), None)

    def gaps(self, metric: str) -> dict[str, Gap]:
        """Letter → how far the best member lies above it in one metric."""
        best = self.best
        if best is None or not best.scores(self.comparison.split, metric):
            return {}
        others = [c for c in self.members if c is not best]
        return gaps_to(best, others, self.comparison.split, metric)


def sweeps(comparison: Comparison, parameters: Iterable[str]) -> list[Sweep]:
    """A sweep for each parameter that has two values or more while all other settings are equal.
    Where that holds for several sets of other settings, the set with the most values counts. Shares
    of train are no sweep, but a learning curve."""
    swept = []
    for parameter in (name for name in parameters if name != SHARE):
        groups: dict[str, list[Configuration]] = {}
        for configuration in comparison.configurations:
            key = _other_settings(configuration, parameter)
            groups.setdefault(key, []).append(configuration)
        largest = max(groups.values(), key=len, default=[])
        if len(largest) > 1:
            swept.append(Sweep(parameter, _sorted(largest, parameter), comparison))
    return swept


def _other_settings(configuration: Configuration, parameter: str) -> str:
    """All settings but one, as one text."""
    settings = configuration.settings
    return canonical({key: settings[key] for key in settings if key != parameter})


def _sorted(members: list[Configuration], parameter: str) -> list[Configuration]:
    """By number where all are numbers, else as the experiment lists them."""
    numbers = {}
    for configuration in members:
        value = configuration.settings.get(parameter)
        if not _is_number(value):
            return sorted(members, key=lambda c: c.place)
        numbers[configuration.letter] = float(value)
    return sorted(members, key=lambda c: numbers[c.letter])


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
