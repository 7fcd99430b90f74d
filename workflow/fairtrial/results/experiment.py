"""The runs of one experiment, in order: configurations, and which of them may be compared.

A configuration is a run without its seed; runs on the folds of one data set are one
configuration, too. Configurations stand in one comparison only if their figures come from the
same images with the same ground truth. The letters A, B, C …
follow the order of the experiment, so that they are the same in every figure and table.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fairtrial import DataError, SettingsError
from fairtrial.results.configuration import (
    ABSENT,
    MANY,
    Configuration,
    letter,
    setting_text,
    shared_settings,
)
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.run import FinishedRun
from fairtrial.scoring.ranking import RankingRule, ranking_rule
from fairtrial.scoring.task_metrics import TASK_METRICS, TaskMetrics
from fairtrial.settings.run_name import without_folds


@dataclass
class Comparison:
    """Configurations scored on the same images; `split` is the side that tables show."""

    split: str
    configurations: list[Configuration]
    datasets: list[DatasetDescription]
    same_val: bool
    ranking_rule: RankingRule  # by which the best is chosen

    @property
    def metric(self) -> str:
        return self.ranking_rule.name

    @property
    def task(self) -> str:
        return self.configurations[0].first.task

    @property
    def task_metrics(self) -> TaskMetrics:
        return TASK_METRICS[self.task]

    @property
    def names(self) -> str:
        return ", ".join(view.name for view in self.datasets)

    @property
    def repeated(self) -> str:
        """What repeats its configurations: `folds` or `seeds`."""
        return self.configurations[0].repeated

    @property
    def iou(self) -> str:
        """The overlap at which boxes match in precision, recall and F1; "" without boxes."""
        runs = [run for configuration in self.configurations for run in configuration.runs]
        found = {run.metrics["iou"] for run in runs if "iou" in run.metrics}
        return " and ".join(f"{iou:.2f}" for iou in sorted(found))

    def ranked(self) -> list[Configuration]:
        """Best first on val: the choice must not see the test images. Without a figure, last."""

        def place(configuration: Configuration) -> tuple[float, int]:
            mean = configuration.mean("val", self.metric)
            return (float("inf") if mean is None else -mean), self.configurations.index(
                configuration
            )

        return sorted(self.configurations, key=place)


@dataclass
class ExperimentResults:
    """All of an experiment. `results` is results/<experiment>, `data` the data folder."""

    results: Path
    data: Path
    runs: list[FinishedRun]
    ranking_rule: RankingRule

    @property
    def task(self) -> str:
        """That of all runs: `load` refuses others."""
        return self.runs[0].task

    @cached_property
    def datasets(self) -> dict[str, DatasetDescription]:
        """The data sets of the runs, by name."""
        return {
            name: DatasetDescription(name, self.data)
            for name in sorted({r.dataset for r in self.runs})
        }

    @cached_property
    def differing_settings(self) -> list[str]:
        """Settings that are not equal in all runs that have them, `model` and `dataset` first.

        What only one framework has tells nothing apart that its name does not.
        """
        names = sorted({name for run in self.runs for name in run.settings})
        told = {n: {setting_text(run.settings, n) for run in self.runs} - {ABSENT} for n in names}
        found = [name for name in names if len(told[name]) > 1]
        if len({view.set_of_folds or name for name, view in self.datasets.items()}) == 1:
            found = [n for n in found if n != "dataset"]  # they are folds of one set
        first = [n for n in ("backend", "model", "dataset") if n in found]
        return first + [n for n in found if n not in first]

    @cached_property
    def base(self) -> dict[str, str]:
        """Where many settings differ, as in a sweep of one at a time: the value that more than
        half of the configurations have. So a configuration is told by what departs from it."""
        if len(self.differing_settings) < MANY:
            return {}
        each = [shared_settings(runs) for runs in self._grouped().values()]
        found = {}
        for key in self.differing_settings:
            told, count = Counter(setting_text(settings, key) for settings in each).most_common(1)[
                0
            ]
            if count > len(each) / 2:
                found[key] = told
        return found

    def _grouped(self) -> dict[str, list[FinishedRun]]:
        """Runs by configuration; those that differ in the fold of their data alone are one."""
        grouped: dict[str, list[FinishedRun]] = {}
        for run in self.runs:
            grouped.setdefault(self._whole(run) or run.configuration, []).append(run)
        return grouped

    def _whole(self, run: FinishedRun) -> str | None:
        """What is equal in all folds of a configuration, as text; None where its data set is no
        fold, or the only one."""
        found = self.datasets[run.dataset].set_of_folds
        same = [view for view in self.datasets.values() if found and view.set_of_folds == found]
        if len(same) < 2:
            return None
        settings = {key: told for key, told in run.settings.items() if key != "dataset"}
        return json.dumps([found, run.record.get("backend"), settings], sort_keys=True)

    @cached_property
    def configurations(self) -> list[Configuration]:
        found = []
        for number, runs in enumerate(self._grouped().values()):
            several = len({run.dataset for run in runs}) > 1
            folds = self.datasets[runs[0].dataset].folds if several else 0
            settings = shared_settings(runs)
            told = {key: setting_text(settings, key) for key in self.differing_settings}
            name = without_folds(runs[0].configuration) if folds else runs[0].configuration
            ordered = sorted(runs, key=lambda run: (run.seed, run.name))
            found.append(Configuration(name, letter(number), ordered, told, self.base, folds))
        return found

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Configurations by what they were scored on: the test side, or val if test is empty."""
        grouped: dict[tuple[str, str], list[Configuration]] = {}
        for configuration in self.configurations:
            tested = all(run.metrics.get("test") for run in configuration.runs)
            split = "test" if tested else "val"
            truths = {
                self.datasets[run.dataset].ground_truth_sha256(split) for run in configuration.runs
            }
            key = (split, " ".join(sorted(truths)))
            grouped.setdefault(key, []).append(configuration)
        return [self._comparison(split, members) for (split, _), members in grouped.items()]

    def _comparison(self, split: str, members: list[Configuration]) -> Comparison:
        names = sorted({run.dataset for configuration in members for run in configuration.runs})
        vals = {
            frozenset(self.datasets[run.dataset].ground_truth_sha256("val") for run in c.runs)
            for c in members
        }
        same_val = len(vals) == 1
        return Comparison(
            split, members, [self.datasets[name] for name in names], same_val, self.ranking_rule
        )


