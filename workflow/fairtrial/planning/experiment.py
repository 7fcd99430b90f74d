"""One experiment, resolved: its runs and studies, the data that they need, and where that lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from fairtrial import SettingsError
from fairtrial.planning.config_files import (
    data_sets,
    print_shipped,
    read_dataset,
)
from fairtrial.planning.idle_settings import refuse_idle, refuse_idle_sections
from fairtrial.planning.origins import Origins
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.planning.probes import batches_of, probes_of, refuse_gallery_without_train
from fairtrial.planning.runs import resolve
from fairtrial.planning.sources import Source, read_source, refuse_unlisted
from fairtrial.planning.studies import PlannedStudy, refuse_trial_seed, studies
from fairtrial.planning.unused_settings import refuse_unused, shipped_settings
from fairtrial.scoring import ranking
from fairtrial.scoring.task_metrics import TASK_METRICS
from fairtrial.settings.choice import Choice, Reference
from fairtrial.settings.dataset import DatasetSettings
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.probes import ProbeName
from fairtrial.settings.source import SourceTerms


@dataclass(frozen=True)
class PlannedExperiment:
    """One question, the runs that answer it, and its searches."""

    name: str
    params: dict[str, Any]  # params.yaml
    settings: ExperimentSettings
    runs: dict[str, PlannedRun]
    studies: dict[str, PlannedStudy]
    origins: Origins = field(default_factory=Origins, compare=False)  # what it may refer to

    @classmethod
    def resolve(
        cls,
        name: str,
        params: dict[str, Any],
        settings: ExperimentSettings,
        others: Mapping[str, PlannedExperiment],
        earlier: dict[str, Any] | None,
    ) -> PlannedExperiment:
        """An experiment, whose file holds `settings`, with `params`.

        `others`: those that it names, and those on which these rest; `earlier`: params.yaml
        before DVC changed it for this call, if it did. Prints the settings that params.yaml lacks,
        and their defaults, on stderr.
        """
        file = f"config/experiments/{name}.yaml"
        origins = Origins(name, others)
        runs = resolve(params, settings, file, data_sets, origins)
        print_shipped(shipped_settings(params, settings, runs, file))
        if earlier is not None:
            refuse_unused(params, earlier, settings, runs, file)
        refuse_trial_seed(runs, settings, file)
        planned = studies(params, settings, file, origins)
        before = earlier or {}
        changed = [key for key, value in before.items() if params.get(key) != value]
        refuse_idle(runs, planned, settings, changed, file)
        refuse_idle_sections(params, before, runs)
        refuse_gallery_without_train(params)
        resolved = cls(name, params, settings, runs, planned, origins)
        resolved.refuse_unfit_candidates()
        return resolved

    def refuse_unfit_candidates(self) -> None:
        """Raise SettingsError where what the experiment sets itself does not fit something that may
        be chosen for it."""
        for number in range(1, self.origins.most_candidates(self.references)):
            origins = replace(self.origins, candidate=number)
            resolve(self.params, self.settings, self.file, data_sets, origins)
            studies(self.params, self.settings, self.file, origins)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """What its runs and studies begin with, each once."""
        origins = [run.origin.all for run in self.trained.values()]
        return tuple(dict.fromkeys(reference for each in origins for reference in each))

    def with_choices(self, choices: Mapping[Reference, Choice]) -> PlannedExperiment:
        """The same runs and studies, with the settings that were chosen."""
        origins = replace(self.origins, choices=choices)
        resolved = resolve(self.params, self.settings, self.file, data_sets, origins).values()
        runs = {
            name: replace(run, run_name=self.runs[name].run_name)
            for name, run in zip(self.runs, resolved, strict=True)
        }
        planned = studies(self.params, self.settings, self.file, origins)
        return replace(self, runs=runs, studies=planned, origins=origins)

    def awaits(self, name: str) -> bool:
        """Whether what a run or study begins with is not chosen yet."""
        references = self.trained[name].origin.all if name in self.trained else ()
        return any(reference not in self.origins.choices for reference in references)

    @property
    def file(self) -> str:
        """The experiment's file, for messages."""
        return f"config/experiments/{self.name}.yaml"

    @cached_property
    def trained(self) -> dict[str, PlannedRun]:
        """What is trained: the runs by name, and the starting run of each study by its name."""
        return self.runs | {name: study.start for name, study in self.studies.items()}

    def _place(self, name: str) -> str:
        """A run or study, for messages."""
        return f"{self.file}: {'run' if name in self.runs else 'study'} {name}"

    @cached_property
    def datasets(self) -> dict[str, DatasetSettings]:
        """The data sets of all runs by name."""
        places: dict[str, str] = {}  # where each is named first
        for name, run in self.trained.items():
            places.setdefault(run.dataset, f"{self._place(name)}: `dataset`")
        return {name: read_dataset(name, places[name]) for name in sorted(places)}

    @cached_property
    def sources(self) -> dict[str, Source]:
        """The sources of all data sets and checkpoints.

        Raises SettingsError where a data set's source has no format, and where a checkpoint
        is not among the files of its source.
        """
        of_images = {
            dataset.source: f"config/datasets/{name}.yaml: `source`"
            for name, dataset in self.datasets.items()
        }
        checkpoints: dict[str, str] = {}
        predictions: dict[str, str] = {}
        for name, run in self.trained.items():
            if run.pretrained and not run.origin.weights:
                place = f"{self._place(name)}: `pretrained`"
                checkpoints.setdefault(run.pretrained, place)
            for path in run.prediction_files:
                predictions.setdefault(path, f"{self._place(name)}: `predictions`")
        files = checkpoints | predictions
        places = {path.partition("/")[0]: place for path, place in files.items()} | of_images
        sources = {name: read_source(name, places[name]) for name in sorted(places)}
        for name in of_images:
            if sources[name].convert is None:
                file = f"config/sources/{name}.yaml"
                raise SettingsError(f"{file}: `format`: missing; it is the source of a data set")
        for path, place in files.items():
            source, _, file = path.partition("/")
            refuse_unlisted(file, sources[source].manifest, place)
        return sources

    def images(self, run: str) -> str:
        """The folder of clean images that a run, or a study, learns from."""
        return f"data/clean/{self.datasets[self.trained[run].dataset].source}/images"

    @cached_property
    def terms(self) -> dict[str, SourceTerms]:
        """On which terms the images of each source are used."""
        names = sorted({dataset.source for dataset in self.datasets.values()})
        return {name: self.sources[name].terms for name in names}

    def quality(self) -> list[str]:
        """The quality reports of all sources of images."""
        return [f"data/clean/{source}/quality.json" for source in self.terms]

    def pretrained(self, run: str) -> str:
        """The pretrained checkpoint of a run or study; an empty text from scratch."""
        path = self.trained[run].pretrained
        return f"data/raw/{path}" if path and not self.trained[run].origin.weights else path

    @cached_property
    def seen_by_checkpoints(self) -> dict[str, tuple[str, ...]]:
        """Checkpoint → the sources of data sets on which it is used, and with whose images its own
        source says that it was trained."""
        seen: dict[str, set[str]] = {}
        for run in self.runs.values():
            if checkpoint := run.source_checkpoint:
                known = self.sources[checkpoint.partition("/")[0]].terms.trained_on
                source = self.datasets[run.dataset].source
                seen.setdefault(checkpoint, set()).update({source} & {*known})
        return {name: tuple(sorted(sources)) for name, sources in seen.items() if sources}

    def trusted(self, run: str) -> str | None:
        """The SHA-256 of the pretrained checkpoint of a run or study where the user trusts it."""
        planned = self.trained[run]
        if planned.origin.weights:
            return self._trusted_weights(planned.origin.weights, planned.pretrained)
        source, _, file = planned.pretrained.partition("/")
        return self.sources[source].trusted.get(file) if source else None

    def _trusted_weights(self, reference: Reference, path: str) -> str | None:
        """The same for weights of another experiment: where these began with a trusted one."""
        choice, name = self.origins.choices.get(reference), Path(path).parent.name
        other = self.origins.others[reference.experiment]
        if choice is None or not other.trusted(name):
            return None
        return next((run.sha256 for run in choice.weights.runs if run.run == name), None)

    def pretrained_manifest(self, run: str) -> list[str]:
        """The manifest of the source of the pretrained checkpoint; none from scratch."""
        planned = self.trained[run]
        source = "" if planned.origin.weights else planned.pretrained.partition("/")[0]
        return [f"data/raw/{source}.sha256"] if source else []

    def own_checkpoint(self, run: str) -> list[str]:
        """The weights of another experiment with which a run or study begins; none for most."""
        planned = self.trained[run]
        return [planned.pretrained] if planned.origin.weights else []

    def prediction_manifests(self, run: str) -> list[str]:
        """The manifests of the sources of predictions that were made elsewhere."""
        names = {path.partition("/")[0] for path in self.runs[run].prediction_files}
        return [f"data/raw/{source}.sha256" for source in sorted(names)]

    def source_ids(self, run: str) -> str:
        """What the source of a run's images calls them."""
        return f"data/clean/{self.datasets[self.runs[run].dataset].source}/source_ids.json"

    @cached_property
    def trained_here(self) -> list[str]:
        """The names of the runs that are trained."""
        return [name for name, run in self.runs.items() if not run.is_elsewhere]

    @cached_property
    def probes(self) -> list[ProbeName]:
        """What its weights predict beside val and test."""
        return probes_of(self.runs.values(), self.params)

    @cached_property
    def batches(self) -> list[str]:
        """The runs whose first batch is shown."""
        return batches_of(self.runs.values(), self.params)

    @property
    def made_elsewhere(self) -> list[str]:
        """The names of the runs whose predictions were made elsewhere."""
        return [name for name, run in self.runs.items() if run.is_elsewhere]

    def continued(self, run: str) -> list[str]:
        """The record of the run that this one continues; none where it continues none."""
        earlier = self.runs[run].continues
        return [f"results/{self.name}/runs/{earlier}/record.json"] if earlier else []

    @cached_property
    def task(self) -> str:
        """The task of all runs. Raises SettingsError where they have several."""
        runs = {run.task: name for name, run in self.runs.items()}
        if len(runs) > 1:
            tasks = ", ".join(f"{name}: {task}" for task, name in sorted(runs.items()))
            raise SettingsError(
                f"{self.file}: its runs are of two tasks ({tasks}), which have no metric in "
                "common; make it two experiments"
            )
        return next(iter(runs))

    @property
    def table_metrics(self) -> tuple[str, ...]:
        """The metrics of `report.metrics` that its task has. Raises SettingsError for one that no
        task has."""
        asked = tuple(self.params["report"].get("metrics", ()))
        known = {metric for task in TASK_METRICS.values() for metric in task.all}
        if unknown := [metric for metric in asked if metric not in known]:
            raise SettingsError(
                f"params.yaml: report.metrics: no metric is called {', '.join(unknown)}; possible: "
                f"{', '.join(TASK_METRICS[self.task].all)}"
            )
        return tuple(metric for metric in asked if metric in TASK_METRICS[self.task].all)

    @property
    def rank_by(self) -> str | dict[str, float]:
        """What ranks the runs: a metric, or metric weights. Without epochs a run has no fitness."""
        fitness = {
            name: run.settings.get("fitness")
            for name, run in self.runs.items()
            if run.settings.get("epochs")
        }
        return ranking.resolve(self.params["report"]["rank_by"], fitness, self.task, self.file)
