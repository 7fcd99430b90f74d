"""The jobs of an experiment, and the files that they leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fairtrial.lineage.made import made_file
from fairtrial.lineage.outputs import outputs_of
from fairtrial.planning.experiment import PlannedExperiment


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


def jobs_of_experiment(
    experiment: PlannedExperiment, *, reported: bool = True
) -> Iterator[JobName]:
    """All jobs of an experiment, in running order; without `reported` no figures and no report."""
    yield from _of_data(experiment)
    yield from _of_runs(experiment)
    for stage in ("plot", "report") if reported else ():
        yield JobName(stage, "", experiment.name)


def _of_data(experiment: PlannedExperiment) -> Iterator[JobName]:
    for source in experiment.sources:
        yield JobName("download", source, experiment.name)
    for source in sorted({dataset.source for dataset in experiment.datasets.values()}):
        yield JobName("convert", source, experiment.name)
    for dataset in experiment.datasets:
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
