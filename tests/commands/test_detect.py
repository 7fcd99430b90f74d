"""detect: what a model says of images and videos, drawn and in tables."""

from __future__ import annotations

import csv
import functools
import json
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from tests.commands.measured import ROOT, make_run
from tests.use.films import film, seen
from tests.use.tiny_model import classifier_metadata, metadata, write_onnx

from facts import missing_facts
from fairtrial.__main__ import main
from fairtrial.data.dataset import Detection
from fairtrial.use.metadata import Preparation

BOXES = [[20, 24, 50, 40, 0.9, 1], [2, 2, 9, 9, 0.2, 0]]  # a dog, and perhaps a cat
CALL = ["detect", "model.onnx"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an exported detector; the image in.png, and a folder of two."""
    monkeypatch.chdir(tmp_path)
    free = Preparation(placement="stretch", size=64, multiple=None, resampling="opencv")
    as_it_is = free.model_copy(update={"placement": "corner", "multiple": 32})
    write_onnx(Path("model.onnx"), BOXES, metadata(preparation=as_it_is))
    Path("in/deep").mkdir(parents=True)
    for name in ("in.png", "in/a.jpg", "in/deep/b.png"):
        Image.fromarray(grey()).save(name)
    return tmp_path


def grey() -> Any:
    return np.full((48, 64, 3), 200, np.uint8)


def changed(name: str) -> Any:
    """Rows and columns that differ from grey."""
    return np.argwhere((np.asarray(Image.open(name)) != 200).any(axis=2))


# --------------------------------------------------------------------------- pictures


def test_an_image_gets_its_boxes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*CALL, "in.png", "--to", "out.png"]) == 0
    assert capsys.readouterr().out == "out.png: 1 image, confidence 0.35 or more: 1 dog\n"
    rows, columns = changed("out.png").T
    assert rows.max() == 40, "the lower edge of the box"
    assert columns[rows == 40].tolist() == list(range(20, 51))
    assert rows.min() < 24, "the label stands above it"


def test_a_label_that_is_wider_than_the_picture_stays_in_it() -> None:
    about = metadata(classes=("cat", "a name that is much longer than the picture is wide"))
    write_onnx(Path("model.onnx"), [[60, 30, 64, 40, 0.9, 1]], about)
    Image.fromarray(grey()).save("in.png")
    assert main([*CALL, "in.png", "--to", "out.png"]) == 0
    assert Image.open("out.png").size == (64, 48)
    assert len(changed("out.png")) > 100


def test_folders_archives_and_patterns_are_written_as_folders() -> None:
    with zipfile.ZipFile("a.zip", "w") as archive, tarfile.open("b.tar.gz", "w:gz") as tar:
        archive.write("in.png", "z/c.png")
        archive.writestr("z/notes.txt", "no image")
        archive.writestr("../d.png", "outside")
        tar.add("in.png", "t/c.png")
    assert main([*CALL, "in", "a.zip", "b.tar.gz", "i*.png", "--to", "out"]) == 0
    assert sorted(str(p) for p in Path("out").rglob("*.*")) == [
        *("out/a.jpg", "out/deep/b.png", "out/in.png", "out/t/c.png", "out/z/c.png")
    ]


def test_a_picture_that_lies_on_its_side_is_shown_upright() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(grey().transpose(1, 0, 2)).save("side.jpg", exif=turned)
    assert main([*CALL, "side.jpg", "--to", "out.png", "--json", "out.json"]) == 0
    assert Image.open("out.png").size == (64, 48)
    assert json.loads(Path("out.json").read_text())["images"][0]["objects"][0]["box"] == [
        *(20.0, 24.0, 30.0, 16.0)
    ]


def test_broken_images_are_left_out_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in/broken.png").write_bytes(Path("in.png").read_bytes()[:60])
    Path("in/no.jpg").write_text("no image")
    assert main([*CALL, "in", "--to", "out"]) == 0
    printed = capsys.readouterr()
    assert missing_facts(printed.err, "in/broken.png", "in/no.jpg") == []
    assert "2 images" in printed.out
    assert sorted(path.name for path in Path("out").rglob("*.*")) == ["a.jpg", "b.png"]


# --------------------------------------------------------------------------- tables


def test_the_tables_hold_the_same_detections() -> None:
    film(Path("in/film.mp4"), (0, 1))
    tables = ["--json", "o.json", "--csv", "o.csv", "--coco", "o.coco.json", "--yolo", "yolo"]
    assert main([*CALL, "in", *tables, "--confidence", "0.1"]) == 0
    images = json.loads(Path("o.json").read_text())["images"]
    names = [(each["image"], each["frame"], each["seconds"]) for each in images]
    assert names == [
        ("a.jpg", None, None),
        ("deep/b.png", None, None),
        ("film.mp4", 0, 0.0),
        ("film.mp4", 1, 0.2),
    ]
    dog = {"name": "dog", "confidence": 0.9, "box": [20.0, 24.0, 30.0, 16.0]}
    assert [each["objects"][0] for each in images] == [dog] * 4
    assert [each["objects"][1]["name"] for each in images] == ["cat"] * 4
    with Path("o.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == ["dog", "cat"] * 4
    assert list(rows[4].values()) == [
        *("film.mp4", "0", "0.0", "dog", "0.9", "20.0", "24.0", "30.0", "16.0")
    ]
    results = json.loads(Path("o.coco.json").read_text())
    assert results[2] == {
        "image_id": 2,
        "category_id": 2,
        "bbox": [20.0, 24.0, 30.0, 16.0],
        "score": 0.9,
    }
    about = json.loads(Path("o.coco.images.json").read_text())
    assert about["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    assert about["images"][1] == {
        "id": 2,
        "file_name": "deep/b.png",
        "width": 64,
        "height": 48,
    }
    texts = sorted(str(path) for path in Path("yolo").rglob("*.txt"))
    assert texts == [
        *("yolo/a.txt", "yolo/classes.txt", "yolo/deep/b.txt"),
        *("yolo/film/000000.txt", "yolo/film/000001.txt"),
    ]
    first = Path("yolo/a.txt").read_text().splitlines()[0]
    assert [float(value) for value in first.split()] == pytest.approx(
        [1, 35 / 64, 32 / 48, 30 / 64, 16 / 48, 0.9], abs=1e-5
    )


def test_a_class_is_no_formula_of_a_spreadsheet() -> None:
    write_onnx(Path("model.onnx"), BOXES, metadata(classes=("cat", "=1+1")))
    assert main([*CALL, "in.png", "--csv", "o.csv"]) == 0
    assert "'=1+1" in Path("o.csv").read_text()


def test_a_classifier_names_the_class_of_each_image(capsys: pytest.CaptureFixture[str]) -> None:
    write_onnx(Path("model.onnx"), [0.25, 0.75], classifier_metadata())
    assert main([*CALL, "in", "--to", "out", "--json", "o.json", "--csv", "o.csv"]) == 0
    assert capsys.readouterr().out == "out, o.json, o.csv: 2 images: 2 dog\n"
    images = json.loads(Path("o.json").read_text())["images"]
    assert [each["probabilities"] for each in images] == [{"cat": 0.25, "dog": 0.75}] * 2
    assert len(changed("out/deep/b.png"))
    assert main([*CALL, "in", "--coco", "o.json"]) == 1
    assert "classifies whole images" in capsys.readouterr().err


# --------------------------------------------------------------------------- videos


def test_a_video_keeps_frames_times_and_size() -> None:
    times = (0, 1, 2, 5, 6, 12)  # of variable rate
    film(Path("in.mp4"), times)
    assert main([*CALL, "in.mp4", "--to", "out/new.mp4"]) == 0
    assert [path.name for path in Path("out").iterdir()] == ["new.mp4"]
    assert seen(Path("out/new.mp4")) == [(round(t / 5, 3), n) for n, t in enumerate(times)]
    with av.open("out/new.mp4") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (64, 48)
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert first[:8].max() < 40, "above box and label nothing is drawn"
    assert first[24:41, 20:51].max() > 90, "a box is"


def test_a_browser_can_play_it() -> None:
    """H.264 with 4:2:0, even sides, and the index before the pictures."""
    film(Path("in.mp4"), size=(63, 47))
    assert main([*CALL, "in.mp4", "--to", "out.mp4"]) == 0
    with av.open("out.mp4") as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.width, context.height) == (64, 48)
    content = Path("out.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize(
    ("name", "sound", "copied"),
    [("in.mp4", "aac", True), ("in.mkv", "pcm_s16le", False)],
    ids=["sound that browsers know", "another codec"],
)
def test_the_sound_is_kept(name: str, sound: str, copied: bool) -> None:
    film(Path(name), sound=sound)
    assert main([*CALL, name, "--to", "out.mp4"]) == 0
    packets = [packets_of(Path(each)) for each in (name, "out.mp4")]
    assert (packets[0] == packets[1]) == copied
    with av.open("out.mp4") as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert abs(samples - 8000) <= 2048


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_frames_that_are_broken_are_left_out_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    film(Path("in.mkv"), codec="mjpeg")
    with av.open("in.mkv") as container:
        fifth = [bytes(packet) for packet in container.demux(video=0)][4]
    content = Path("in.mkv").read_bytes()
    assert content.count(fifth) == 1
    Path("in.mkv").write_bytes(content.replace(fifth, bytes(len(fifth))))
    assert main([*CALL, "in.mkv", "--to", "out.mp4"]) == 0
    shades = [number for _, number in seen(Path("out.mp4"))]
    assert shades == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert missing_facts(capsys.readouterr().err, "in.mkv", "frame 4") == []


def test_a_film_that_ends_early_is_written_as_far_as_it_goes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    film(Path("whole.mkv"), tuple(range(60)), codec="mjpeg")
    content = Path("whole.mkv").read_bytes()
    Path("in.mkv").write_bytes(content[: len(content) * 2 // 3])
    assert main([*CALL, "in.mkv", "--to", "out.mp4"]) == 0
    assert 20 < len(seen(Path("out.mp4"))) < 60


def test_interrupted_the_video_so_far_can_be_played(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    film(Path("in.mp4"), sound="aac")
    from fairtrial.use.model import Model

    calls = 0
    predict = Model.predict

    def interrupted(self: Model, images: Sequence[Any], *rest: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise KeyboardInterrupt
        return predict(self, images, *rest)

    monkeypatch.setattr(Model, "predict", interrupted)
    assert main([*CALL, "in.mp4", "in.png", "--to", "out", "--json", "o.json"]) == 130
    assert [number for _, number in seen(Path("out/in.mp4"))] == [0, 1, 2, 3, 4]
    assert len(json.loads(Path("o.json").read_text())["images"]) == 5
    assert missing_facts(capsys.readouterr().err, "interrupted", "5 images") == []
    assert [path.name for path in Path("out").iterdir()] == ["in.mp4"]


def test_frames_are_predicted_together_and_stay_in_order() -> None:
    film(Path("in.mp4"), sound="aac")
    assert main([*CALL, "in.mp4", "--to", "out.mp4", "--batch", "4"]) == 0
    assert [number for _, number in seen(Path("out.mp4"))] == list(range(10))


@pytest.fixture
def server(project: Path) -> Iterator[str]:
    """An HTTP server of the folder `served`, on loopback."""
    Path("served").mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(project / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def test_a_stream_and_an_image_come_from_the_network(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    film(Path("served/live.ts"))
    shutil.copy("in.png", "served/in.png")
    addresses = [f"{server}/live.ts?camera=1", f"{server}/in.png", f"{server}/missing.jpg"]
    assert main([*CALL, *addresses, "--to", "out"]) == 0
    assert [number for _, number in seen(Path("out/live.mp4"))] == list(range(10))
    assert len(changed("out/in.png"))
    assert missing_facts(capsys.readouterr().err, f"{server}/missing.jpg", "404") == []


# --------------------------------------------------------------------------- models and errors


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A finished run; the arguments of its backend's `detector`, once that is called."""
    seen_arguments: dict[str, Any] = {}

    @contextmanager
    def detector(
        weights: Path, categories: dict[int, str], settings: Any, threads: int
    ) -> Iterator[Callable[[Path], Any]]:
        seen_arguments.update(settings=settings, weights=weights, categories=categories)

        def find(path: Path) -> tuple[list[Detection], dict[str, float]]:
            with Image.open(path) as image:
                assert image.size == (64, 48)
            return [Detection(2, (20.0, 24.0, 30.0, 16.0), 0.9)], {}

        yield find

    backend = SimpleNamespace(detector=detector)
    monkeypatch.setattr("fairtrial.commands._models.plugin", lambda kind, name: backend)
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    make_run()
    Path("results/one/runs/a-s0/per_class.csv").write_text(
        "split,class,AP\nval,cat,0.5\nval,dog,\ntest,cat,0.5\n"
    )
    return seen_arguments


def test_a_run_detects_with_the_confidence_that_was_chosen_on_val(
    called: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", "one/a-s0", "in.png", "--to", "out.png"]) == 0
    assert capsys.readouterr().out == "out.png: 1 image, confidence 0.35 or more: 1 dog\n"
    assert called["categories"] == {1: "cat", 2: "dog"}
    assert called["weights"] == Path("results/one/runs/a-s0/weights.pt")
    assert (called["settings"].conf, called["settings"].imgsz) == (0.35, 64)
    assert main(["detect", "one/a-s0", "in.png", "--to", "out.png", "--confidence", "0.5"]) == 0
    assert called["settings"].conf == 0.5


def test_an_exported_file_needs_neither_torch_nor_a_project() -> None:
    """A machine that only uses a model has no use for gigabytes of training."""
    film(Path("in/film.mp4"), (0, 1))
    code = (
        "import sys; from fairtrial.__main__ import main\n"
        "assert main(['detect', 'model.onnx', 'in', '--to', 'out', '--json', 'o.json']) == 0\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "heavy = {'torch', 'torchvision', 'ultralytics', 'snakemake', 'dvc', 'matplotlib',"
        " 'pandas', 'scipy', 'cv2'}\n"
        "print(sorted(names & heavy))\n"
    )
    env = {"PYTHONPATH": str(ROOT / "workflow")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["one/b-s0", "in.png", "--to", "o.png"], ["one/b-s0", "results/one/runs/b-s0/weights.pt"]),
        (["model.onnx", "--to", "o.png"], ["name the images"]),
        (["model.onnx", "in.png"], ["nothing to write", "--to"]),
        (["model.onnx", "in.png", "--to", "o.png", "--confidence", "7"], ["--confidence: 7"]),
        (["model.onnx", "in.png", "--to", "o.png", "--batch", "0"], ["--batch: 0"]),
        (["model.onnx", "in.png", "--to", "o.png", "--imgsz", "64"], ["--imgsz", "model.onnx"]),
        (["model.onnx", "nothing.png", "--to", "o.png"], ["nothing.png"]),
        (["model.onnx", "empty", "--to", "o"], ["empty", "no image"]),
        (["model.onnx", "broken.png", "--to", "o.png"], ["broken.png", "image"]),
        (["model.onnx", "note.txt", "--to", "o.mp4"], ["note.txt", "image", "video"]),
        (["model.onnx", "in", "--to", "y.mp4"], ["y.mp4", "2 inputs"]),
        (["model.onnx", "in.png", "--to", "y.mp4"], ["y.mp4", "in.png", "image"]),
        (["model.onnx", "in.png", "--to", "y.txt"], ["y.txt", ".mp4"]),
        (["model.onnx", "broken.zip", "--to", "o"], ["broken.zip", "archive"]),
    ],
    ids=lambda value: " ".join(value[1:]) if "model.onnx" in value else "",
)
def test_what_cannot_be_done_is_one_sentence(
    arguments: list[str], facts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    for name in ("broken.png", "note.txt", "broken.zip"):
        Path(name).write_text("no picture")
    before = sorted(Path().rglob("*"))
    assert main(["detect", *arguments]) == 1
    assert missing_facts(capsys.readouterr().err, *facts) == []
    assert sorted(Path().rglob("*")) == before, "something was written"


@pytest.mark.parametrize(
    ("read", "written"),
    [("in", "in"), ("in", "in/new"), ("in/deep", "in"), ("in/a.jpg", "in/a.jpg"), ("in", "link")],
)
def test_what_is_read_is_not_written_over(
    read: str, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("link").symlink_to("in")
    before = {path: path.read_bytes() for path in Path("in").rglob("*.*")}
    assert main([*CALL, read, "--to", written]) == 1
    assert missing_facts(capsys.readouterr().err, f"{written} and {read}") == []
    assert {path: path.read_bytes() for path in Path("in").rglob("*.*")} == before


@pytest.mark.parametrize(("old", "new"), [("annotate", "detect"), ("export", "export-data")])
def test_an_old_name_is_refused_with_the_new_one(
    old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([old, "--run", "one/a-s0"]) == 2
    assert capsys.readouterr().err == f"fairtrial: `{old}` is called `{new}` now\n"
