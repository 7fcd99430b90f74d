"""The jobs of an experiment, and the files that they leave."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from fairtrial.lineage.made import made_file
from fairtrial.lineage.outputs import outputs_of
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.origins import referred_runs
from fairtrial.settings.choice import Reference


class JobName(NamedTuple):
    """A job of a plan: its stage, its source, data set, run or study, and a search's worker."""

    stage: str
    name: str
    experiment: str
    worker: int | None = None

    @property
    def made(self) -> str:
        """The path of its record."""
        name = self.name if self.worker is None else f"{self.name}-{self.worker}"
        return made_file(self.stage, name, self.experiment)

    @property
    def outputs(self) -> list[str]:
        """The files that it always writes."""
        return [*self.files.values()]

    @property
    def files(self) -> dict[str, str]:
        """The same by the flags of its stage."""
        return outputs_of(self.stage, self.name, self.experiment, self.worker)


def jobs_of_choice(experiment: PlannedExperiment, reference: Reference) -> Iterator[JobName]:
    """The jobs from whose results something is chosen, in running order."""
    study = experiment.studies.get(reference.name)
    runs = [] if study else referred_runs(experiment, reference)
    names = {study.name} if study else {run.name for run in runs}
    if reference.name:
        yield from _of_data(experiment, names)
    else:  # whose best is told from all data sets
        yield from _of_data(experiment, experiment.trained.keys())
    for worker in study.workers if study else ():
        yield JobName("search", reference.name, experiment.name, worker)
    for run in runs:
        for stage in ("train",) if reference.name else ("train", "predict", "validate"):
            yield JobName(stage, run.name, experiment.name)


def jobs_of_experiment(experiment: PlannedExperiment) -> Iterator[JobName]:
    """All jobs of an experiment, in running order."""
    yield from _of_data(experiment, experiment.trained.keys())
    yield from _of_runs(experiment)
    for stage in ("plot", "report"):
        yield JobName(stage, "", experiment.name)


def _of_data(experiment: PlannedExperiment, names: Collection[str]) -> Iterator[JobName]:
    """The jobs of the data that runs and studies of these names need."""
    runs = [experiment.trained[name] for name in names]
    datasets = sorted({run.dataset for run in runs})
    images = {experiment.datasets[name].source for name in datasets}
    files = [path for run in runs for path in (run.source_checkpoint, *run.prediction_files)]
    for source in sorted({*images, *(path.partition("/")[0] for path in files if path)}):
        yield JobName("download", source, experiment.name)
    for source in sorted(images):
        yield JobName("convert", source, experiment.name)
    for dataset in datasets:
        yield JobName("split", dataset, experiment.name)


def _of_runs(experiment: PlannedExperiment) -> Iterator[JobName]:
    for name, study in experiment.studies.items():
        for worker in study.workers:
            yield JobName("search", name, experiment.name, worker)
        yield JobName("study", name, experiment.name)
    for name, run in experiment.runs.items():
        stages = ("receive", "validate") if run.is_elsewhere else ("train", "predict", "validate")
        for stage in stages:
            yield JobName(stage, name, experiment.name)
    for run_name in experiment.batches:
        yield JobName("batch", run_name, experiment.name)
    for probe in experiment.probes:
        yield JobName("probe", str(probe), experiment.name)
