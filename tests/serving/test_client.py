"""detect --server: a model elsewhere says the same as the one that lies here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facts import missing_facts
from fairtrial.__main__ import main
from fairtrial.use.model import OpenModel
from fairtrial.use.runtimes import open_exported
from tests.serving.running import running, tiny_detector
from tests.use.films import film, seen
from tests.use.tiny_model import classifier_metadata, write_onnx

OUTPUTS = ["--json", "o.json", "--csv", "o.csv", "--coco", "o.coco.json", "--yolo", "yolo"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images and a video; written to `here` and `there`."""
    Path(tmp_path, "in/deep").mkdir(parents=True)
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    for name in ("in/a.png", "in/deep/b.jpg"):
        Image.fromarray(noise).save(tmp_path / name)
    film(tmp_path / "in/film.mp4", (0, 1, 3))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FAIRTRIAL_TOKEN", raising=False)
    return tmp_path


def written(place: str) -> dict[str, bytes]:
    files = (path for path in Path(place).rglob("*") if path.is_file())
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("confidence", [[], ["--confidence", "0.1"]], ids=["val's", "another"])
def test_files_are_the_same_byte_by_byte(
    folder: Path, confidence: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images, frames with their times, drawings and tables."""
    model = tiny_detector(folder)
    monkeypatch.chdir("here")
    call = ["../in", "--to", "seen", *OUTPUTS, *confidence, "--batch", "2"]
    assert main(["detect", "../tiny.onnx", *call]) == 0
    monkeypatch.chdir("../there")
    with running(model) as server:
        assert main(["detect", *call, "--server", server.address]) == 0
    monkeypatch.chdir("..")
    assert len(written("here")) == 13
    assert written("there") == written("here")


def test_classes_are_asked_for_likewise(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exported = open_exported(
        write_onnx(Path("a.onnx"), [0.25, 0.7500001], classifier_metadata()), 1
    )
    model = OpenModel(
        "classify", ("cat", "dog"), 0.25, lambda images, least: exported.predict(images, least)[0]
    )
    with running(model) as server:
        assert main(["detect", "in/a.png", "--json", "o.json", "--server", server.address]) == 0
        assert main(["detect", "in/a.png", "--yolo", "y", "--server", server.address]) == 1
    assert main(["detect", "a.onnx", "in/a.png", "--json", "here.json"]) == 0
    assert Path("o.json").read_bytes() == Path("here.json").read_bytes()
    assert missing_facts(capsys.readouterr().err, server.address, "--yolo") == []


def test_the_token_of_the_environment_is_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tiny_detector(folder), token="secret") as server:
        call = ["detect", "in/a.png", "--json", "o.json", "--server", server.address]
        assert main(call) == 1
        assert missing_facts(capsys.readouterr().err, server.address, "FAIRTRIAL_TOKEN") == []
        monkeypatch.setenv("FAIRTRIAL_TOKEN", "secret")
        assert main(call) == 0


def test_an_image_that_the_server_refuses_is_left_out_and_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (2000, 1000)).save("in/huge.png")
    with running(tiny_detector(folder), megapixels=1) as server:
        assert main(["detect", "in", "--to", "out", "--server", server.address]) == 0
    assert missing_facts(capsys.readouterr().err, "left out", "million pixels") == []
    assert sorted(path.name for path in Path("out").rglob("*.*")) == ["a.png", "b.jpg", "film.mp4"]
    assert len(seen(Path("out/film.mp4"))) == 3


def test_a_busy_server_is_asked_again(folder: Path) -> None:
    with running(tiny_detector(folder), requests=1) as server:
        call = ["in/film.mp4", "--json", "o.json", "--batch", "3", "--server", server.address]
        assert main(["detect", *call]) == 0


@contextmanager
def another(answer: Callable[[SimpleHTTPRequestHandler], None]) -> Iterator[str]:
    """A server that is no `fairtrial serve`."""

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def test_what_is_no_server_of_ours_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    call = ["detect", "in/a.png", "--json", "o.json", "--server"]
    with another(lambda handler: handler.send_error(404)) as address:
        assert main([*call, address]) == 1
        assert missing_facts(capsys.readouterr().err, address, "no `fairtrial serve`") == []
    assert main([*call, address]) == 1, "nobody is there any more"
    assert missing_facts(capsys.readouterr().err, address, "no answer") == []
    assert main([*call, "http://"]) == 1
    assert main([*call, address, "--imgsz", "64"]) == 1
    assert not Path("o.json").exists()
