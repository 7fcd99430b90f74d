"""One parameter at a time: which configurations of a comparison differ in it alone.

A sweep is told by its settings, not by the names of its runs: a value that equals the base, or
another sweep's, is trained once, and stands in every sweep to which it belongs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fairtrial.results.configuration import Configuration, setting_text
from fairtrial.results.experiment import Comparison
from fairtrial.results.run import METRIC_NAMES as LONG
from fairtrial.results.significance import Gap, gaps_to
from fairtrial.store.keys import canonical

METRICS = {  # four figures by task
    "detect": ("precision", "recall", "AP50", "AP"),
    "classify": ("accuracy", "precision", "recall", "f1"),
}
METRIC_NAMES = LONG | {"AP50": "mAP50", "AP": "mAP50-95"}
WIDE = 100  # of the largest to the smallest value, from which on the axis is logarithmic


@dataclass
class Sweep:
    """The configurations that differ in `parameter` alone, by its value."""

    parameter: str
    members: list[Configuration]
    comparison: Comparison

    @property
    def values(self) -> list[Any]:
        return [configuration.settings.get(self.parameter) for configuration in self.members]

    @property
    def texts(self) -> list[str]:
        """The values as they are written."""
        return [self.text(configuration) for configuration in self.members]

    def text(self, configuration: Configuration) -> str:
        """Its value as it is written."""
        return setting_text(configuration.settings, self.parameter)

    def label(self, configuration: Configuration) -> str:
        """`momentum 0.6`."""
        return f"{self.parameter} {self.text(configuration)}"

    @property
    def numeric(self) -> bool:
        return all(_is_number(value) for value in self.values)

    @property
    def logarithmic(self) -> bool:
        """Whether the values are numbers over two decades or more."""
        return self.numeric and min(self.values) > 0 and max(self.values) >= WIDE * min(self.values)

    @property
    def best(self) -> Configuration | None:
        """The member that is best on val; None where none has a figure there and on the shown
        side."""
        metric, split = self.comparison.metric, self.comparison.split
        ranked = [c for c in self.comparison.ranked() if c in self.members]
        return next((c for c in ranked if c.scores(split, metric)), None)

    def gaps(self, metric: str) -> dict[str, Gap]:
        """Letter → how far the best member lies above it in one figure."""
        best = self.best
        if best is None or not best.scores(self.comparison.split, metric):
            return {}
        others = [c for c in self.members if c is not best]
        return gaps_to(best, others, self.comparison.split, metric)


def sweeps(comparison: Comparison, parameters: Iterable[str]) -> list[Sweep]:
    """A sweep for each parameter of which the comparison holds two values or more, all else
    being equal. Where several sets of other settings do so, the one with the most values."""
    found = []
    for parameter in parameters:
        groups: dict[str, list[Configuration]] = {}
        for configuration in comparison.configurations:
            groups.setdefault(_others(configuration, parameter), []).append(configuration)
        largest = max(groups.values(), key=len, default=[])
        if len(largest) > 1:
            found.append(Sweep(parameter, _sorted(largest, parameter), comparison))
    return found


def _others(configuration: Configuration, parameter: str) -> str:
    """All settings but one, as one text."""
    settings = configuration.settings
    return canonical({key: settings[key] for key in settings if key != parameter})


def _sorted(members: list[Configuration], parameter: str) -> list[Configuration]:
    """By number where all are numbers, else as the experiment lists them."""
    if all(_is_number(c.settings.get(parameter)) for c in members):
        return sorted(members, key=lambda c: float(c.settings[parameter]))
    return members


def _is_number(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)
