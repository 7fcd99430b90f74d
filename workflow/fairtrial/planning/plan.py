"""What the workflow has to do: the chosen experiment's runs, and each job's settings and code.

The rules of Snakemake ask here for everything that is not a path. A job's settings and code
are texts, and both its transport and its rerun trigger: what a stage cannot see cannot make
its results stale.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fairtrial import SettingsError
from fairtrial.files.yamlfile import Closed, read_yaml_text
from fairtrial.planning.config_files import (
    PARAMS,
    data_sets,
    print_shipped,
    read_dataset,
    read_experiment,
    read_params,
)
from fairtrial.planning.fingerprint import fingerprint
from fairtrial.planning.runs import PlannedRun, refuse_unused, resolve, shipped_settings
from fairtrial.planning.sources import Source, formats_used, read_source, refuse_unlisted
from fairtrial.planning.studies import PlannedStudy, studies
from fairtrial.scoring import ranking
from fairtrial.settings.dataset import DatasetSettings
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.search import FROM_SEARCH
from fairtrial.settings.stages import (
    ConvertSettings,
    PlotSettings,
    ReportSettings,
    TrainSettings,
    predict_settings,
    validate_settings,
)
from fairtrial.store.keys import canonical


@dataclass(frozen=True)
class Plan:
    """One experiment, resolved."""

    name: str
    params: dict[str, Any]
    experiment: ExperimentSettings
    runs: dict[str, PlannedRun]
    studies: dict[str, PlannedStudy]

    @classmethod
    def read(cls, name: str | None = None) -> Plan:
        """The plan of params.yaml, or of the experiment `name` for a look at another one.

        Prints, on stderr, which settings params.yaml lacks and what holds instead.
        """
        params = read_params()
        where = "`experiment` of the command line" if name else f"{PARAMS}: `experiment`"
        name = name or params.get("experiment")
        experiment = read_experiment(name, where)
        file = f"config/experiments/{name}.yaml"
        runs = resolve(params, experiment, file, data_sets)
        print_shipped(shipped_settings(params, experiment, file))
        earlier = _params_before_dvc()
        if earlier and earlier.get("experiment") == params.get("experiment"):
            refuse_unused(params, earlier, experiment, file)
        return cls(str(name), params, experiment, runs, studies(params, experiment, file))

    @property
    def file(self) -> str:
        """The experiment's file, for messages."""
        return f"config/experiments/{self.name}.yaml"

    @cached_property
    def trained(self) -> dict[str, PlannedRun]:
        """What is trained: the runs, and where each study starts, by the study's name."""
        return self.runs | {name: study.start for name, study in self.studies.items()}

    @cached_property
    def datasets(self) -> dict[str, DatasetSettings]:
        """The data sets of all runs by name."""
        wanted: dict[str, str] = {}
        for run in self.trained.values():
            wanted.setdefault(run.dataset, f"{self.file}: run {run.name}")
        found = {name: read_dataset(name, f"{at}: `dataset`") for name, at in wanted.items()}
        return dict(sorted(found.items()))

    @cached_property
    def sources(self) -> dict[str, Source]:
        """The sources of all data sets and checkpoints.

        Raises SettingsError where a data set's source has no format, and where a checkpoint
        is not among the files of its source.
        """
        wanted = {
            dataset.source: f"config/datasets/{name}.yaml: `source`"
            for name, dataset in self.datasets.items()
        }
        starts: dict[str, str] = {}
        for run in self.trained.values():
            if start := _pretrained(run):
                starts.setdefault(start, f"{self.file}: run {run.name}: `pretrained`")
        places = {start.partition("/")[0]: at for start, at in starts.items()} | wanted
        found = {name: read_source(name, places[name]) for name in sorted(places)}
        for name in wanted:
            if found[name].convert is None:
                file = f"config/sources/{name}.yaml"
                raise SettingsError(f"{file}: `format`: missing; it is the source of a data set")
        for start, at in starts.items():
            source, _, file = start.partition("/")
            refuse_unlisted(file, found[source].manifest, at)
        return found

    def images(self, run: str) -> str:
        """The folder of clean images that a run learns from."""
        return f"data/clean/{self.datasets[self.trained[run].dataset].source}/images"

    def quality(self) -> list[str]:
        """What conversion found in every source of images."""
        sources = sorted({dataset.source for dataset in self.datasets.values()})
        return [f"data/clean/{source}/quality.json" for source in sources]

    def pretrained(self, run: str) -> str:
        """The checkpoint that a run starts from; an empty text from scratch."""
        pretrained = _pretrained(self.trained[run])
        return f"data/raw/{pretrained}" if pretrained else ""

    def pretrained_manifest(self, run: str) -> list[str]:
        """The manifest of the source that holds this checkpoint."""
        source = _pretrained(self.trained[run]).partition("/")[0]
        return [f"data/raw/{source}.sha256"] if source else []

    def continued(self, run: str, experiment: str) -> list[str]:
        """The record of the run that this one goes on from."""
        earlier = self.runs[run].continues
        return [f"results/{experiment}/runs/{earlier}/record.json"] if earlier else []

    def settings(self, stage: str, name: str = "") -> str:
        """What a job is told, as canonical JSON; `name` is its source, data set or run."""
        return canonical(self._settings(stage, name))

    def _settings(self, stage: str, name: str) -> dict[str, Any]:
        return self._model(stage, name).model_dump(mode="json")

    def _model(self, stage: str, name: str) -> Closed:
        if stage == "download":
            return self.sources[name].download
        if stage == "convert":
            return self.annotations(name)
        if stage == "split":
            return self.datasets[name].of_split
        if stage == "search":
            return self.studies[name].of_worker()
        if stage == "study":
            return self.studies[name].of_study(list(self.runs.values()))
        return self._results(stage) if stage in {"plot", "report"} else self._of_run(stage, name)

    def _of_run(self, stage: str, name: str) -> Closed:
        run = self.runs[name]
        if stage == "predict":
            section, imgsz = self.params["predict"], run.settings["imgsz"]
            return predict_settings(run.task, section, run.backend, imgsz)
        if stage == "validate":
            return validate_settings(run.task, self.params["validate"])
        return self.of_train(name)

    def of_train(self, name: str) -> TrainSettings:
        """The settings of a run's training."""
        run = self.runs[name]
        names = list(run.chosen.names) if run.chosen else []
        return TrainSettings(backend=run.backend, settings=run.settings, from_search=names)

    def annotations(self, source: str) -> ConvertSettings:
        """How the annotations of a data set's source are read."""
        settings = self.sources[source].convert
        assert settings is not None  # checked by `sources`
        return settings

    def listed(self, source: str) -> list[str]:
        """The tracked manifest that a source's files are checked against, if it has one."""
        manifest = self.sources[source].manifest
        return [manifest] if manifest else []

    def _results(self, stage: str) -> Closed:
        common: dict[str, Any] = self.params["report"] | {
            "rank_by": self._rank_by,  # ranked and shown alike
            "runs": tuple(self.runs),
            "studies": tuple(self.studies),
            "sweeps": tuple(name for name in self.experiment.sweep if name != FROM_SEARCH),
        }
        if stage == "plot":
            return PlotSettings(**self.params["plot"], **common)
        title, question = self.experiment.title, self.experiment.question
        return ReportSettings(experiment=self.name, title=title, question=question, **common)

    @cached_property
    def task(self) -> str:
        """That of all runs. Raises SettingsError where they have several."""
        tasks = {run.task: name for name, run in self.runs.items()}
        if len(tasks) > 1:
            told = ", ".join(f"{name}: {task}" for task, name in sorted(tasks.items()))
            raise SettingsError(
                f"{self.file}: its runs are of two tasks ({told}), which have no figure in common; "
                "make it two experiments"
            )
        return next(iter(tasks))

    @property
    def _rank_by(self) -> str | dict[str, float]:
        """The rule that ranks. A run of no epoch has no fitness of its own."""
        trained = {n: run.settings for n, run in self.runs.items() if run.settings.get("epochs")}
        own = {name: settings.get("fitness") for name, settings in trained.items()}
        return ranking.resolve(self.params["report"]["rank_by"], own, self.task, self.file)

    def fitted_by(self, run: str) -> str:
        """The fingerprint of the code that determines a run's weights: the store's part of it.

        Less than the job's: where only the record is written differently, the job runs again,
        finds its entry, and trains nothing.
        """
        return fingerprint(
            f"backends.{self.trained[run].backend}:fit",
            "data.dataset:read",
            "data.dataset:with_splits",
        )

    def code(self, stage: str, name: str = "") -> str:
        """The fingerprint of the code that a job runs."""
        return fingerprint(*self.entries(stage, name))

    def entries(self, stage: str, name: str = "") -> list[str]:
        """Where the code of a job begins: its stage, and what that calls by a setting."""
        found = [f"stages.{stage}:{stage}"]
        if stage == "download":
            found += [f"sources.{self.sources[name].download.kind}:fetch"]
        elif stage == "convert":
            annotations = self.annotations(name)
            used = formats_used(annotations.format, annotations.options)
            found += [f"formats.{form}:read" for form in used]
        elif stage == "search":
            found += [f"backends.{self.trained[name].backend}:fit"]
        elif stage == "train":
            found += [f"backends.{self.runs[name].backend}:fit"]
        elif stage == "predict":
            model = {"detect": "detector", "classify": "classifier"}[self.runs[name].task]
            found += [f"backends.{self.runs[name].backend}:{model}"]
        elif stage == "validate":
            found += [f"scoring.{self.runs[name].task}:score"]
        elif stage in {"plot", "report"}:  # both take what lies in their folder
            found += [{"plot": "figures/", "report": "report/template/"}[stage]]
        return found


def _pretrained(run: PlannedRun) -> str:
    return str(run.settings.get("pretrained") or "")


def _params_before_dvc() -> dict[str, Any] | None:
    """params.yaml as it was before `dvc exp run -S …` changed it; None outside of such a call."""
    revision = os.environ.get("DVC_EXP_BASELINE_REV")
    if not revision:
        return None
    asked = subprocess.run(
        ["git", "show", f"{revision}:params.yaml"], capture_output=True, text=True, check=False
    )
    return read_yaml_text(asked.stdout, revision) if asked.returncode == 0 else None
