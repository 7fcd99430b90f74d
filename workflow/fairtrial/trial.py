"""The runs of one experiment, in order: configurations, and which of them may be compared.

A configuration is a run without its seed. Configurations stand in one comparison only if
their figures come from the same images with the same ground truth. The letters A, B, C …
follow the order of the experiment, so that they are the same in every figure and table.
"""

from __future__ import annotations

import hashlib
import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fairtrial import DataError, SettingsError
from fairtrial.results import FIGURES, Run, View

MANY = 3  # differing settings from which on a configuration is told by a name or a departure
ABSENT = "–"  # a setting that this configuration's backend does not have


@dataclass
class Configuration:
    """Runs that differ in their seed only, in the order of their seeds."""

    name: str
    letter: str
    runs: list[Run]
    differs: dict[str, str]  # the settings in which configurations differ, as text
    base: dict[str, str]  # of these, the values that most configurations share

    def scores(self, split: str, metric: str) -> list[float]:
        """A figure of every run that has one, by seed."""
        found = [run.score(split, metric) for run in self.runs]
        return [score for score in found if score is not None]

    def mean(self, split: str, metric: str) -> float | None:
        scores = self.scores(split, metric)
        return statistics.fmean(scores) if scores else None

    @property
    def first(self) -> Run:
        return self.runs[0]

    @property
    def named(self) -> bool:
        """Whether a person named it; names made from settings are `momentum=0.6` and the like."""
        return "=" not in self.name

    @property
    def about(self) -> str:
        """What to call it: what sets it apart, `momentum 0.6, lr0 0.01`, while that is short;
        else the name that a person gave it."""
        short = 0 < len(self.differs) < MANY
        return self.departure if short or (self.differs and not self.named) else self.name

    @property
    def departure(self) -> str:
        """The settings that set it apart, in words."""
        own = {k: v for k, v in self.differs.items() if v not in (ABSENT, self.base.get(k))}
        return in_words(own) or "base settings"

    @property
    def told(self) -> str:
        """Both: `frozen: freeze 10`."""
        return f"{self.name}: {self.departure}" if self.named and self.differs else self.about

    def label(self, length: int = 200) -> str:
        """Letter and what sets it apart, cut in the middle to about `length` characters."""
        return f"{self.letter}  {shorten(self.about, length)}"


@dataclass
class Comparison:
    """Configurations scored on the same images; `split` is the side that tables show."""

    split: str
    configurations: list[Configuration]
    views: list[View]
    same_val: bool
    metric: str  # by which the best is chosen

    @property
    def names(self) -> str:
        return ", ".join(view.name for view in self.views)

    def ranked(self) -> list[Configuration]:
        """Best first on val: the choice must not see the test images. Without a figure, last."""

        def place(configuration: Configuration) -> tuple[float, int]:
            mean = configuration.mean("val", self.metric)
            return (float("inf") if mean is None else -mean), self.configurations.index(
                configuration
            )

        return sorted(self.configurations, key=place)


@dataclass
class Trial:
    """All of an experiment. `results` is results/<experiment>, `data` the data folder."""

    results: Path
    data: Path
    runs: list[Run]
    metric: str = "AP"

    @cached_property
    def views(self) -> dict[str, View]:
        """The data sets of the runs, by name."""
        return {name: View(name, self.data) for name in sorted({r.dataset for r in self.runs})}

    @cached_property
    def differing(self) -> list[str]:
        """Settings that are not equal in all runs, `model` and `dataset` first."""
        names = sorted({name for run in self.runs for name in run.settings})
        found = [n for n in names if len({value(run.settings, n) for run in self.runs}) > 1]
        first = [n for n in ("backend", "model", "dataset") if n in found]
        return first + [n for n in found if n not in first]

    @cached_property
    def base(self) -> dict[str, str]:
        """Where many settings differ, as in a sweep of one at a time: the value that more than
        half of the configurations have. So a configuration is told by what departs from it."""
        if len(self.differing) < MANY:
            return {}
        firsts = [runs[0] for runs in self._grouped().values()]
        found = {}
        for key in self.differing:
            told, count = Counter(value(run.settings, key) for run in firsts).most_common(1)[0]
            if count > len(firsts) / 2:
                found[key] = told
        return found

    def _grouped(self) -> dict[str, list[Run]]:
        grouped: dict[str, list[Run]] = {}
        for run in self.runs:
            grouped.setdefault(run.configuration, []).append(run)
        return grouped

    @cached_property
    def configurations(self) -> list[Configuration]:
        return [
            Configuration(
                name,
                letter(number),
                sorted(runs, key=lambda run: (run.seed, run.name)),
                {key: value(runs[0].settings, key) for key in self.differing},
                self.base,
            )
            for number, (name, runs) in enumerate(self._grouped().items())
        ]

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Configurations by what they were scored on: the test side, or val if test is empty."""
        grouped: dict[tuple[str, str], list[Configuration]] = {}
        for configuration in self.configurations:
            tested = all(run.metrics.get("test") for run in configuration.runs)
            split = "test" if tested else "val"
            truths = {self._truth(run.dataset, split) for run in configuration.runs}
            key = (split, " ".join(sorted(truths)))
            grouped.setdefault(key, []).append(configuration)
        return [self._comparison(split, members) for (split, _), members in grouped.items()]

    def _comparison(self, split: str, members: list[Configuration]) -> Comparison:
        names = sorted({run.dataset for configuration in members for run in configuration.runs})
        same_val = len({self._truth(name, "val") for name in names}) == 1
        return Comparison(
            split, members, [self.views[name] for name in names], same_val, self.metric
        )

    def _truth(self, dataset: str, side: str) -> str:
        return hashlib.sha256(self.views[dataset].truth(side).encode()).hexdigest()


def load(results: Path, data: Path, runs: Sequence[str], rank_by: str = "AP") -> Trial:
    """Find the runs of an experiment by name; raises if there are none or one is missing."""
    if not runs:
        raise SettingsError("the experiment names no runs: there is nothing to show")
    if rank_by not in FIGURES:
        raise SettingsError(f"rank_by: {rank_by} is no figure; possible: {', '.join(FIGURES)}")
    found = [Run(name, results) for name in dict.fromkeys(runs)]
    for run in found:
        if not run.folder.is_dir():
            raise DataError(f"{run.folder}: no such folder; has the run {run.name} been trained?")
    return Trial(results, data, found, rank_by)


def value(settings: dict[str, Any], key: str) -> str:
    """A setting as text: `0.0001`, `true`, `[1, 2]`; a dash if it is not there."""
    if key not in settings:
        return ABSENT
    found = settings[key]
    if found is None:
        return "none"
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def in_words(settings: dict[str, str]) -> str:
    """`momentum 0.6, lr0 0.01`."""
    return ", ".join(f"{key} {text}" for key, text in settings.items())


def letter(number: int) -> str:
    """0 → A, 25 → Z, 26 → AA."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def shorten(text: str, length: int) -> str:
    """One line of at most `length` characters, cut in the middle."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    half = (length - 1) // 2
    return text[: length - 1 - half] + "…" + text[len(text) - half :]
