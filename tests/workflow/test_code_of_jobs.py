"""Every function that a real job calls is in its fingerprint.

What the fingerprint cannot follow (a registry, a name made at run time) would be an edit that
reruns nothing. So each stage of a tiny chain is really run, and watched.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from fairtrial.planning.fingerprint import OUTSIDE
from project import QUICK_SOURCE, Project

pytestmark = pytest.mark.slow

# Runs each job as its rule does, in a fork of a process that has imported other packages, and
# writes what was called of the package, and what of that the fingerprint does not reach. Settings
# of plugins act in the plan, before any job. cProfile sees what sys.setprofile does, but costs
# little; each thread of a job gets one of its own.
WATCH = """
import cProfile, inspect, json, os, sys, threading, typing
from pathlib import Path
import matplotlib.figure, pandas, scipy.sparse, scipy.stats, seaborn, torch, torchvision, typst

def watch(*event):
    profile = cProfile.Profile(builtins=False)
    watching.append(profile)
    profile.enable()

def called():
    package = str(Path(sys.modules["fairtrial"].__file__).parent) + "/"
    for code in {entry.code for profile in watching for entry in profile.getstats()}:
        is_ours = code.co_filename.startswith(package) and code.co_filename.endswith(".py")
        if is_ours:  # a template is text, and counts as a file
            at_import = code.co_qualname.startswith('<')  # a generator that stands in no function
            if code.co_flags & inspect.CO_OPTIMIZED and not at_import:  # nor the body of a class
                path = code.co_filename[len(package):].removesuffix(".py").removesuffix("/__init__")
                yield path.replace("/", "."), code.co_qualname.partition(".")[0]

def run(stage, name, job, found):
    from pydantic import TypeAdapter
    from fairtrial.planning.plan import Plan
    function = getattr(__import__(f"fairtrial.stages.{stage}", fromlist=[stage]), stage)
    arguments = {k: Path(v) if isinstance(v, str) and k not in TEXTS else v for k, v in job.items()}
    kind = typing.get_type_hints(function)["settings"]
    settings = TypeAdapter(kind).validate_json(Plan.read().settings(stage, name))
    threading.setprofile(watch)
    watch()
    function(settings=settings, **arguments)
    watching[0].disable()
    found.write_text(json.dumps(sorted(set(called()))))

TEXTS = {"code", "run", "dataset"}
jobs, found, watching = json.loads(sys.argv[1]), Path(sys.argv[2]), []
for stage, name, job in jobs:
    if not (child := os.fork()):
        run(stage, name, job, found / f"{stage} {name}")
        sys.stdout.flush()
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{stage} {name} failed")

from fairtrial.planning import fingerprint
from fairtrial.planning.plan import Plan

plan, answers = Plan.read(), []
for stage, name, _ in jobs:
    places = {tuple(place) for place in json.loads((found / f"{stage} {name}").read_text())}
    places = {place for place in places if place[0] not in fingerprint.OUTSIDE}
    missed = places - fingerprint.reached(*plan.entries(stage, name))
    answers.append([stage, name, sorted({module for module, _ in places}), sorted(missed)])
