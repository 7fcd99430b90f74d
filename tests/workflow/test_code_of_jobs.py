"""Every function that a real job calls is in its fingerprint.

What the fingerprint cannot follow (a registry, a name made at run time) would be an edit that
reruns nothing. So each stage of a tiny chain is really run, and watched.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairtrial.fingerprint import OUTSIDE
from project import QUICK_SOURCE, STAGES, Project

pytestmark = pytest.mark.slow

# Runs one job as its rule does, and prints what was called of the package, and what of that
# the fingerprint does not reach. Settings of plugins act in the plan, before any job.
WATCH = """
import inspect, json, sys, threading
from pathlib import Path
import fairtrial
from fairtrial import fingerprint
from fairtrial.plan import Plan

package = str(Path(fairtrial.__file__).parent) + "/"
called = set()

def watch(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(package):
        if code.co_flags & inspect.CO_OPTIMIZED:  # a function, not the body of a class
            path = code.co_filename[len(package):].removesuffix(".py").removesuffix("/__init__")
            called.add((path.replace("/", "."), code.co_qualname.partition(".")[0]))

stage, name = sys.argv[1:3]
plan = Plan.read()
job = json.loads(sys.argv[3])
function = getattr(__import__(f"fairtrial.stages.{stage}", fromlist=[stage]), stage)
given = {k: Path(v) if isinstance(v, str) and k != "code" else v for k, v in job.items()}
settings = json.loads(plan.settings(stage, name))
threading.setprofile(watch)
sys.setprofile(watch)
function(settings=settings, **given)
sys.setprofile(None)
reached = fingerprint.reached(*plan.entries(stage, name))
called = {place for place in called if place[0] not in fingerprint.OUTSIDE}
print(json.dumps([sorted(called), sorted(called - reached)]))
"""

RUN = "results/trial/runs/tiny-s0"
VIEW = {
    "images": "data/clean/shapes/images",
    "annotations": "data/sets/shapes/annotations.json",
    "split": "data/sets/shapes/split.json",
}
PREDICTED = {side: f"{RUN}/predictions/{side}.json" for side in ("val", "test")}
JOBS: dict[str, tuple[str, dict[str, object]]] = {
    "download": ("shapes", {"raw": "data/raw/shapes", "manifest": "data/raw/shapes.sha256"}),
    "convert": (
        "shapes",
        {"raw": "data/raw/shapes", "manifest": "data/raw/shapes.sha256"}
        | {"images": VIEW["images"], "annotations": "data/clean/shapes/annotations.json"}
        | {"quality": "data/clean/shapes/quality.json"}
        | {"duplicates": "data/clean/shapes/duplicates.json"},
    ),
    "split": (
        "shapes",
        {"source": "data/clean/shapes/annotations.json"}
        | {"annotations": VIEW["annotations"], "certificate": VIEW["split"]},
    ),
    "train": (
        "tiny-s0",
        VIEW
        | {"code": "0", "initial": None, "threads": 1, "weights": f"{RUN}/weights.pt"}
        | {"record": f"{RUN}/record.json", "history": "results/trial/history/tiny-s0.csv"},
    ),
    "predict": (
        "tiny-s0",
        VIEW
        | {"weights": f"{RUN}/weights.pt", "threads": 1, "speed": f"{RUN}/speed.json"}
        | PREDICTED,
    ),
    "validate": (
        "tiny-s0",
        {name: VIEW[name] for name in ("annotations", "split")}
        | PREDICTED
        | {"metrics": f"{RUN}/metrics.json", "per_class": f"{RUN}/per_class.csv"}
        | {"curves": f"{RUN}/curves.csv", "confusion": f"{RUN}/confusion.csv"},
    ),
    "plot": (
        "",
        {"results": "results/trial", "data": "data"}
        | {"figures": "results/trial/figures", "manifest": "results/trial/figures.json"},
    ),
    "report": (
        "",
        {"results": "results/trial", "data": "data", "figures": "results/trial/figures.json"}
        | {"pdf": "results/trial/report.pdf", "metrics": "results/trial/metrics.json"}
        | {"comparison": "results/trial/comparison.csv", "runs": "results/trial/runs.csv"}
        | {"markdown": "results/trial/comparison.md", "latex": "results/trial/comparison.tex"},
    ),
}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[set[str], list[str]]]:
    """By stage: what was called of the package, and what of that is not in the fingerprint."""
    project = Project.new(tmp_path_factory.mktemp("watched") / "project")
    project.write("config/sources/shapes.yaml", QUICK_SOURCE)
    run = "runs: {tiny: {imgsz: 32, epochs: 1, batch: 4, model: yolov5n}}\n"
    project.write("config/experiments/trial.yaml", f"title: Watched\n{run}")
    found = {}
    for stage in STAGES:
        name, job = JOBS[stage]
        done = project.run(
            *("python", "-c", WATCH, stage, name, json.dumps(job)),
            PYTHONPATH=str(project.root / "workflow"),
            STUB_LOG="",
        )
        called, missed = json.loads(done.stdout.strip().splitlines()[-1])
        found[stage] = ({module for module, _ in called}, missed)
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_job_calls_is_in_its_fingerprint(
    stage: str, watched: dict[str, tuple[set[str], list[str]]]
) -> None:
    called, missed = watched[stage]
    assert f"stages.{stage}" in called, "nothing was watched"
    settings = [place for place in missed if place[1] == "Settings"]
    assert [place for place in missed if place not in settings] == []


def test_what_is_outside_of_every_fingerprint_is_there() -> None:
    """A renamed module would silently be in, or out."""
    package = Path(__file__).parents[2] / "workflow/fairtrial"
    assert [name for name in OUTSIDE if name and not (package / f"{name}.py").is_file()] == []
