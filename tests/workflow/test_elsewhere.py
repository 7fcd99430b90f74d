"""A trained configuration beside one whose predictions were made elsewhere, up to the report."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from project import Project

pytestmark = pytest.mark.slow

TRAINED = """\
title: Ours and theirs
base: {backend: quick, imgsz: 32}
runs:
  ours: {}
seeds: [0, 1]
"""
THEIRS = """\
  theirs:
    predictions:
      0: {val: theirs/val.json, test: theirs/test.json}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Finished, where the predictions from elsewhere are those of ours-s0, handed out and back."""
    folder = tmp_path_factory.mktemp("elsewhere")
    project = Project.new(folder / "project", stubs=("none",), quick_backend=True)
    project.write("config/experiments/compare.yaml", TRAINED)
    project.snakemake("--cores", "2", "scored")
    (folder / "theirs").mkdir()
    for split in ("val", "test"):
        to = str(folder / f"theirs/{split}.json")
        flags = ("--run", "compare/ours-s0", "--split", split, "--to", to)
        project.run("fairtrial", "submission", *flags)
    project.write("config/sources/theirs.yaml", f"kind: local\npath: {folder / 'theirs'}\n")
    text = TRAINED.replace("seeds:", f"{THEIRS}seeds:")
    project.write("config/experiments/compare.yaml", text)
    project.snakemake("--cores", "2")
    return project


def test_handed_out_and_back_they_have_the_same_metrics(project: Project) -> None:
    runs = project.root / "results/compare/runs"
    for name in ("metrics.json", "per_class.csv", "predictions/val.json", "predictions/test.json"):
        ours, theirs = ((runs / f"{run}-s0" / name).read_bytes() for run in ("ours", "theirs"))
        assert ours == theirs, name


def test_nothing_is_trained_or_timed_for_them(project: Project) -> None:
    assert sum(project.trainings().values()) == 2
    folder = project.root / "results/compare"
    assert not (folder / "runs/theirs-s0/weights.pt").exists()
    assert not (folder / "history/theirs-s0.csv").exists()
    assert "Nothing to be done" in project.snakemake("--cores", "1")


def test_the_report_says_where_they_come_from(project: Project) -> None:
    folder = project.root / "results/compare"
    pages = PdfReader(io.BytesIO((folder / "report.pdf").read_bytes())).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "predictions of B were made elsewhere" in text
    record = json.loads((folder / "runs/theirs-s0/record.json").read_text())
    assert record["elsewhere"]["val"]["path"] == "theirs/val.json"
    assert record["elsewhere"]["val"]["sha256"][:12] in text.replace(" ", "")
    rows = {row["run"]: row for row in csv.DictReader((folder / "runs.csv").open())}
    assert (rows["theirs-s0"]["seconds"], rows["theirs-s0"]["epochs_run"]) == ("", "0")


def test_the_other_commands_take_them_as_a_run(project: Project, tmp_path: Path) -> None:
    rows = {row["run"]: row for row in project.status()["runs"]}
    names = ("ours-s0", "ours-s1", "theirs-s0")
    assert {name: row["state"] for name, row in rows.items()} == dict.fromkeys(names, "done")
    assert rows["theirs-s0"]["epoch"] is None
    assert "None" not in project.run("fairtrial", "status").stdout
    assert "nothing to remove" in project.run("fairtrial", "gc", "--yes").stdout
    project.run("fairtrial", "compare", "workspace", "--to", str(tmp_path / "all.pdf"))
    assert len(list(csv.DictReader((tmp_path / "all.csv").open()))) == 2
    doctor = project.run("fairtrial", "doctor", check=False)
    assert "source theirs: 2 files" in doctor.stdout
    assert "Traceback" not in doctor.stderr


def test_another_file_is_taken_anew_and_trains_nothing(project: Project) -> None:
    source = project.root.parent / "theirs/val.json"
    before = project.trainings()
    kept = source.read_text()
    rows = json.loads(kept)
    rows[0]["category_id"] = 77
    source.write_text(json.dumps(rows))
    try:
        flags = ("--cores", "1", "--forcerun", "data/raw/theirs.sha256")
        output = project.snakemake(*flags, check=False)
        assert "receive" in output
        log = (project.root / "logs/compare/receive/theirs-s0.log").read_text()
        assert "entry 0" in log and "77" in log
        assert project.trainings() == before
        state = next(r for r in project.status()["runs"] if r["run"] == "theirs-s0")
        assert (state["state"], state["stage"]) == ("failed", "receive")
    finally:
        source.write_text(kept)


@pytest.mark.parametrize("alone", [False, True], ids=["beside ours", "alone"])
def test_without_val_they_are_scored_on_test_and_nothing_is_made_up(
    project: Project, alone: bool
) -> None:
    ours = "" if alone else "  ours: {}\n"
    theirs = "  theirs:\n    predictions:\n      0: {test: theirs/test.json}\n"
    name = f"blind{alone}"
    base = "{}" if alone else "{backend: quick, imgsz: 32}"
    text = f"title: On test alone\nbase: {base}\nruns:\n{ours}{theirs}seeds: [0]\n"
    project.write(f"config/experiments/{name}.yaml", text)
    before = project.trainings()
    project.snakemake("--cores", "1", "--config", f"experiment={name}")
    assert project.trainings() == before
    folder = project.root / f"results/{name}"
    runs = {path.name: path for path in (folder / "runs").iterdir()}
    metrics = json.loads((runs["theirs-s0"] / "metrics.json").read_text())
    compared = project.root / "results/compare/runs/ours-s0/metrics.json"
    expected = json.loads(compared.read_text())["test"]
    rates = dict.fromkeys(("precision", "recall", "f1"))
    assert (metrics["confidence"], metrics["val"]) == (None, None)
    assert metrics["test"] == expected | rates
    pages = PdfReader(io.BytesIO((folder / "report.pdf").read_bytes())).pages
    words = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "no predictions of" in words
    assert "nan" not in words.lower().split()
    row = {row["run"]: row for row in csv.DictReader((folder / "runs.csv").open())}["theirs-s0"]
    assert (row["confidence"], row["val/AP"], row["test/f1"]) == ("", "", "")
    assert float(row["test/AP"]) == pytest.approx(expected["AP"])
    if alone:
        to = project.root / "again.pdf"
        project.run("fairtrial", "compare", f"workspace:{name}", "--to", str(to))
        (again,) = csv.DictReader(to.with_suffix(".csv").open())
        assert float(again["test/AP"]) == pytest.approx(expected["AP"])
        assert again["val/AP"] == ""
        flags = ("--run", f"{name}/theirs-s0", "--to", "theirs.csv")
        refused = project.run("fairtrial", "submission", *flags, "--split", "val", check=False)
        assert "no predictions on val" in refused.stderr
        project.run("fairtrial", "submission", *flags, "--split", "test")


def test_an_experiment_may_have_them_alone(tmp_path: Path) -> None:
    """Objects of val and test as YOLO's texts are found again, every one."""
    project = Project.new(tmp_path / "project", stubs=("none",), quick_backend=True).preload()
    project.snakemake("--cores", "1", "datasets")
    folder = project.root / "data/sets/shapes"
    whole = json.loads((folder / "annotations.json").read_text())
    splits = json.loads((folder / "split.json").read_text())
    images = {image["id"]: image for image in whole["images"]}
    for split in ("val", "test"):
        for row in whole["annotations"]:
            if row["image_id"] in splits[split]:
                image = images[row["image_id"]]
                file = tmp_path / "theirs" / split / f"{Path(image['file_name']).stem}.txt"
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("a") as text:
                    text.write(_line(row, image["width"], image["height"]))
    project.write("config/sources/theirs.yaml", f"kind: local\npath: {tmp_path / 'theirs'}\n")
    ids = ", ".join(f"{row['id'] - 1}: {row['name']}" for row in whole["categories"])
    experiment = "title: Theirs\nruns:\n  theirs:\n    predictions:\n"
    experiment += f"      0: {{val: theirs/val, test: theirs/test}}\n    class_ids: {{{ids}}}\n"
    project.write("config/experiments/compare.yaml", experiment)
    project.snakemake("--cores", "2")
    results = project.root / "results/compare"
    metrics = json.loads((results / "runs/theirs-s0/metrics.json").read_text())
    assert [metrics[split]["AP"] for split in ("val", "test")] == pytest.approx([1, 1])
    assert (results / "report.pdf").stat().st_size > 10_000


def _line(row: dict[str, Any], width: int, height: int) -> str:
    x, y, w, h = row["bbox"]
    shares = ((x + w / 2) / width, (y + h / 2) / height, w / width, h / height)
    return f"{row['category_id'] - 1} {' '.join(map(str, shares))} 0.9\n"
