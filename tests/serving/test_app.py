"""The server's addresses: what is said of images and videos, and of whom."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from fairtrial.__main__ import main
from tests.serving.running import Running, running, tiny_detector
from tests.use.films import film, seen

DOG = {"name": "dog", "confidence": 0.9, "box": [20.0, 24.0, 30.0, 16.0]}
CAT = {"name": "cat", "confidence": 0.2, "box": [2.0, 2.0, 7.0, 7.0]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tiny_detector(tmp_path_factory.mktemp("model"))) as started:
        yield started


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 200, 200)).save(file, kind)
    return file.getvalue()


def test_an_image_gets_the_same_answer_as_from_detect(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_detector(tmp_path)
    Path("upload").write_bytes(picture())
    Path("upload").rename("upload.png")
    assert main(["detect", "tiny.onnx", "upload.png", "--json", "out.json"]) == 0
    expected = json.loads(Path("out.json").read_text())
    answer = server.client.post("/detect", files={"file": ("upload.png", picture())})
    assert answer.status_code == 200
    assert answer.json() == {**expected, "left_out": []}
    assert answer.json()["images"][0]["objects"] == [DOG]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "TIFF"])
def test_every_kind_of_image_is_read_as_a_body(server: Running, kind: str) -> None:
    answer = server.post(picture(kind), f"image/{kind.lower()}")
    assert [each["objects"] for each in answer.json()["images"]] == [[DOG]]


def test_a_request_may_have_a_confidence_of_its_own(server: Running) -> None:
    found = server.post(picture(), confidence=0.1).json()["images"][0]["objects"]
    assert found == [DOG, CAT]
    assert server.post(picture(), confidence=0.95).json()["images"][0]["objects"] == []
    assert server.post(picture(), confidence=7).status_code == 422


def test_an_image_is_drawn(server: Running) -> None:
    answer = server.post(picture(), output="drawn")
    assert answer.headers["content-type"] == "image/png"
    pixels = np.asarray(Image.open(io.BytesIO(answer.content)))
    rows, columns = np.argwhere((pixels != 200).any(axis=2)).T
    assert rows.max() == 40, "the lower edge of the box"
    assert columns[rows == 40].tolist() == list(range(20, 51))


def test_a_video_is_told_frame_by_frame_and_drawn(server: Running, tmp_path: Path) -> None:
    content = film(tmp_path / "in.mp4", (0, 1, 3)).read_bytes()
    rows = server.post(content, "video/mp4").json()["images"]
    assert [(row["frame"], row["seconds"]) for row in rows] == [(0, 0.0), (1, 0.2), (2, 0.6)]
    assert [row["objects"] for row in rows] == [[DOG]] * 3
    drawn = server.post(content, "video/mp4", output="drawn")
    assert drawn.headers["content-type"] == "video/mp4"
    (tmp_path / "out.mp4").write_bytes(drawn.content)
    assert [time for time, _ in seen(tmp_path / "out.mp4")] == [0.0, 0.2, 0.6]
    with av.open(str(tmp_path / "out.mp4")) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert first[24:41, 20:51].max() > 90, "the box"


def test_the_model_is_told(server: Running) -> None:
    told = server.client.get("/model").json()
    assert (told["classes"], told["confidence"]) == (["cat", "dog"], 0.35)
    assert told["about"]["origin"]["backend"] == "ultralytics"
    assert told["limits"]["megabytes"] == 64
    assert server.client.get("/health").json() == {"status": "ok"}


def test_pages_load_nothing_from_elsewhere(server: Running) -> None:
    described = server.client.get("/openapi.json").json()
    assert {"/detect", "/health", "/model"} <= set(described["paths"])
    for path in ("/", "/docs"):
        page = server.client.get(path)
        assert page.status_code == 200
        assert re.findall(r"""(?:src|href)=['"](?:https?:|//)[^'"]*""", page.text) == []
        assert "default-src 'self'" in page.headers["content-security-policy"]
    text: Any = server.client.get("/docs").text
    assert all(path in text for path in described["paths"])
