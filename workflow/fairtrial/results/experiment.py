"""The runs of one experiment, in order: configurations, and which of them may be compared.

A configuration is a run without its seed; runs on the folds of one data set are one
configuration, too. Configurations stand in one comparison only if their metrics come from the
same images with the same ground truth. Configurations are ordered by their rank, comparison by
comparison, and the letters A, B, C … follow that order: texts, tables, legends and colours agree.
"""

from __future__ import annotations

import json
import math
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
    """Configurations scored on the same images, the best on val first; `split` (test or val) is
    the one that tables show, and `same_val` whether their val images are equal, too."""

    split: str
    configurations: list[Configuration]
    datasets: list[DatasetDescription]
    same_val: bool
    ranking_rule: RankingRule  # by which the best is chosen
    chosen_metrics: tuple[str, ...] = ()  # of tables

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
    def table_metrics(self) -> tuple[str, ...]:
        """The metrics of tables: those that were asked for, else the task's. The one that ranks is
        among them; top-5 of five classes or fewer, which is always 1, is not."""
        metrics = self.chosen_metrics or self.task_metrics.in_tables
        if len(self.datasets[0].dataset.categories) <= 5 and not self.chosen_metrics:
            metrics = tuple(metric for metric in metrics if metric != "top5")
        return metrics if self.metric in metrics else (self.metric, *metrics)

    @property
    def names(self) -> str:
        """The names of the data sets; of folds, that of all of them."""
        names = [dataset.name for dataset in self.datasets]
        whole = {without_folds(name) for name in names}
        if len(names) > 1 and len(whole) == 1:
            return f"{len(names)} folds of {whole.pop()}"
        return ", ".join(names)

    @property
    def has_one_class(self) -> bool:
        """Whether the metrics of a class are those of all classes."""
        return len({name for d in self.datasets for name in d.dataset.categories.values()}) == 1

    @property
    def repeated(self) -> str:
        """What repeats its configurations: `folds` or `seeds`."""
        return self.configurations[0].repeated

    @property
    def unit_noun(self) -> str:
        """What is drawn anew where images are resampled: `images`, or `groups` (`patients` …)."""
        return self.datasets[0].certificate.unit_name

    @property
    def iou(self) -> str:
        """The overlap at which boxes match in precision, recall and F1; "" without boxes."""
        runs = [run for configuration in self.configurations for run in configuration.runs]
        ious = {run.iou for run in runs if run.iou is not None}
        return " and ".join(f"{iou:.2f}" for iou in sorted(ious))

    @property
    def chosen_on(self) -> str:
        """On which split the best is chosen: val, or the one that tables show where none of the
        configurations has predictions on val."""
        return "val" if any(c.predicted_val for c in self.configurations) else self.split

    def ranked(self) -> list[Configuration]:
        """The configurations, the best on val first; those without a value come last. The test
        images have no part in this choice, but order those that have no predictions on val."""

        def place(configuration: Configuration) -> tuple[float, float]:
            mean = configuration.mean("val", self.metric)
            shown = None
            if not configuration.predicted_val:
                shown = configuration.mean(self.split, self.metric)
            return math.inf if mean is None else -mean, 0.0 if shown is None else -shown

        return sorted(self.configurations, key=place)


