"""The run that a person names, and the files that its training reads, for commands that try it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fairtrial import DataError, SettingsError
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.plan import Plan
from fairtrial.results.dataset import DatasetDescription


class TrainingFiles(NamedTuple):
    """What a training reads; images: a folder; pretrained: None from scratch."""

    annotations: Path
    split: Path
    images: Path
    pretrained: Path | None


def planned_run(text: str, why: str) -> tuple[PlannedExperiment, str]:
    """The experiment and the name of the run that a person names as <experiment>/<run>, or as
    <experiment>/<configuration>. Raises SettingsError where there is none, or it is not trained
    here; `why` ends that sentence."""
    first, _, name = text.removeprefix("results/").replace("/runs/", "/").partition("/")
    plan = Plan.read(first)
    experiment = plan.current(first)
    runs = experiment.runs
    of_configuration = [n for n, run in runs.items() if run.run_name.configuration == name]
    found = [name] if name in runs else of_configuration
    if not found:
        raise SettingsError(
            f"{text}: no run of {experiment.file}; name one as <experiment>/<run>: "
            f"{', '.join(list(runs)[:8])}"
        )
    run = runs[found[0]]
    if run.is_elsewhere or run.settings.get("epochs") == 0:
        raise SettingsError(f"{text}: is not trained here, so {why}")
    if plan.awaits("train", found[0], first):
        wanted = ", ".join(str(reference) for reference in run.origin.all)
        raise SettingsError(f"{text}: begins with {wanted}, which is not chosen yet; run it first")
    return experiment, found[0]


def training_files(experiment: PlannedExperiment, name: str) -> TrainingFiles:
    """Raises DataError for one that was not made yet, with the command that makes it."""
    described = DatasetDescription(experiment.trained[name].dataset, Path("data"))
    annotations, split = described.folder / "annotations.json", described.folder / "split.json"
    pretrained = Path(path) if (path := experiment.pretrained(name)) else None
    manifests = map(Path, experiment.pretrained_manifest(name))
    for file in [annotations, split, *manifests, *([pretrained] if pretrained else [])]:
        if not file.is_file():
            raise DataError(f"{file}: missing; `snakemake {file}` makes it")
    return TrainingFiles(annotations, split, described.images, pretrained)
