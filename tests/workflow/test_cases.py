"""Work that was done by hand, from the files that ship, in small: fewer and smaller pictures, two
configurations a question, an epoch or two each.

The end of CIFAR-10's chain and RetinaNet train for real, the links before it and the searches with
quick backends, and what only differs in settings has stand-ins. Real trainings with the settings of
the questions, without Snakemake: tests/backends/test_shipped_trainings.py.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fairtrial.__main__ import COMMANDS
from fairtrial.files.yamlfile import read_yaml
from project import CHECKOUT, QUICK, Project
from small_cifar10 import use_small_cifar10

sys.path.append(str(CHECKOUT / "tests/sources"))
sys.path.append(str(CHECKOUT / "tests/formats"))

import coco_server
from web import Web
from written import Scene, write_contributors

PAGES = sorted((CHECKOUT / "docs/cases").glob("[!R]*.md"))
SHAPES = "source: shapes\nsplit: {method: grouped, seed: 0, val: 0.2, test: 0.2}\n"
RUN = ("--cores", "2", "scored", "--config")
TRAINING = ("train", "predict", "validate")


def shorten(project: Project, name: str, configurations: int = 2, **base: Any) -> None:
    """The first configurations of a question, one seed, and other values in `base`."""
    path = project.root / f"config/experiments/{name}.yaml"
    question = read_yaml(path)
    question["seeds"] = [0]
    question.pop("replicate", None)
    if "runs" in question:
        question["runs"] = dict(list(question["runs"].items())[:configurations])
    for key, values in question.get("sweep", {}).items():
        question["sweep"][key] = values[:configurations]
    for key, values in question.get("grid", {}).items():
        chosen = list(values.items() if isinstance(values, dict) else values)[:configurations]
        question["grid"][key] = dict(chosen) if isinstance(values, dict) else chosen
    question["base"] |= base
    path.write_text(json.dumps(question))


def change(project: Project, name: str, section: str, **values: Any) -> None:
    """Other values in a section of a question."""
    path = project.root / f"config/experiments/{name}.yaml"
    question = read_yaml(path)
    question[section] |= values
    path.write_text(json.dumps(question))


def records(project: Project, experiment: str) -> dict[str, dict[str, Any]]:
    """Run → its record."""
    return {
        path.parent.name: json.loads(path.read_text())
        for path in sorted((project.root / "results" / experiment).glob("runs/*/record.json"))
    }


def start(project: Project, experiment: str, choice: str) -> dict[str, Any]:
    """What was chosen there."""
    path = project.root / "results" / experiment / "choices" / choice / "start.json"
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_files_that_ship(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"experiment=(\w+)", text))
    named |= {run.partition("/")[0] for run in re.findall(r"lr-range (\S+)", text)}
    shipped = {path.stem for path in (CHECKOUT / "config/experiments").glob("*.yaml")}
    assert named
    made = set(re.findall(r"fairtrial new .*--name (\w+)", text))  # by `new`, of that name
    assert not named - shipped - made
    tests = re.findall(r"`(tests/[\w/.]+|test_\w+\.py)`", text)
    known = {path.name for path in (CHECKOUT / "tests").rglob("test_*.py")}
    for test in tests:
        assert (CHECKOUT / test).exists() or test in known, test
    commands = set(re.findall(r"fairtrial ([a-z][a-z-]+)", text))
    assert commands <= set(COMMANDS)
    states = [line.split("|")[3].strip() for line in text.splitlines() if line.count("|") == 4][2:]
    assert {state.split()[0].strip(":;,") for state in states} <= {"run", "planned", "open"}
    assert all("`t" in state for state in states if "run" in state), "a test shows what was run"


# --------------------------------------------------------------------------- angiography


@pytest.mark.slow
def test_a_search_is_followed_by_others_that_begin_with_its_best_recall(tmp_path: Path) -> None:
    """`genetic` → `genetic_recall` → `genetic_momentum` → `genetic_lrf`, by one command, with the
    quick backend on drawn images; what is predicted and scored is real."""
    project = Project.new(tmp_path / "project", stubs=("none",), quick_backend=True)
    project.edit(
        "workflow/fairtrial/backends/quick.py",
        "    lr0: float\n",
        "    lr0: float\n    lrf: float\n",
    )
    project.write("config/datasets/cadica_lesions.yaml", SHAPES)
    searched = {"space": {"lr0": {"min": 1e-4, "max": 0.1}, "momentum": {"min": 0.5, "max": 0.95}}}
    searched |= {"trials": 4, "workers": 1}
    own = ("lr0", "lrf", "momentum", "fitness", "dataset")
    path = project.root / "config/experiments/genetic.yaml"
    question = read_yaml(path)
    question["base"] = {k: v for k, v in question["base"].items() if k in own}
    question["base"] |= {"backend": "quick", "epochs": 2, "imgsz": 32}
    path.write_text(json.dumps(question))
    for name in ("genetic", "genetic_recall"):
        change(project, name, "search", **searched)
    chain = ("genetic_recall", "genetic_momentum", "genetic_lrf")
    shorten(project, "genetic_recall")
    for name in chain[1:]:
        shorten(project, name, epochs=3)
    project.snakemake(*RUN, f"experiment={chain[-1]}")
    table = "results/genetic/search/ga-seed0/trials.csv"
    project.snakemake("--cores", "1", table, "--config", "experiment=genetic")

    with (project.root / table).open() as file:
        trials = list(csv.DictReader(file))
    best = max(trials, key=lambda trial: float(trial["recall"]))
    first = start(project, "genetic", "ga-seed0@recall")
    assert first["trial"] == int(best["trial"])
    found = start(project, "genetic_recall", "ga-seed0")["settings"]
    tried = records(project, "genetic_momentum")
    assert {record["settings"]["lr0"] for record in tried.values()} == {found["lr0"]}
    assert len({record["settings"]["momentum"] for record in tried.values()}) == 2
    recalls = {
        run: json.loads(
            (project.root / f"results/genetic_momentum/runs/{run}/metrics.json").read_text()
        )
        for run in tried
    }
    won = max(tried, key=lambda run: (recalls[run]["val"]["recall"], run == "momentum=0.45-s0"))
    chosen = start(project, "genetic_momentum", "@recall")["settings"]["momentum"]
    assert chosen == tried[won]["settings"]["momentum"]
    swept = records(project, "genetic_lrf")
    assert {record["settings"]["momentum"] for record in swept.values()} == {chosen}
    assert len({record["settings"]["lrf"] for record in swept.values()}) == 2


# --------------------------------------------------------------------------- CIFAR-10

CHAIN = ("cifar10_architectures", "cifar10_cnn", "cifar10_activations", "cifar10_optimizers")
CHAIN += ("cifar10_search", "cifar10_dropout")


@pytest.mark.slow
def test_each_question_on_cifar10_begins_with_the_winner_of_the_last(tmp_path: Path) -> None:
    """All links but the last with quick_networks.py, and that, with dropout, for real."""
    project = Project.new(tmp_path / "project", stubs=("none",))
    use_small_cifar10(project)
    backends = project.root / "workflow/fairtrial/backends"
    (backends / "networks.py").rename(backends / "_real_networks.py")
    shutil.copy(QUICK.parent / "quick_networks.py", backends / "networks.py")
    shorten(project, CHAIN[0], epochs=2, batch=8)
    for name in CHAIN[1:3]:
        shorten(project, name)
    shorten(project, "cifar10_optimizers")
    change(project, "cifar10_optimizers", "grid", by={"sgd": {"optimizer": "SGD", "lr0": 0.03}})
    shorten(project, "cifar10_search", 2, epochs=2, batch=8)
    space = {"lr0": {"min": 0.001, "max": 0.1}, "batch": [4, 8]}
    change(project, "cifar10_search", "search", space=space, trials=2)
    change(project, "cifar10_dropout", "sweep", dropout=[0.2])
    shorten(project, "cifar10_dropout", 1)
    project.snakemake(*RUN, f"experiment={CHAIN[-1]}")
    for name, following in itertools.pairwise(CHAIN):
        won = start(project, name, "@best")["settings"]
        begun = records(project, following)
        assert len(begun) == (1 if following == CHAIN[-1] else 2)
        for record in begun.values():
            assert name in [origin["experiment"] for origin in record["started_from"]]
            assert record["settings"]["optimizer"] == won["optimizer"] == "SGD"
        assert any(record["settings"]["widths"] == won["widths"] for record in begun.values())
    won = start(project, "cifar10_search", "@best")["settings"]
    (last,) = records(project, "cifar10_dropout").values()
    weights = project.root / "results/cifar10_dropout/runs/dropout=0.2-s0/weights.pt"
    assert weights.read_bytes().startswith(b"PK"), "not trained for real"
    assert {k: last["settings"][k] for k in ("lr0", "batch")} == {
        k: won[k] for k in ("lr0", "batch")
    }


# --------------------------------------------------------------------------- a class's data


@pytest.mark.slow
def test_contributions_in_several_formats_become_one_data_set_of_many_runs(tmp_path: Path) -> None:
    """`sizes` on the joined data, whose trainings are stand-ins: no checkpoint is fetched here."""
    project = Project.new(tmp_path / "project", stubs=(*TRAINING, "plot", "report"))
    box = (4.0, 5.0, 20.0, 30.0)
    scene = Scene(objects=[(who, kind, box) for who in "abc" for kind in ("cat", "dog", "owl")])
    options = write_contributors(scene, project.root / "contributions")
    source = {"kind": "local", "path": "contributions", "format": "contributors"}
    project.write("config/sources/ours.yaml", json.dumps(source | {"options": options}))
    split = {"method": "random", "seed": 0, "val": 0.34, "test": 0.0}
    ours = {"source": "ours", "classes": "present", "split": split}
    project.write("config/datasets/ours.yaml", json.dumps(ours))
    for name in ("yolov8n", "yolov8s"):
        project.write(f"checkpoints/{name}.pt", name)
    project.write("config/sources/yolov8.yaml", "kind: local\npath: checkpoints\n")
    said = project.snakemake("-n", "data/sets/ours/split.json", check=False)
    assert "data set ours: experiment compare has shapes" in said, "no traceback of a function"
    shorten(project, "sizes", 3, dataset="ours")
    change(project, "sizes", "grid", model=["yolov8n", "yolov8s"], batch=[8])
    project.snakemake(*RUN, "experiment=sizes")
    made = json.loads((project.root / "data/clean/ours/annotations.json").read_text())
    assert [category["name"] for category in made["categories"]] == ["cat", "dog", "owl"]
    ran = project.jobs()
    assert sum(count for job, count in ran.items() if job.startswith("train ")) == 2 * 3


# --------------------------------------------------------------------------- COCO


def picture(number: int) -> bytes:
    """A JPEG of random patches, as large as the annotations say."""
    patches = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(patches).resize((40 + number, 30)).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web({})
    yield web
    web.close()


@pytest.mark.slow
def test_persons_and_motorcycles_come_by_category_and_as_they_are_and_undersampled(
    tmp_path: Path, web: Web
) -> None:
    """Fetched over HTTP on loopback; the trainings are stand-ins."""
    project = Project.new(tmp_path / "project", stubs=(*TRAINING, "plot", "report"))
    path = project.root / "config/sources/coco_person_motorcycle.yaml"
    path.write_text(json.dumps(read_yaml(path) | coco_server.serve(web)))
    for number in range(len(coco_server.HELD)):  # no picture is a copy of another
        web.files[coco_server.path_of(number)] = picture(number)
    shorten(project, "coco_person_motorcycle", 4)
    project.snakemake(*RUN, "experiment=coco_person_motorcycle")
    splits = {
        name: json.loads((project.root / f"data/sets/{name}/split.json").read_text())
        for name in ("coco_person_motorcycle", "coco_person_motorcycle_balanced")
    }
    whole, fewer = splits.values()
    assert sum(len(whole[split]) for split in ("train", "val", "test")) == 8
    assert whole["val"] == fewer["val"] and whole["test"] == fewer["test"]
    assert set(fewer["train"]) <= set(whole["train"])
    ran = {job for job in project.jobs() if job.startswith("train ")}
    names = ("unbalanced", "undersampled", "half", "weighted")
    assert ran == {f"train {name}-s0" for name in names}


# --------------------------------------------------------------------------- RetinaNet


@pytest.mark.slow
def test_retinanet_goes_on_for_more_epochs_with_a_rate_that_falls_in_steps(tmp_path: Path) -> None:
    """`retinanet_longer` and `retinanet_schedules`, for real on drawn images."""
    project = Project.new(tmp_path / "project", stubs=("none",))
    for old, new in (("images: 400 ", "images: 24 "), ("per_scene: 10", "per_scene: 2")):
        project.edit("config/sources/shapes.yaml", old, new)
    schedules = read_yaml(project.root / "config/experiments/retinanet_schedules.yaml")
    small = {"dataset": "shapes", "imgsz": 32, "batch": 4, "warmup_epochs": 0.0}
    falls = schedules["runs"]["step"] | {"milestones": [1]}
    shorten(project, "retinanet_longer", 2, **small, **falls)
    runs = {"epochs20": {"epochs": 1}, "epochs40": {"epochs": 2, "continues": "epochs20"}}
    change(project, "retinanet_longer", "runs", **runs)
    scored = "results/retinanet_longer/runs/epochs40-s0/metrics.json"
    project.snakemake("--cores", "2", scored, "--config", "experiment=retinanet_longer")
    found = records(project, "retinanet_longer")
    assert found["epochs40-s0"]["continued_from"] == "epochs20-s0"
    with (project.root / "results/retinanet_longer/history/epochs40-s0.csv").open() as file:
        rates = [float(row["lr"]) for row in csv.DictReader(file)]
    assert rates == pytest.approx([1e-4, 1e-5])
    log = (project.root / "logs/retinanet_longer/validate/epochs40-s0.log").read_text()
    assert "Average Precision  (AP) @[ IoU=0.50:0.95" in log