(found / "answers.json").write_text(json.dumps(answers))
"""

TABLES = ("per_class", "curves", "confusion", "operating_points", "calibration")
VIEW = {
    "images": "data/clean/shapes/images",
    "annotations": "data/sets/shapes/annotations.json",
    "split": "data/sets/shapes/split.json",
}


PLOTS = ("history", "calibration", "classes", "confusion")
BREAKDOWNS = ("error_kinds", "by_size", "by_group", "class_curves")


def of_run(run: str) -> dict[str, dict[str, object]]:
    """The files of the three stages of one run."""
    folder = f"results/compare/runs/{run}"
    weights = {"weights": f"{folder}/weights.pt", "threads": 1}
    predicted = {split: f"{folder}/predictions/{split}.json" for split in ("val", "test")}
    tables = {name: f"{folder}/{name}.csv" for name in TABLES}
    return {
        "train": VIEW
        | {"code": "0", "run": run, "dataset": "shapes", **weights}
        | dict.fromkeys(("pretrained", "continues", "chosen_weights"))
        | {"start": [], "lost_minutes": 0}
        | {"record": f"{folder}/record.json"}
        | {"progress": f"logs/compare/train/{run}.json"}
        | {"history": f"results/compare/history/{run}.csv"},
        "predict": VIEW | weights | predicted | {"speed": f"{folder}/speed.json"},
        "validate": {name: VIEW[name] for name in ("annotations", "split")}
        | predicted
        | {"metrics": f"{folder}/metrics.json", **tables}
        | {"resamples": f"{folder}/resamples.npz"}
        | {name: f"{folder}/{name}.csv" for name in BREAKDOWNS},
    }


def of_probe(probe: str) -> dict[str, object]:
    """The files of one probe."""
    folder, name = (
        f"results/compare/runs/{probe.partition('@')[0]}",
        f"results/compare/probes/{probe}",
    )
    return VIEW | {
        "weights": f"{folder}/weights.pt",
        "threads": 1,
        "val": f"{folder}/predictions/val.json",
        "scores": f"{name}.json",
        "predictions": f"{name}.predictions.json",
    }


# A stage, the source, data set or run that it works on, and its files; in running order.
JOBS: list[tuple[str, str, dict[str, object]]] = [
    (
        "download",
        "shapes",
        {"raw": "data/raw/shapes", "manifest": "data/raw/shapes.sha256"},
    ),
    (
        "convert",
        "shapes",
        {"raw": "data/raw/shapes", "manifest": "data/raw/shapes.sha256"}
        | {"images": VIEW["images"], "annotations": "data/clean/shapes/annotations.json"}
        | {"quality": "data/clean/shapes/quality.json"}
        | {"duplicates": "data/clean/shapes/duplicates.json"}
        | {"source_ids": "data/clean/shapes/source_ids.json"},
    ),
    (
        "split",
        "shapes",
        {"source": "data/clean/shapes/annotations.json"}
        | {"duplicates": "data/clean/shapes/duplicates.json"}
        | {"annotations": VIEW["annotations"], "certificate": VIEW["split"]},
    ),
    *((stage, run, job) for run in ("tiny-s0", "deep-s0") for stage, job in of_run(run).items()),
    *(("probe", probe, of_probe(probe)) for probe in ("tiny-s0@train", "deep-s0@64")),
    *(
        ("batch", run, VIEW | {"threads": 1, "first": f"results/compare/batches/{run}.json"})
        for run in ("tiny-s0", "deep-s0")
    ),
    (
        "plot",
        "",
        {"results": "results/compare", "data": "data"}
        | {"figures": "results/compare/figures", "manifest": "results/compare/figures.json"}
        | {"pictures": "results/compare/pictures.json"},
    ),
    (
        "report",
        "",
        {"results": "results/compare", "data": "data", "figures": "results/compare/figures.json"}
        | {"pictures": "results/compare/pictures.json"}
        | {"pdf": "results/compare/report.pdf", "html": "results/compare/report.html"}
        | {"metrics": "results/compare/metrics.json"}
        | {"comparison": "results/compare/comparison.csv", "runs": "results/compare/runs.csv"}
        | {"markdown": "results/compare/comparison.md", "latex": "results/compare/comparison.tex"}
        | {"answer": "results/compare/answer.txt"}
        | {f"{name}_plot": f"results/compare/plots/{name}.csv" for name in PLOTS}
        | {"winner": "results/compare/winner.pt", "facts": "results/compare/winner.json"}
        | {"card": "results/compare/winner.md"},
    ),
]


EXPERIMENT = """\
title: Watched, with two backends
base: {imgsz: 32, epochs: 1, batch: 4}
runs:
  tiny: {model: yolov5n}
  deep: {backend: retinanet, lr0: 1e-4}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.new(tmp_path_factory.mktemp("watched") / "project")
    project.write("config/sources/shapes.yaml", QUICK_SOURCE)
    project.write("config/experiments/compare.yaml", EXPERIMENT)
    return project


@pytest.fixture(scope="module")
def watched(project: Project) -> dict[tuple[str, str], tuple[set[str], list[str]]]:
    """By job: what was called of the package, and what of that is not in the fingerprint."""
    found = project.root.parent / "found"
    found.mkdir()
    project.run(
        *("python", "-c", WATCH, json.dumps(JOBS), str(found)),
        PYTHONPATH=str(project.root / "workflow"),
        STUB_LOG="",
    )
    answers = json.loads((found / "answers.json").read_text())
    return {(stage, name): (set(called), missed) for stage, name, called, missed in answers}


@pytest.mark.parametrize("job", [(stage, name) for stage, name, _ in JOBS], ids=" ".join)
def test_what_a_job_calls_is_in_its_fingerprint(
    job: tuple[str, str], watched: dict[tuple[str, str], tuple[set[str], list[str]]]
) -> None:
    called, missed = watched[job]
    assert f"stages.{job[0]}" in called, "nothing was watched"
    settings = [place for place in missed if place[1] == "Settings"]
    assert [place for place in missed if place not in settings] == []


@pytest.mark.usefixtures("watched")
def test_two_frameworks_stand_in_one_table(project: Project) -> None:
    """Scored on the same images by the same scorer, and told apart by name."""
    with (project.root / "results/compare/comparison.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["configuration"]: row["setting/backend"] for row in rows} == {
        "tiny": "ultralytics",
        "deep": "retinanet",
    }
    assert {row["comparison"] for row in rows} == {"1"}
    assert all(int(row["parameters"]) > 1e6 and float(row["gflops"]) > 0 for row in rows)


def test_what_is_outside_of_every_fingerprint_is_there() -> None:
    """A renamed module would silently be in, or out."""
    package = Path(__file__).parents[2] / "workflow/fairtrial"
    assert [
        name
        for name in OUTSIDE
        if name and not (package / f"{name.replace('.', '/')}.py").is_file()
    ] == []
