"""compare: one report over several experiments of DVC or git revisions."""

from __future__ import annotations

import json
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
from fairtrial.planning.plan import HEEDED, Plan

TABLES = {"comparison": ".csv", "markdown": ".md", "latex": ".tex"}


def compare(*revisions: str, to: Path = Path("comparison.pdf")) -> None:
    """Set one report over several recorded experiments, without checking any of them out.

    revisions: names of DVC's experiments, git revisions, or `workspace`; of each the experiment
    that its params.yaml names, or `<revision>:<experiment>`. to: the PDF; tables are written
    beside it, as .csv, .md and .tex. All recorded predictions are scored anew with the settings
    and the code that lie here, so that nothing but the runs differs. Runs are called
    `<revision>:<run>`, and stand in one table only where test images and ground truth are equal.
    Neither data/ and results/ nor DVC's records are touched.
    """
    if len(set(revisions)) < len(revisions):
        raise SettingsError("a revision is named twice; it would be compared with itself")
    plan = Plan.read()
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder, ExitStack() as stack:
        root = Path(folder)
        found = [stack.enter_context(_recorded.opened(name)) for name in revisions]
        runs = [run for each in found for run in _recorded.copy_runs(each, root)]
        for run in runs:
            _score(plan.params["validate"], run, root)
        gallery = json.loads(plan.settings("plot"))["gallery"]
        for each in found:
            _fetch_images(each, gallery, root)
        _report(plan, found, runs, root)
        _take(root, to)
    print(f"{to}: {len(runs)} runs of {', '.join(revisions)}")


def _score(section: dict[str, Any], run: str, root: Path) -> None:
    """Score one run by `section`, params.yaml's `validate:`."""
    from fairtrial.results.run import Run
    from fairtrial.results.view import View
    from fairtrial.stages.validate import validate

    one = Run(run, root / "results/comparison")
    task = View(one.dataset, root / "data").objects.task  # the run itself has no figures yet
    views, detections = root / "data/sets" / one.dataset, one.folder / "predictions"
    validate(
        settings={"task": task} | {k: v for k, v in section.items() if k in HEEDED[task]},
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
    from fairtrial.results.view import View

    for place in sorted((root / "data/sets").iterdir()):
        view = View(place.name, root / "data")
        for side in ("val", "test"):
            for image in by_interest(view, side)[:count]:
                file = str(file_of(Path(), image.file_name))
                _recorded.copy_image(found, view.source, file, root)


def _report(plan: Plan, found: Sequence[Recorded], runs: list[str], root: Path) -> None:
    from fairtrial.stages.plot import plot
    from fairtrial.stages.report import report

    places = {"results": root / "results/comparison", "data": root / "data"}
    figures = root / "results/comparison/figures"
    manifest = figures.with_suffix(".json")
    told = json.loads(plan.settings("plot")) | {"runs": runs}
    plot(settings=told, **places, figures=figures, manifest=manifest)
    labels = ", ".join(each.label for each in found)
    told = json.loads(plan.settings("report")) | {"runs": runs, "experiment": "comparison"}
    told |= {"title": f"Comparison of {labels}", "question": _sources(found)}
    outputs = {name: root / f"made{suffix}" for name, suffix in TABLES.items()}
    outputs |= {"pdf": root / "made.pdf", "metrics": root / "m.json", "runs": root / "runs.csv"}
    report(settings=told, **places, figures=manifest, **outputs)


def _sources(found: Sequence[Recorded]) -> str:
    told = [f"{each.label}: experiment {each.experiment}" for each in found]
    return f"From recorded predictions, all scored anew with one scorer. {'; '.join(told)}."


def _take(root: Path, to: Path) -> None:
    for suffix in (".pdf", *TABLES.values()):
        source = root / f"made{suffix}"
        with source.open("rb") as read, whole_file(to.with_suffix(suffix), "wb") as file:
            shutil.copyfileobj(read, file)
