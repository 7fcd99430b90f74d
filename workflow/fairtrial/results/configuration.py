"""One configuration of an experiment: its runs, its metrics, and its labels."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING

from fairtrial.results.run import FinishedRun
from fairtrial.settings.run_name import without_folds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MANY = 3  # from this number of differing settings on, a label is the name instead of the settings
LONG = 30  # characters of settings from which on the name is the label, where a person gave one
BASE = "base settings"  # of a configuration that changes none
CUT = r"\.[0-9a-f]{6}$"  # the hash at the end of a shortened name, which lacks some settings
WHOLE = 1e15  # a whole number below it is written without a point
ABSENT = "–"  # a setting that this configuration's backend does not have


@dataclass
class Configuration:
    """Runs that differ only in seed and replicate and, where `folds` (their number) is not 0, in
    the fold of their data set. Ordered by seed."""

    name: str
    letter: str
    runs: list[FinishedRun]
    differs: dict[str, str]  # the settings in which configurations differ, as text
    base: dict[str, str]  # of these, the values that most configurations share
    folds: int = 0
    place: int = 0  # in the list of the experiment; their own order is that of their rank

    @cached_property
    def repeats(self) -> list[list[FinishedRun]]:
        """The runs of each seed or, where there are folds, of each fold, in order.

        Replicates of a seed are one repeat, and so are seeds whose weights and predictions are
        equal to the byte: counted as several, they would make the spread over seeds too small.
        """
        groups: dict[tuple[str, int], list[FinishedRun]] = {}
        for run in self.runs:
            key = (run.dataset, 0) if self.folds else ("", run.seed)
            groups.setdefault(key, []).append(run)
        repeats = [groups[key] for key in sorted(groups)]
        return repeats if self.folds else _equal_ones_merged(repeats)

    @property
    def seed_has_no_effect(self) -> bool:
        """Whether it has several seeds, and all gave equal weights and predictions."""
        seeds = {run.seed for run in self.runs}
        return not self.folds and len(seeds) > 1 and len(self.repeats) == 1

    @property
    def predicted_val(self) -> bool:
        """Whether it has predictions on val; those that were made elsewhere may have none."""
        return any(run.metrics_of("val") for run in self.runs)

    @property
    def trained_once(self) -> bool:
        """Whether nothing tells what another seed would give."""
        return not self.folds and len({run.seed for run in self.runs}) == 1

    @property
    def repeated(self) -> str:
        """What means are taken over: `folds` or `seeds`."""
        return "folds" if self.folds else "seeds"

    @property
    def repeats_text(self) -> str:
        """The repeats with their number: `3 seeds`, `one seed`, `5 folds`."""
        count = len(self.repeats)
        if self.seed_has_no_effect:
            return f"{len({run.seed for run in self.runs})} equal seeds"
        if count == 1:
            return "one fold" if self.folds else "one seed"
        return f"{count} {self.repeated}"

    def scores(self, split: str, metric: str) -> list[float]:
        """A metric for each seed (or fold) in which it is defined: the mean of its runs."""
        return list(self.values(split, metric).values())

    def values(self, split: str, metric: str) -> dict[int, float]:
        """Seed (or number of the fold, from 1) → `scores`."""
        averaged = self._averaged(lambda run: run.score(split, metric))
        numbers = [
            number if self.folds else runs[0].seed for number, runs in enumerate(self.repeats, 1)
        ]
        pairs = zip(numbers, averaged, strict=True)
        return {number: value for number, value in pairs if value is not None}

    def resampled(self, split: str, metric: str) -> NDArray[np.float64] | None:
        """For each resample of the images of a split the mean over the seeds that have a value of
        the metric; NaN where a seed has none there. None where a run has no resamples, and for
        folds, whose images differ."""
        import numpy as np

        means = []
        for runs in self.repeats:
            scored = [run for run in runs if run.score(split, metric) is not None]
            resamples = [run.resampled(split, metric) for run in scored]
            present = [row for row in resamples if row is not None]
            if self.folds or len(present) < len(resamples):
                return None
            if present:
                means.append(np.mean(present, axis=0))
        return np.mean(means, axis=0) if means else None

    def class_scores(self, split: str, name: str, metric: str) -> list[float]:
        """As `scores`, for one class; `metric` is a column of per_class.csv."""

        def read(run: FinishedRun) -> float | None:
            value = run.per_class.get(split, {}).get(name, {}).get(metric, math.nan)
            return value if math.isfinite(value) else None

        return self.averages(read)

    def averages(self, read: Callable[[FinishedRun], float | None]) -> list[float]:
        """What `read` gives for each seed (or fold), the mean of its runs, where it is defined."""
        return [value for value in self._averaged(read) if value is not None]

    def _averaged(self, read: Callable[[FinishedRun], float | None]) -> list[float | None]:
        """The mean over the runs of each repeat; None for one without a value."""
        scores = [[read(run) for run in runs] for runs in self.repeats]
        defined = [[score for score in row if score is not None] for row in scores]
        return [float(statistics.mean(row)) if row else None for row in defined]

    def classes(self, split: str, column: str) -> dict[str, int]:
        """How many `objects` or `images` (a column of per_class.csv) of each class a split has;
        with folds, the split of all of them together."""
        counts: dict[str, int] = {}
        for run in [runs[0] for runs in self.repeats] if self.folds else [self.first]:
            for name, row in run.per_class.get(split, {}).items():
                counts[name] = counts.get(name, 0) + int(row[column])
        return counts

    def mean(self, split: str, metric: str) -> float | None:
        """The mean of `scores`; None where there are none."""
        scores = self.scores(split, metric)
        return statistics.fmean(scores) if scores else None

    @property
    def first(self) -> FinishedRun:
        return self.runs[0]

    @property
    def settings(self) -> dict[str, object]:
        """The settings of its runs; with folds the data set is that of all of them."""
        return shared_settings(self.runs)

    @property
    def named(self) -> bool:
        """Whether its name stands in the experiment's file; others are made of settings, as
        `momentum=0.6`."""
        return "=" not in self.name

    @property
    def short_label(self) -> str:
        """The settings that set it apart, `momentum 0.6, lr0 0.01`, while they are few and short;
        else its name."""
        if self.named and (self.departure == BASE or len(self.departure) > LONG):
            return self.name
        if 0 < len(self.differs) < MANY or (self.differs and re.search(CUT, self.name)):
            return self.departure
        return self.name.replace("+", ", ").replace("=", " ")

    @property
    def departure(self) -> str:
        """The settings that set it apart, as text."""
        departing = {k: v for k, v in self.differs.items() if v not in (ABSENT, self.base.get(k))}
        return settings_text(departing) or BASE

    @property
    def full_label(self) -> str:
        """Name and settings: `frozen: freeze 10`."""
        if self.named and self.differs:
            said = self.departure.split(" ", 1)[-1] == self.name  # `resnet18: model resnet18`
            return self.departure if said else f"{self.name}: {self.departure}"
        return self.short_label

    def label(self, length: int = 200) -> str:
        """Letter and short label; where that is longer than `length`, the values without the names
        of the settings, or else cut in the middle."""
        text = self.short_label
        if len(text) > length and (values := self._values_alone(text) or self._levels_alone(text)):
            text = values
        return f"{self.letter}  {shorten(text, length)}"

    def _values_alone(self, label: str) -> str:
        """`yolov8n, 0.01` of `model yolov8n, lr0 0.01`; "" where not every setting is named."""
        pairs = [part.split(" ", 1) for part in label.split(", ")]
        is_whole = all(len(pair) == 2 and pair[0] in self.differs for pair in pairs)
        return (
            ", ".join(pair[1] for pair in pairs)
            if is_whole and len(pairs) == len(self.differs)
            else ""
        )

    def _levels_alone(self, label: str) -> str:
        """`yolov8n, frozen` of the name `model=yolov8n+start=frozen`; "" of another label."""
        parts = [part.partition("=") for part in self.name.split("+")]
        is_name = label == ", ".join(f"{factor} {level}" for factor, _, level in parts)
        return ", ".join(level for _, _, level in parts) if is_name else ""


def _equal_ones_merged(repeats: list[list[FinishedRun]]) -> list[list[FinishedRun]]:
    """Repeats with equal results as one, in the order of the first of each."""
    merged: list[list[FinishedRun]] = []
    for runs in repeats:
        equal = next((others for others in merged if equal_results(runs, others)), None)
        if equal is None:
            merged.append([*runs])
        else:
            equal += runs
    return merged


def equal_results(runs: Sequence[FinishedRun], others: Sequence[FinishedRun]) -> bool:
    """Whether all these runs have weights and predictions that are equal to the byte."""
    first = runs[0]
    return all(first.equals(run) for run in [*runs[1:], *others])


def shared_settings(runs: Sequence[FinishedRun]) -> dict[str, object]:
    """The settings of runs that differ only in seed, replicate and fold."""
    names = sorted({run.dataset for run in runs})
    settings = runs[0].settings
    return settings | {"dataset": without_folds(names[0])} if len(names) > 1 else settings


def setting_text(settings: Mapping[str, object], key: str) -> str:
    """A setting as text: `0.0001`, `true`, `[1, 2]`; ABSENT where there is no such key."""
    if key not in settings:
        return ABSENT
    value = settings[key]
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: object) -> object:
    """The same value with whole numbers as such: 0.0 and 0 are one value, with one spelling."""
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE:
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(of) for key, of in value.items()}
    return [_plain(of) for of in value] if isinstance(value, list | tuple) else value


def settings_text(settings: Mapping[str, str]) -> str:
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


def shortened(texts: Sequence[str], length: int) -> list[str]:
    """The same for texts that stand together: cut where they stay distinct, in the middle, else at
    the end, at the beginning, or without what all of them begin with."""
    lines = [" ".join(text.split()) for text in texts]
    columns = zip(*lines, strict=False)
    begin = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
    for cut in (
        shorten,
        lambda text, length: text if len(text) <= length else f"{text[: length - 1]}…",
        lambda text, length: text if len(text) <= length else f"…{text[1 - length :]}",
    ):
        found = [cut(line, length) for line in lines]
        if len(set(found)) == len(set(lines)):
            return found
    return [shorten(f"…{line[begin:]}", length) for line in lines]