def load_experiment(
    results: Path, data: Path, runs: Sequence[str], rank_by: str | dict[str, float] = "AP"
) -> ExperimentResults:
    """Find the runs of an experiment by name; raises if there are none or one is missing.

    `rank_by`: a figure of metrics.json, or the weights of a fitness.
    """
    if not runs:
        raise SettingsError("the experiment names no runs: there is nothing to show")
    chosen = ranking_rule(rank_by)
    found = [FinishedRun(name, results, chosen) for name in dict.fromkeys(runs)]
    for run in found:
        if not run.folder.is_dir():
            raise DataError(f"{run.folder}: no such folder; has the run {run.name} been trained?")
    _refuse_others(found, chosen)
    return ExperimentResults(results, data, found, chosen)


def _refuse_others(runs: list[FinishedRun], chosen: RankingRule) -> None:
    """Refuse runs of two tasks, which have no figure in common, and a figure they do not have."""
    tasks = {run.task: run.name for run in runs}
    if len(tasks) > 1:
        told = ", ".join(f"{name}: {task}" for task, name in sorted(tasks.items()))
        raise SettingsError(f"runs of two tasks have no figure in common ({told})")
    possible = TASK_METRICS[runs[0].task].all
    for figure in chosen.metrics:
        if figure not in possible:
            raise SettingsError(f"rank_by: {figure} is no figure; possible: {', '.join(possible)}")
