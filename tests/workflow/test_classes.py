"""The whole chain on classes of whole images, packed as those of CIFAR-10 are."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from pypdf import PdfReader
from tests.report.test_html import unpacked

from facts import missing_facts
from project import CHECKOUT, Project
from small_cifar10 import use_small_cifar10

pytestmark = pytest.mark.slow

EXPERIMENT = """\
title: Which network?
base: {backend: networks, dataset: cifar10, imgsz: 32, batch: 16, epochs: 2, lr0: 0.001}
runs:
  dense: {model: mlp, widths: [16]}
  convolutional: {model: cnn, blocks: [4, 8], widths: [], augment: [flip]}
seeds: [0, 1]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.new(tmp_path_factory.mktemp("classes") / "project", stubs=("none",))
    use_small_cifar10(project)
    project.write("config/experiments/compare.yaml", EXPERIMENT)
    project.snakemake("--cores", "2")
    return project


def test_every_stage_leaves_what_it_should(project: Project) -> None:
    results = project.root / "results/compare"
    metrics = json.loads((results / "metrics.json").read_text())
    runs = {f"{name}-s{seed}" for name in ("dense", "convolutional") for seed in (0, 1)}
    assert list(metrics) == sorted({*runs, "dense", "convolutional", "best"})
    for figures in metrics.values():
        assert figures.keys() - {"configuration"} == {"val", "test"}
        assert 0 <= figures["test"]["accuracy"] <= figures["test"]["top5"] == 1
    probabilities = json.loads((results / "runs/dense-s0/predictions/test.json").read_text())
    assert len(probabilities) == 24
    assert all(sum(row["scores"]) == pytest.approx(1) for row in probabilities)
    rows = list(csv.DictReader((results / "comparison.csv").open()))
    assert {row["ranked_by"] for row in rows} == {"accuracy"}
    best = max(rows, key=lambda row: float(row["val/accuracy"]))
    assert best["rank"] == "1"


def test_the_split_is_stratified(project: Project) -> None:
    split = json.loads((project.root / "data/sets/cifar10/split.json").read_text())
    whole = {"red": 42, "green": 42, "blue": 36}
    for name, share in (("train", 0.6), ("val", 0.2), ("test", 0.2)):
        held = split["summary"][name]["classes"]
        assert all(abs(held[n]["images"] - share * many) <= 1 for n, many in whole.items())
    assert sorted(split["train"] + split["val"] + split["test"]) == list(range(1, 121))


def test_the_report_has_the_pages_of_classes_and_none_of_boxes(project: Project) -> None:
    pdf = (project.root / "results/compare/report.pdf").read_bytes()
    pages = PdfReader(io.BytesIO(pdf)).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).replace("\u200b", "").split())
    for term in ("Top-5", "Log loss", "ECE", "Calibration", "Surest mistakes", "Confusion matri"):
        assert term in text
    assert "IoU" not in text and "AP50" not in text
    figures = {
        row["file"]
        for row in json.loads((project.root / "results/compare/figures.json").read_text())
    }
    assert {f"figures/{n}-1.svg" for n in ("accuracy", "reliability", "answer")} <= figures


def test_the_page_counts_the_answers_of_classifiers(project: Project) -> None:
    results = project.root / "results/compare"
    (part,) = json.loads(unpacked((results / "report.html").read_text(), "packed-browsers"))
    metrics = json.loads((results / "metrics.json").read_text())
    assert len(part["images"]) == part["total"] == 24 and len(part["runs"]) == 4
    for run in part["runs"]:
        right = sum(truth == answer for truth, answer in run["pairs"])
        assert right / 24 == pytest.approx(metrics[run["name"]]["test"]["accuracy"])
        assert sum(of_class[-1] for of_class in run["counts"]["right"]) == right
        assert sum(of_class[-1] for of_class in run["counts"]["false"]) == 24 - right


def test_two_tasks_in_one_experiment_are_an_error(project: Project) -> None:
    boxes = "  boxes: {backend: ultralytics, model: yolov8n, dataset: shapes}\n"
    project.edit("config/experiments/compare.yaml", "seeds:", f"{boxes}seeds:")
    output = project.snakemake("-n", check=False)
    project.edit("config/experiments/compare.yaml", boxes, "")
    facts = ("config/experiments/compare.yaml: ", "boxes-s1: detect", "convolutional-s1: classify")
    assert missing_facts(output, *facts) == []


def test_what_is_done_is_not_done_again(project: Project) -> None:
    assert "Nothing to be done" in project.snakemake("--cores", "1")


def test_recorded_probabilities_are_compared(project: Project, tmp_path: Path) -> None:
    project.run("fairtrial", "compare", "workspace", "--to", str(tmp_path / "all.pdf"))
    rows = list(csv.DictReader((tmp_path / "all.csv").open()))
    reported = list(csv.DictReader((project.root / "results/compare/comparison.csv").open()))
    for name in ("test/accuracy", "test/f1", "test/log_loss"):
        assert [row[name] for row in rows] == [row[name] for row in reported]


def test_a_search_over_classes_in_small(project: Project, tmp_path: Path) -> None:
    """The question `cifar10_search` with three trials of one or two epochs, from settings of its
    own."""
    searched = project.copy(tmp_path / "project").preload()
    text = (CHECKOUT / "config/experiments/cifar10_search.yaml").read_text()
    for shipped, small in (
        ("from: cifar10_optimizers,", "backend: networks, model: cnn, imgsz: 32,"),
        ("from: cifar10_search/", "from: compare/"),
        ("trials: 10", "trials: 3"),
        ("epochs: {min: 10, max: 100, step: 5}", "epochs: {min: 1, max: 3}"),
        ("epochs: 50", "epochs: 2"),
        ("[0, 1, 2]", "[0]"),
    ):
        assert shipped in text
        text = text.replace(shipped, small)
    searched.write("config/experiments/compare.yaml", text)
    searched.snakemake("--cores", "2")
    folder = searched.root / "results/compare"
    with (folder / "search/tpe-seed0/trials.csv").open() as file:
        trials = list(csv.DictReader(file))
    assert [row["state"] for row in trials] == ["finished"] * 3
    assert all(row["fitness"] == row["accuracy"] for row in trials)
    best = max(trials, key=lambda row: float(row["fitness"]))
    record = json.loads((folder / "runs/tuned-s0/record.json").read_text())
    for name in ("lr0", "batch", "epochs"):
        assert f"{record['settings'][name]}" == best[name]
    pages = PdfReader(io.BytesIO((folder / "report.pdf").read_bytes())).pages
    assert "Search" in "".join(page.extract_text() for page in pages)
