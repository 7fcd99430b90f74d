"""Images without labels as the test of a data set, up to the report and the file to hand in."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader

from project import Project

pytestmark = pytest.mark.slow

SOURCE = """\
kind: local
path: {path}
format: coco
options: {{files: [{{annotations: train.json, images: labelled}}]}}
unlabelled: ["new/*"]
"""
DATASET = "source: course\nsplit: {method: random, val: 0.3, test: 0}\npredict_only: true\n"
EXPERIMENT = """\
title: A course
base: {dataset: course, backend: quick, imgsz: 32}
runs:
  one: {}
seeds: [0]
"""


def test_images_without_labels_are_predicted_and_in_no_table(tmp_path: Path) -> None:
    project = Project.new(tmp_path / "project", stubs=("none",), quick_backend=True).preload()
    project.snakemake("--cores", "1", "datasets")
    new = course(project, tmp_path / "course")
    project.write("config/sources/course.yaml", SOURCE.format(path=tmp_path / "course"))
    project.write("config/datasets/course.yaml", DATASET)
    project.write("config/experiments/course.yaml", EXPERIMENT)
    project.snakemake("--cores", "1", "--config", "experiment=course")
    folder = project.root / "results/course"
    metrics = json.loads((folder / "runs/one-s0/metrics.json").read_text())
    assert (metrics["val"]["images"], metrics["test"]) == (4, None)
    (row,) = csv.DictReader((folder / "runs.csv").open())
    assert {key: value for key, value in row.items() if key.startswith("test/") and value} == {}
    pages = PdfReader(io.BytesIO((folder / "report.pdf").read_bytes())).pages
    words = " ".join(" ".join(page.extract_text() for page in pages).split())
    sentence = f"{len(new)} images without labels, predicted and not scored"
    assert sentence in words.replace("\u200b", "")
    flags = ("--run", "course/one-s0", "--split", "test", "--to", "out.csv", "--confidence", "0")
    project.run("fairtrial", "submission", *flags)
    handed_in = {row["file_name"] for row in csv.DictReader((project.root / "out.csv").open())}
    assert handed_in and handed_in <= new


def course(project: Project, folder: Path) -> set[str]:
    """Of the shapes, 14 images with their objects in a COCO file, and others that none names."""
    clean = project.root / "data/clean/shapes"
    content = json.loads((clean / "annotations.json").read_text())
    images = content["images"]
    labelled = images[:14]
    for image in images:
        name = image["file_name"].replace("/", "_")
        place = folder / ("labelled" if image in labelled else "new") / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clean / "images" / image["file_name"], place)
    ids = {image["id"] for image in labelled}
    rows = [row for row in content["annotations"] if row["image_id"] in ids]
    kept = [{"id": i["id"], "file_name": i["file_name"].replace("/", "_")} for i in labelled]
    parts = {"images": kept, "annotations": rows, "categories": content["categories"]}
    (folder / "train.json").write_text(json.dumps(parts))
    return {f"new/{path.name}" for path in (folder / "new").iterdir()}
