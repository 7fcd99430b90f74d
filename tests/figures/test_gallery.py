"""The gallery shows where configurations disagree and where the best fails, and marks errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairtrial.figures.base import Drawing, style
from fairtrial.figures.gallery import gallery
from fairtrial.files.jsonfile import read_json, write_json
from fairtrial.results.experiment import ExperimentResults, load_experiment
from fairtrial.results.marked_boxes import marked_boxes
from fairtrial.results.telling_images import telling_images
from fairtrial.settings.stages import PlotSettings
from tests.report.fake_results import Fake

FEW = {"train": 2, "val": 2, "test": 8}


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """Two configurations that find every test object, `a` the best on val."""
    ap: dict[tuple[str, int, str], float | None] = {("a", 0, "val"): 0.9, ("b", 0, "val"): 0.5}
    made = Fake(tmp_path, {"a": {"lr0": 1}, "b": {"lr0": 2}}, seeds=(0,), ap=ap, images=FEW).build()
    for run in made.runs:
        for split in ("val", "test"):
            write_json(file_of(made, run, split), perfect(made, split))
    return made


def file_of(fake: Fake, run: str, split: str) -> Path:
    return fake.results / "runs" / run / "predictions" / f"{split}.json"


def perfect(fake: Fake, split: str) -> list[dict[str, Any]]:
    data = read_json(fake.data / "sets/shapes/annotations.json")
    ids = read_json(fake.data / "sets/shapes/split.json")[split]
    return [
        {
            "image_id": a["image_id"],
            "category_id": a["category_id"],
            "bbox": a["bbox"],
            "score": 0.9,
        }
        for a in data["annotations"]
        if a["image_id"] in ids
    ]


def results_of(fake: Fake) -> ExperimentResults:
    return load_experiment(fake.results, fake.data, fake.runs)


def drawings(experiment: ExperimentResults, **settings: Any) -> Iterator[Drawing]:
    with style():
        yield from gallery.draw(experiment, PlotSettings(**{"gallery": 2, "runs": ()} | settings))


def image_ids(fake: Fake) -> list[int]:
    ids: list[int] = read_json(fake.data / "sets/shapes/split.json")["test"]
    return sorted(ids)


def test_where_they_disagree_and_where_the_best_fails_come_first(fake: Fake) -> None:
    first, second = image_ids(fake)[4], image_ids(fake)[7]
    rows = perfect(fake, "test")
    write_json(file_of(fake, "b-s0", "test"), [r for r in rows if r["image_id"] != first])
    worse = [r for r in rows if r["image_id"] != second] + [
        {"image_id": second, "category_id": 1, "bbox": [0.0, 0.0, 4.0, 4.0], "score": 0.8}
        for _ in range(30)
    ]
    for run in fake.runs:  # both fail alike here, so that they do not disagree
        kept = [r for r in read_json(file_of(fake, run, "test")) if r["image_id"] != second]
        write_json(file_of(fake, run, "test"), kept + [r for r in worse if r["image_id"] == second])
    experiment = results_of(fake)
    (comparison,) = experiment.comparisons
    told = list(telling_images(comparison, experiment, "test"))
    assert [t.image.id for t in told[:2]] == [first, second]
    assert "disagree most" in told[0].why
    assert "on which A fails most" in told[1].why
    assert [t.brief.partition(" (")[0] for t in told[:3]] == [
        "configurations disagree most", "A fails most", "no configuration errs",
    ]  # fmt: skip
    objects = len(experiment.datasets["shapes"].dataset.by_image()[second])
    assert told[1].why.endswith(f": 30 false alarms, {objects} objects not found.")
    assert sorted(t.image.id for t in told) == image_ids(fake)
    assert all("No configuration errs" in t.why for t in told[2:])


def test_the_reason_stands_in_the_caption(fake: Fake) -> None:
    first = image_ids(fake)[4]
    rows = [r for r in perfect(fake, "test") if r["image_id"] != first]
    write_json(file_of(fake, "b-s0", "test"), rows)
    drawn = list(drawings(results_of(fake)))
    assert drawn[0].name == f"gallery-1-test-{first}"
    assert drawn[0].caption.startswith("No. 1 of the images on which the configurations disagree")
    assert drawn[1].caption.startswith("No configuration errs here")


BY_KIND = {
    "right": ((0, 0, 100, 100), 1),
    "classification": ((2, 0, 100, 100), 2),
    "localisation": ((60, 0, 100, 100), 1),
    "both": ((60, 0, 100, 100), 2),
    "background": ((200, 150, 30, 30), 1),
}


@pytest.mark.parametrize("kind", BY_KIND)
def test_a_box_has_the_mark_of_what_is_wrong_with_it(fake: Fake, kind: str) -> None:
    """One object at the left edge, one detection."""
    file, image = fake.data / "sets/shapes/annotations.json", image_ids(fake)[0]
    data = read_json(file)
    one = next(a for a in data["annotations"] if a["image_id"] == image)
    others = [a for a in data["annotations"] if a["image_id"] != image]
    box = [0.0, 0.0, 100.0, 100.0]
    data["annotations"] = [*others, one | {"bbox": box, "area": 1e4, "category_id": 1}]
    write_json(file, data)
    bbox, category = BY_KIND[kind]
    row = {"image_id": image, "category_id": category, "bbox": [*map(float, bbox)], "score": 0.9}
    write_json(file_of(fake, "a-s0", "test"), [row, row | {"score": 0.2}])  # the weak one: below
    experiment = results_of(fake)
    (boxes,) = marked_boxes(experiment.runs[0], experiment, "test", [image]).values()
    missed = [b for b in boxes if b.kind == "missed"]
    assert [b.kind for b in boxes if b not in missed] == [kind]
    assert len(missed) == (kind in {"both", "background"})
    assert boxes[0].aims_at == ((0, 0, 100, 100) if kind == "localisation" else None)
    assert boxes[0].truth == ("circle" if kind == "classification" else "")


def test_a_weak_detection_does_not_find_an_object(fake: Fake) -> None:
    image = image_ids(fake)[0]
    rows = [r | {"score": 0.1} for r in perfect(fake, "test")]
    write_json(file_of(fake, "a-s0", "test"), rows)
    experiment = results_of(fake)
    (boxes,) = marked_boxes(experiment.runs[0], experiment, "test", [image]).values()
    assert boxes
    assert {b.kind for b in boxes} == {"missed"}
