"""compare: one report over several experiments of DVC or git revisions."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fairtrial import SettingsError
from fairtrial.commands import _recorded
from fairtrial.commands._recorded import Recorded
from fairtrial.files.folders import whole_file
from fairtrial.files.jsonfile import read_json
from fairtrial.planning.config_files import read_params
from fairtrial.scoring import ranking
from fairtrial.settings.stages import validate_settings

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
        to: the PDF to write; the tables are written beside it as .csv, .md and .tex
    """
    if len(set(revisions)) < len(revisions):
        raise SettingsError("a revision is named twice; it would be compared with itself")
    params = read_params()
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder, ExitStack() as stack:
        root = Path(folder)
        found = [stack.enter_context(_recorded.opened(name)) for name in revisions]
        runs = [run for each in found for run in _recorded.copy_runs(each, root)]
        task = _task(runs, root)
        rank_by = _rank_by(params["report"]["rank_by"], task, runs, root)
        for run in runs:
            _score(params["validate"], task, run, root)
        for each in found:
            _fetch_images(each, params["plot"]["gallery"], root)
        shown = params["plot"] | params["report"] | {"rank_by": rank_by, "runs": tuple(runs)}
        _report(shown, found, root)
        _take(root, to)
    print(f"{to}: {len(runs)} runs of {', '.join(revisions)}")


def _task(runs: Sequence[str], root: Path) -> str:
    """That of all data sets; no run has figures yet that would tell it."""
    from fairtrial.results.dataset import DatasetDescription
    from fairtrial.results.run import FinishedRun

    sets = {FinishedRun(run, root / "results/comparison").dataset: run for run in runs}
    tasks = {
        DatasetDescription(name, root / "data").dataset.task: run for name, run in sets.items()
    }
    if len(tasks) > 1:
        told = ", ".join(f"{run}: {task}" for task, run in sorted(tasks.items()))
        raise SettingsError(f"the runs are of two tasks ({told}), which have no figure in common")
    return next(iter(tasks))


def _rank_by(asked: Any, task: str, runs: Sequence[str], root: Path) -> Any:
    """What `rank_by` of params.yaml means for the compared runs, of whatever experiment."""
    files = {run: root / "results/comparison/runs" / run / "record.json" for run in runs}
    settings = {run: read_json(file)["settings"] for run, file in files.items()}
    own = {run: told.get("fitness") for run, told in settings.items() if told.get("epochs")}
    return ranking.resolve(asked, own, task, "the compared revisions")


def _score(section: dict[str, Any], task: str, run: str, root: Path) -> None:
    """Score one run by `section`, params.yaml's `validate:`."""
    from fairtrial.results.run import FinishedRun
    from fairtrial.stages.validate import validate

    one = FinishedRun(run, root / "results/comparison")
    views, detections = root / "data/sets" / one.dataset, one.folder / "predictions"
    validate(
        settings=validate_settings(task, section).model_dump(mode="json"),
        annotations=views / "annotations.json",
        split=views / "split.json",
        val=detections / "val.json",
        test=detections / "test.json",
        metrics=one.folder / "metrics.json",
        per_class=one.folder / "per_class.csv",
        curves=one.folder / "curves.csv",
        confusion=one.folder / "confusion.csv",
    )


def _fetch_images(found: Recorded, count: int, root: Path) -> None:
    """Copy the images that the gallery would choose from what this revision brought."""
    from fairtrial.figures.gallery import by_interest
    from fairtrial.files.packed import file_of
    from fairtrial.results.dataset import DatasetDescription

    for place in sorted((root / "data/sets").iterdir()):
        view = DatasetDescription(place.name, root / "data")
        for side in ("val", "test"):
            for image in by_interest(view, side)[:count]:
                file = str(file_of(Path(), image.file_name))
                _recorded.copy_image(found, view.source, file, root)


def _report(shown: dict[str, Any], found: Sequence[Recorded], root: Path) -> None:
    """`shown`: the runs, and what figures and tables show of them."""
    from fairtrial.settings.stages import PlotSettings, ReportSettings
    from fairtrial.stages.plot import plot
    from fairtrial.stages.report import report

    places = {"results": root / "results/comparison", "data": root / "data"}
    figures = root / "results/comparison/figures"
    manifest = figures.with_suffix(".json")
    plot(settings=PlotSettings(**shown), **places, figures=figures, manifest=manifest)
    labels = ", ".join(each.label for each in found)
    common = {key: value for key, value in shown.items() if key != "gallery"}
    settings = ReportSettings(
        **common,
        experiment="comparison",
        title=f"Comparison of {labels}",
        question=_sources(found),
    )
    outputs = {name: root / f"made{suffix}" for name, suffix in TABLES.items()}
    outputs |= {"pdf": root / "made.pdf", "metrics": root / "m.json", "runs": root / "runs.csv"}
    report(settings=settings, **places, figures=manifest, **outputs)


def _sources(found: Sequence[Recorded]) -> str:
    told = [f"{each.label}: experiment {each.experiment}" for each in found]
    return f"From recorded predictions, all scored anew with one scorer. {'; '.join(told)}."


def _take(root: Path, to: Path) -> None:
    for suffix in (".pdf", *TABLES.values()):
        source = root / f"made{suffix}"
        with source.open("rb") as read, whole_file(to.with_suffix(suffix), "wb") as file:
            shutil.copyfileobj(read, file)