@dataclass
class ExperimentResults:
    """The finished runs of an experiment. `results` is results/<experiment>, `data` the data
    folder."""

    results: Path
    data: Path
    runs: list[FinishedRun]
    ranking_rule: RankingRule
    chosen_metrics: tuple[str, ...] = ()  # of tables

    @property
    def task(self) -> str:
        """The task of all runs: `load_experiment` refuses runs of two."""
        return self.runs[0].task

    @cached_property
    def datasets(self) -> dict[str, DatasetDescription]:
        """The data sets of the runs, by name."""
        names = sorted({run.dataset for run in self.runs})
        return {name: DatasetDescription(name, self.data) for name in names}

    @cached_property
    def differing_settings(self) -> list[str]:
        """Settings that are not equal in all runs that have them, `backend`, `model` and `dataset`
        first.

        So a setting that only some backends have is left out, unless it differs among their runs;
        and one that is absent where it has its default differs from that.
        """
        names = sorted({name for run in self.runs for name in run.settings})
        texts = {n: {setting_text(run.settings, n) for run in self.runs} - {ABSENT} for n in names}
        differing = [name for name in names if len(texts[name]) > 1 or name in self._partly_set]
        if len({d.set_of_folds or name for name, d in self.datasets.items()}) == 1:
            differing = [name for name in differing if name != "dataset"]  # folds of one data set
        first = [name for name in ("backend", "model", "dataset") if name in differing]
        return first + [name for name in differing if name not in first]

    @cached_property
    def _partly_set(self) -> set[str]:
        """Settings that some runs of a backend have and others of it lack, as a later setting is
        left out where it has its default; not `continues`, for more epochs say so."""
        by_backend: dict[str, list[set[str]]] = {}
        for run in self.runs:
            by_backend.setdefault(setting_text(run.settings, "backend"), []).append(
                set(run.settings)
            )
        return {
            name
            for keys in by_backend.values()
            for name in keys[0].union(*keys) - keys[0].intersection(*keys) - {"continues"}
        }

    @cached_property
    def base(self) -> dict[str, str]:
        """Setting → the value that more than half of the configurations have, as text; {} where
        fewer than MANY settings differ. Labels leave such values out."""
        if len(self.differing_settings) < MANY:
            return {}
        configurations = [shared_settings(runs) for runs in self._grouped().values()]
        base = {}
        for key in self.differing_settings:
            counts = Counter(setting_text(settings, key) for settings in configurations)
            text, count = counts.most_common(1)[0]
            if count > len(configurations) / 2 and key not in self._partly_set:
                base[key] = text
        return base

    def _grouped(self) -> dict[str, list[FinishedRun]]:
        """The runs of each configuration; runs that differ in the fold alone are in one."""
        groups: dict[str, list[FinishedRun]] = {}
        for run in self.runs:
            groups.setdefault(self._across_folds(run) or run.configuration, []).append(run)
        return groups

    def _across_folds(self, run: FinishedRun) -> str | None:
        """A text that is equal for all folds of a configuration; None where its data set is no
        fold, or the only one."""
        folds = self.datasets[run.dataset].set_of_folds
        if folds is None or [d.set_of_folds for d in self.datasets.values()].count(folds) < 2:
            return None
        settings = {key: value for key, value in run.settings.items() if key != "dataset"}
        return json.dumps([folds, settings], sort_keys=True)

    @cached_property
    def configurations(self) -> list[Configuration]:
        """All of them, comparison by comparison, the best on val first."""
        return [c for comparison in self.comparisons for c in comparison.configurations]

    def _configuration(self, place: int, runs: list[FinishedRun]) -> Configuration:
        """One that has no letter yet."""
        several = len({run.dataset for run in runs}) > 1
        folds = self.datasets[runs[0].dataset].folds if several else 0
        settings = shared_settings(runs)
        differs = {key: setting_text(settings, key) for key in self.differing_settings}
        name = without_folds(runs[0].configuration) if folds else runs[0].configuration
        ordered = sorted(runs, key=lambda run: (run.seed, run.name))
        return Configuration(name, "", ordered, differs, self.base, folds, place)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Configurations by what they were scored on: test, or val if test is empty."""
        groups: dict[tuple[str, str], list[Configuration]] = {}
        for place, runs in enumerate(self._grouped().values()):
            configuration = self._configuration(place, runs)
            tested = all(run.metrics.test for run in configuration.runs)
            split = "test" if tested else "val"
            truths = self._ground_truths(configuration, split)
            groups.setdefault((split, " ".join(sorted(truths))), []).append(configuration)
        comparisons = [self._comparison(split, members) for (split, _), members in groups.items()]
        ordered = [c for comparison in comparisons for c in comparison.configurations]
        for number, configuration in enumerate(ordered):
            configuration.letter = letter(number)
        return comparisons

    def _ground_truths(self, configuration: Configuration, split: str) -> frozenset[str]:
        runs = configuration.runs
        return frozenset(self.datasets[run.dataset].ground_truth_sha256(split) for run in runs)

    def _comparison(self, split: str, members: list[Configuration]) -> Comparison:
        names = sorted({run.dataset for configuration in members for run in configuration.runs})
        same_val = len({self._ground_truths(c, "val") for c in members}) == 1
        datasets = [self.datasets[name] for name in names]
        comparison = Comparison(
            split, members, datasets, same_val, self.ranking_rule, self.chosen_metrics
        )
        comparison.configurations = comparison.ranked()
        return comparison


def load_experiment(
    results: Path,
    data: Path,
    runs: Sequence[str],
    rank_by: str | dict[str, float] = "AP",
    metrics: Sequence[str] = (),
) -> ExperimentResults:
    """The results of the runs with these names.

    `rank_by`: a metric of metrics.json, or the weights of a fitness; `metrics`: those of tables.
    Raises SettingsError where there are no runs, or runs of two tasks, or they lack that metric;
    DataError where a run's folder is missing.
    """
    if not runs:
        raise SettingsError("the experiment has no runs, so there are no results to show")
    rule = ranking_rule(rank_by)
    finished = [FinishedRun(name, results, rule) for name in dict.fromkeys(runs)]
    for run in finished:
        if not run.folder.is_dir():
            raise DataError(f"{run.folder}: no such folder; has the run {run.name} been trained?")
    _refuse_incomparable(finished, rule)
    return ExperimentResults(results, data, finished, rule, tuple(metrics))


def _refuse_incomparable(runs: list[FinishedRun], rule: RankingRule) -> None:
    """Raise SettingsError for runs of two tasks, and for a metric that their task lacks."""
    tasks = {run.task: run.name for run in runs}
    if len(tasks) > 1:
        listed = ", ".join(f"{name}: {task}" for task, name in sorted(tasks.items()))
        raise SettingsError(f"runs of two tasks have no metric in common ({listed})")
    possible = TASK_METRICS[runs[0].task].all
    for metric in rule.metrics:
        if metric not in possible:
            raise SettingsError(f"rank_by: {metric} is no metric; possible: {', '.join(possible)}")
