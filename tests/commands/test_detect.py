"""Detections on images and videos, with a backend that returns one box for every image."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from tests.records import a_record, classification_metrics, detection_metrics

from facts import missing_facts
from fairtrial.__main__ import main
from fairtrial.data.dataset import Detection
from fairtrial.settings.stages import PredictDetectSettings

ROOT = Path(__file__).parents[2]
RUN = Path("results/compare/runs/one-s0")
CALL = ["detect", "--run", "compare/one-s0"]


@pytest.fixture(autouse=True)
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A finished run; the arguments of its backend's `detector`, once that is called."""
    called: dict[str, Any] = {}

    @contextmanager
    def detector(
        weights: Path, categories: dict[int, str], settings: PredictDetectSettings, threads: int
    ) -> Iterator[Callable[[Path], tuple[list[Detection], dict[str, float]]]]:
        called.update(settings=settings, weights=weights, categories=categories)

        def detect(path: Path) -> tuple[list[Detection], dict[str, float]]:
            with Image.open(path) as image:  # ignores EXIF, as some backends do
                assert image.size == (64, 48)
            return [Detection(2, (20.0, 24.0, 30.0, 16.0), 0.9)], {}

        yield detect

    backend = SimpleNamespace(detector=detector)
    monkeypatch.setattr("fairtrial.commands.detect.plugin", lambda kind, name: backend)
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    RUN.mkdir(parents=True)
    (RUN / "weights.pt").write_text("")
    record = a_record(backend="one", settings={"imgsz": 32})
    (RUN / "record.json").write_text(json.dumps(record))
    (RUN / "metrics.json").write_text(json.dumps(detection_metrics(confidence=0.35)))
    (RUN / "per_class.csv").write_text("split,class,AP\nval,cat,0.5\nval,dog,\ntest,cat,0.5\n")
    return called


def grey(value: int = 200) -> Any:
    return np.full((48, 64, 3), value, np.uint8)


def test_an_image_gets_its_boxes(
    arguments: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite("in.png", grey())
    assert main([*CALL, "--input", "in.png", "--to", "out.png"]) == 0
    assert capsys.readouterr().out == "out.png: 1 image, confidence 0.35 or more: 1 dog\n"
    assert arguments["categories"] == {1: "cat", 2: "dog"}
    assert arguments["weights"] == RUN / "weights.pt"
    assert (arguments["settings"].conf, arguments["settings"].imgsz) == (0.35, 32)
    drawn = cv2.imread("out.png")
    changed = np.argwhere((drawn != 200).any(axis=2))
    assert changed[:, 0].max() == 40, "the lower edge of the box"
    assert [changed[:, 1].min()] == [20], "its left edge"
    assert (drawn[45:] == 200).all()


def test_a_folder_is_written_as_a_folder(arguments: dict[str, Any]) -> None:
    Path("in/deep").mkdir(parents=True)
    for name in ("in/a.jpg", "in/deep/b.png"):
        cv2.imwrite(name, grey())
    Path("in/notes.txt").write_text("no image")
    assert main([*CALL, "--input", "in", "--to", "out", "--confidence", "0.5"]) == 0
    assert sorted(str(p) for p in Path("out").rglob("*.*")) == ["out/a.jpg", "out/deep/b.png"]
    assert arguments["settings"].conf == 0.5


def film(name: str, frames: int) -> None:
    writer = cv2.VideoWriter(name, cv2.VideoWriter.fourcc(*"mp4v"), 5.0, (64, 48))
    for number in range(frames):
        writer.write(grey(40 * number))
    writer.release()


def test_a_video_keeps_its_frames_size_and_speed() -> None:
    film("in.mp4", 4)
    assert main([*CALL, "--input", "in.mp4", "--to", "out/new.mp4"]) == 0
    reader = cv2.VideoCapture("out/new.mp4")
    properties = (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_WIDTH)
    assert [reader.get(name) for name in properties] == [4.0, 5.0, 64.0]
    assert [path.name for path in Path("out").iterdir()] == ["new.mp4"]
    _, first = reader.read()
    assert first[:10].max() < 60, "above box and label nothing is drawn"
    assert first[24:40, 20:50].max() > 90, "a box and a label are"


@pytest.mark.parametrize(
    ("call", "facts"),
    [
        (["--run", "one-s0", "--input", "in.png"], ("one-s0", "--run <experiment>/<run>")),
        (
            ["--run", "compare/two-s0", "--input", "in.png"],
            ("results/compare/runs/two-s0/weights.pt",),
        ),
        (["--run", "compare/one-s0", "--input", "nothing.png"], ("nothing.png: ",)),
        (["--run", "compare/one-s0", "--input", "empty"], ("empty: ", "image")),
        (["--run", "compare/one-s0", "--input", "broken.png"], ("broken.png: ", "read")),
        (["--run", "compare/one-s0", "--input", "params.yaml"], ("out: ", ".mp4")),
        (["--run", "compare/one-s0", "--input", "in.png"], ("out: ", "image")),
    ],
    ids=[
        *("no experiment", "no run", "no file", "empty folder", "broken image"),
        *("video to no .mp4", "image to no image"),
    ],
)
def test_what_cannot_be_done_is_refused(
    call: list[str], facts: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite("in.png", grey())
    Path("broken.png").write_text("no picture")
    Path("empty").mkdir()
    assert main(["detect", *call, "--to", "out"]) == 1
    assert missing_facts(capsys.readouterr().err, *facts) == []
    assert not Path("out").exists()


def test_a_file_that_is_no_video_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*CALL, "--input", "params.yaml", "--to", "out.mp4"]) == 1
    assert missing_facts(capsys.readouterr().err, "params.yaml", "image", "video") == []
    assert not list(Path().glob("*.mp4"))


def test_a_run_that_finds_no_boxes_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    (RUN / "metrics.json").write_text(json.dumps(classification_metrics()))
    cv2.imwrite("in.png", grey())
    assert main([*CALL, "--input", "in.png", "--to", "out.png"]) == 1
    assert missing_facts(capsys.readouterr().err, f"{RUN}: ", "boxes") == []


def test_a_picture_that_lies_on_its_side_is_shown_upright_to_detector_and_viewer() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(grey().transpose(1, 0, 2)).save("in.jpg", exif=turned)
    assert main([*CALL, "--input", "in.jpg", "--to", "out.png"]) == 0
    drawn = cv2.imread("out.png")
    assert drawn.shape == (48, 64, 3)
    assert (drawn[40, 20:50] != 200).any(axis=1).all(), "the lower edge of the box"


@pytest.mark.parametrize(
    ("read", "written"),
    [("in", "in"), ("in", "in/new"), ("in/deep", "in"), ("in/a.jpg", "in/a.jpg"), ("in", "link")],
)
def test_what_is_read_is_not_written_over(
    read: str, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in/deep").mkdir(parents=True)
    for name in ("in/a.jpg", "in/deep/b.png"):
        cv2.imwrite(name, grey())
    Path("link").symlink_to("in")
    before = {path: path.read_bytes() for path in Path("in").rglob("*.*")}
    assert main([*CALL, "--input", read, "--to", written]) == 1
    message = capsys.readouterr().err
    assert missing_facts(message, f"--to: {written} ", f"{read} (--input)") == []
    assert {path: path.read_bytes() for path in Path("in").rglob("*.*")} == before
