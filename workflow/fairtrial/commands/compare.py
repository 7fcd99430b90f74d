"""compare: one report over several experiments of DVC or git revisions."""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from fairtrial import SettingsError
from fairtrial.commands._revisions import Revision, copy_image, copy_runs, open_revision
from fairtrial.files.folders import whole_file
from fairtrial.files.text import counted
from fairtrial.lineage.outputs import PLOTS
from fairtrial.planning.config_files import read_params
from fairtrial.planning.sources import may_share
from fairtrial.scoring import ranking
from fairtrial.settings.stages import PlotSettings, ReportSettings, validate_settings
from fairtrial.training.record import read_record

RESULTS = "results/comparison"
TABLES = {"comparison": ".csv", "markdown": ".md", "latex": ".tex"}


def compare(*revisions: str, to: Path = Path("comparison.pdf")) -> None:
    """Set one report over several recorded experiments, without a checkout.

    Of each revision it takes the experiment that its params.yaml names, or the one in
    `<revision>:<experiment>`. All recorded predictions are scored again with the present settings
    and code, so that only the runs differ. Runs are called `<revision>:<run>`, and share a table
    only where test images and ground truth are equal. If `rank_by` is `fitness`, the runs must have
    been trained with the same one. data/, results/ and DVC's records are not changed.

    Args:
        revisions: DVC experiments, git revisions or `workspace`; each also as REVISION:EXPERIMENT
        to: the PDF to write; beside it are written the page as .html, the tables as .csv, .md and
            .tex
    """
    if not revisions:
        raise SettingsError("name the revisions to compare, for example `workspace main`")
    if len(set(revisions)) < len(revisions):
        raise SettingsError("a revision is named twice, so it would be compared with itself")
    params = read_params()
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder, ExitStack() as stack:
        root = Path(folder)
        opened = [stack.enter_context(open_revision(text)) for text in revisions]
        runs = [run for revision in opened for run in copy_runs(revision, root)]
        task = _task(runs, root)
        rank_by = _rank_by(params["report"]["rank_by"], task, runs, root)
        for run in runs:
            _score(params["validate"], task, run, root)
        settings = PlotSettings(
            runs=tuple(runs),
            rank_by=rank_by,
            timings=params["report"]["timings"],
            gallery=params["plot"]["gallery"],
            unshared=_unshared(root),
        )
        _copy_images(opened, settings, root)
        _report(settings, opened, root)
        _copy_report(root, to)
    print(f"{to}: {counted(len(runs), 'run')} of {', '.join(revisions)}")


def _task(runs: Sequence[str], root: Path) -> str:
    """The task of the data sets of the runs. Raises SettingsError where they have several.

    Not that of the runs, which is read from their metrics: these do not exist yet.
    """
    from fairtrial.results.dataset import DatasetDescription
    from fairtrial.results.run import FinishedRun

    datasets = {FinishedRun(run, root / RESULTS).dataset: run for run in runs}
    tasks = {
        DatasetDescription(name, root / "data").dataset.task: run for name, run in datasets.items()
    }
    if len(tasks) > 1:
        examples = ", ".join(f"{run}: {task}" for task, run in sorted(tasks.items()))
        raise SettingsError(
            f"the runs are of two tasks ({examples}), which have no metric in common"
        )
    return next(iter(tasks))


def _rank_by(
    rank_by: str | dict[str, float], task: str, runs: Sequence[str], root: Path
) -> str | dict[str, float]:
    """`rank_by` of params.yaml, where `fitness` becomes the fitness of the compared runs.

    Raises SettingsError where they were trained with several. A run without epochs has none.
    """
    records = {run: read_record(root / RESULTS / "runs" / run / "record.json") for run in runs}
    settings = {run: record.settings for run, record in records.items()}
    fitness = {
        run: values.get("fitness") for run, values in settings.items() if values.get("epochs")
    }
    return ranking.resolve(rank_by, fitness, task, "the compared revisions")


