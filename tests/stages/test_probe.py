"""Weights once more, on train or at another size: the images, the size, and their scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.report.fake_results import Fake

from fairtrial.backends import ultralytics
from fairtrial.data.dataset import Detection, read
from fairtrial.files.jsonfile import read_json
from fairtrial.results.probes import ProbeScores, read_probe
from fairtrial.settings.probes import ProbeSettings
from fairtrial.settings.stages import ValidateDetectSettings, predict_settings
from fairtrial.stages import probe as stage

SECTION = {"conf": 0.001, "iou": 0.7, "max_det": 300, "speed_images": 100}


class Model:
    """Finds every object exactly; remembers at which size it looked at which images."""

    def __init__(self, fake: Fake) -> None:
        data = read(fake.data / "sets/shapes/annotations.json")
        names = {image.id: image.file_name for image in data.images}
        self.boxes: dict[str, list[Detection]] = {name: [] for name in names.values()}
        for a in data.annotations:
            assert a.bbox is not None
            self.boxes[names[a.image_id]].append(Detection(a.category_id, a.bbox, 0.7))
        self.seen: set[tuple[int, str]] = set()

    @contextmanager
    def detector(
        self, weights: Path, categories: Any, settings: Any, threads: int
    ) -> Iterator[Any]:
        def detect(path: Path) -> tuple[list[Detection], dict[str, float]]:
            self.seen.add((settings.imgsz, path.name))
            return self.boxes[path.name], {"inference": 0.001 * settings.imgsz}

        yield detect


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    images = {"train": 8, "val": 3, "test": 4}
    return Fake(tmp_path, {"a": {}}, seeds=(0,), images=images).build()


def probed(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, of: str, imgsz: int, share: float = 1.0
) -> tuple[ProbeScores, Model]:
    model = Model(fake)
    monkeypatch.setattr(ultralytics, "detector", model.detector)
    monkeypatch.setattr(stage, "with_unchanged_images", lambda data: data)
    monkeypatch.setattr("fairtrial.stages.predict.device_name", lambda: "cpu")
    run, view = fake.results / "runs/a-s0", fake.data / "sets/shapes"
    name = "a-s0@train" if of == "train" else f"a-s0@{imgsz}"
    settings = ProbeSettings.model_validate(
        {
            "of": of,
            "predict": predict_settings("detect", SECTION, "ultralytics", imgsz),
            "scoring": ValidateDetectSettings(iou=0.5, max_det=100),
            "train_share": share,
        }
    )
    stage.probe(
        settings=settings,
        weights=run / "weights.pt",
        images=fake.data / "clean/drawn/images",
        annotations=view / "annotations.json",
        split=view / "split.json",
        val=run / "predictions/val.json",
        threads=1,
        scores=fake.results / "probes" / f"{name}.json",
        predictions=fake.results / "probes" / f"{name}.predictions.json",
    )
    return read_probe(fake.results, "a-s0", name.partition("@")[2]), model


def files_of(fake: Fake, split: str) -> set[str]:
    data = read(fake.data / "sets/shapes/annotations.json")
    return {image.file_name for image in data.images if image.split == split}


def test_another_size_is_scored_on_val_and_test_and_timed(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, model = probed(fake, monkeypatch, "size", 480)
    assert model.seen == {(480, name) for name in files_of(fake, "val") | files_of(fake, "test")}
    assert found.imgsz == 480
    assert found.train is None
    assert found.val is not None
    assert found.test is not None
    assert found.val.by_name()["AP"] == found.test.by_name()["AP"] == 1.0
    assert found.test.images == 4
    assert found.speed is not None
    assert (found.speed.imgsz, found.speed.median) == (480, 0.48)


def test_train_is_scored_on_the_images_that_were_learned_from(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the confidence that val chose, which is not that of train."""
    found, model = probed(fake, monkeypatch, "train", 160, share=0.5)
    assert {name for _, name in model.seen} == files_of(fake, "train")
    assert found.train is not None
    assert found.train.images == 4
    assert found.train.by_name()["AP"] == 1.0
    rows = read_json(fake.results / "probes/a-s0@train.predictions.json")
    assert len({row["image_id"] for row in rows}) == 8, "the gallery shows all of train"
    assert found.val is None
    assert found.speed is None
    confident = found.confidence is not None and found.confidence <= 0.7
    assert found.train.by_name()["recall"] == (1.0 if confident else 0.0)