def _score(section: dict[str, Any], task: str, run: str, root: Path) -> None:
    """Score one run by `section`, which is `validate:` of params.yaml."""
    from fairtrial.results.run import FinishedRun
    from fairtrial.stages.validate import validate

    finished = FinishedRun(run, root / RESULTS)
    dataset, predictions = root / "data/sets" / finished.dataset, finished.folder / "predictions"
    with contextlib.redirect_stdout(io.StringIO()):  # the report has all metrics
        validate(
            settings=validate_settings(task, section),
            annotations=dataset / "annotations.json",
            split=dataset / "split.json",
            val=predictions / "val.json",
            test=predictions / "test.json",
            metrics=finished.folder / "metrics.json",
            per_class=finished.folder / "per_class.csv",
            curves=finished.folder / "curves.csv",
            confusion=finished.folder / "confusion.csv",
            operating_points=finished.folder / "operating_points.csv",
            calibration=finished.folder / "calibration.csv",
            resamples=finished.folder / "resamples.npz",
            error_kinds=finished.folder / "error_kinds.csv",
            by_size=finished.folder / "by_size.csv",
            by_group=finished.folder / "by_group.csv",
            class_curves=finished.folder / "class_curves.csv",
        )


def _copy_images(revisions: Sequence[Revision], settings: PlotSettings, root: Path) -> None:
    """Copy the images that the gallery would choose, as far as the revisions have them."""
    from fairtrial.files.packed import file_of
    from fairtrial.results.experiment import load_experiment
    from fairtrial.results.telling_images import telling_images

    experiment = load_experiment(root / RESULTS, root / "data", settings.runs, settings.rank_by)
    for comparison in experiment.comparisons:
        every = telling_images(comparison, experiment, comparison.split)
        for telling in islice(every, settings.gallery):
            file = str(file_of(Path(), telling.image.file_name))
            for revision in revisions:
                copy_image(revision, telling.dataset.source, file, root)


def _unshared(root: Path) -> tuple[str, ...]:
    """The sources below `root` whose images may not be handed on, as config/ says now; those that
    it no longer has are among them."""
    from fairtrial.results.dataset import DatasetDescription

    names = {DatasetDescription(f.name, root / "data").source for f in root.glob("data/sets/*")}
    return tuple(sorted(name for name in names if not may_share(name.partition("@")[0])))


def _report(settings: PlotSettings, revisions: Sequence[Revision], root: Path) -> None:
    """Draw the figures, and write the report and its tables as report.* below `root`."""
    from fairtrial.stages.plot import plot
    from fairtrial.stages.report import report

    folders = {"results": root / RESULTS, "data": root / "data"}
    figures = root / RESULTS / "figures"
    manifest = figures.with_suffix(".json")
    pictures = root / RESULTS / "pictures.json"
    plot(settings=settings, **folders, figures=figures, manifest=manifest, pictures=pictures)
    outputs = {name: root / f"report{suffix}" for name, suffix in TABLES.items()}
    outputs |= {kind: root / f"report.{kind}" for kind in ("pdf", "html")}
    outputs |= {"metrics": root / "m.json", "runs": root / "runs.csv"}
    outputs |= {f"{name}_plot": root / "plots" / f"{name}.csv" for name in PLOTS}
    outputs |= {name: root / name for name in ("answer", "winner", "facts", "card")}
    report(
        settings=ReportSettings(
            runs=settings.runs,
            rank_by=settings.rank_by,
            timings=settings.timings,
            unshared=settings.unshared,
            experiment="comparison",
            title=f"Comparison of {', '.join(revision.label for revision in revisions)}",
            question=_sources(revisions),
        ),
        **folders,
        figures=manifest,
        pictures=pictures,
        **outputs,
    )


def _sources(revisions: Sequence[Revision]) -> str:
    sources = [f"{revision.label}: experiment {revision.experiment}" for revision in revisions]
    return f"Recorded predictions, all scored again with one scorer. {'; '.join(sources)}."


def _copy_report(root: Path, to: Path) -> None:
    """Copy the PDF to `to`, and page and tables beside it."""
    for suffix in (".pdf", ".html", *TABLES.values()):
        source = root / f"report{suffix}"
        with source.open("rb") as read, whole_file(to.with_suffix(suffix), "wb") as file:
            shutil.copyfileobj(read, file)
