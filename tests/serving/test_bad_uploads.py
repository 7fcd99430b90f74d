"""What strangers send: refused with a 4xx in time, and the next request is answered as ever."""

from __future__ import annotations

import io
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fairtrial.serving import connections
from fairtrial.use.model import OpenModel, Prediction
from tests.serving.running import Running, running, tiny_detector
from tests.use.films import film

LIMITS: dict[str, Any] = {
    "megabytes": 1,
    "megapixels": 1,
    "frames": 5,
    "seconds": 1,
    "requests": 4,
}
MULTIPART = "multipart/form-data; boundary=b"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tiny_detector(tmp_path_factory.mktemp("model")), **LIMITS) as started:
        yield started


@pytest.fixture(autouse=True)
def next_request(server: Running) -> Iterator[None]:
    """Whatever a test has sent, what comes next is answered."""
    yield
    answer = server.post(picture())
    assert answer.status_code == 200
    assert [each["name"] for each in answer.json()["images"][0]["objects"]] == ["dog"]


def picture(size: tuple[int, int] = (64, 48), kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 200, 200)).save(file, kind)
    return file.getvalue()


def bomb() -> bytes:
    """A PNG of a few hundred bytes whose head says 60,000 × 60,000 pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.mark.parametrize(
    ("content", "kind", "status", "fact"),
    [
        pytest.param(b"no picture", "image/png", 400, "neither an image nor a video", id="text"),
        pytest.param(picture()[:90], "image/png", 400, "cannot be read", id="half a picture"),
        pytest.param(b"", "image/png", 400, "empty", id="nothing"),
        pytest.param(b"{}", "application/json", 415, "multipart/form-data", id="another type"),
        pytest.param(bomb(), "image/png", 413, "million pixels", id="a bomb"),
        pytest.param(picture((1200, 1000)), "image/png", 413, "million pixels", id="many pixels"),
        pytest.param(bytes(1_000_001), "image/png", 413, "1 MB", id="too large"),
        pytest.param(b"--b--\r\n", MULTIPART, 400, "without a file", id="a form without a file"),
        pytest.param(b"--b\r\nx", MULTIPART, 400, "", id="a broken form"),
        pytest.param(b"x", "multipart/form-data", 400, "boundary", id="a form without boundary"),
    ],
)
def test_a_bad_upload_is_refused(
    server: Running, content: bytes, kind: str, status: int, fact: str
) -> None:
    answer = server.post(content, kind)
    assert answer.status_code == status
    assert fact in answer.json()["detail"]


def test_a_video_of_too_many_frames_is_refused(server: Running, tmp_path: Path) -> None:
    content = film(tmp_path / "in.mp4", tuple(range(9))).read_bytes()
    answer = server.post(content, "video/mp4")
    assert (answer.status_code, answer.json()["detail"]) == (413, "upload: more than 5 frames")


def test_a_video_with_large_frames_is_refused(server: Running, tmp_path: Path) -> None:
    content = film(tmp_path / "in.mp4", (0,), size=(1200, 1000)).read_bytes()
    answer = server.post(content, "video/mp4")
    assert answer.status_code == 400
    assert "1200×1000" in answer.json()["detail"]


# --------------------------------------------------------------------------- raw connections


def said(server: Running, *parts: bytes, wait: float = 0) -> bytes:
    """What the server answers to bytes, sent one after the other, until it closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(wait)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
            if b"\r\n\r\n" in answer and b"}" in answer:
                break
    return answer


def head(length: str, host: str = "127.0.0.1") -> bytes:
    lines = ["POST /detect HTTP/1.1", f"Host: {host}", "Content-Type: image/png", length]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_gigabyte_is_refused_before_it_comes(server: Running) -> None:
    answer = said(server, head("Content-Length: 1000000000"), picture())
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_gigabyte_in_pieces_is_refused_when_it_is_too_much(server: Running) -> None:
    """Chunked, so that nobody knows beforehand."""
    chunk = b"40000\r\n" + bytes(0x40000) + b"\r\n"
    answer = said(server, head("Transfer-Encoding: chunked"), *[chunk] * 5)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_half_a_request_that_waits_is_ended(server: Running) -> None:
    answer = said(server, head("Content-Length: 500"), picture()[:100])
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_half_a_request_that_ends_is_forgotten(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head("Content-Length: 500") + picture()[:100])


def test_a_request_without_a_whole_head_is_ended(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SECONDS", 0.2)
    assert said(server, b"POST /detect HTT") == b""


def test_what_is_no_http_gets_400(server: Running) -> None:
    assert said(server, b"\x16\x03\x01 hello\r\n\r\n}").startswith(b"HTTP/1.1 400 ")


# --------------------------------------------------------------------------- reaching out


def test_a_playlist_makes_the_server_ask_nobody(server: Running) -> None:
    """FFmpeg would fetch what a playlist names: addresses within the network, or files."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{http.server_port}/secret.ts"
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n"
        list_of_files = "ffconcat version 1.0\nfile '/etc/passwd'\n"
        for content in (playlist, list_of_files):
            answer = server.post(content.encode(), "video/mp4")
            assert answer.status_code == 400
        http.shutdown()
    assert asked == []


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}],
    ids=["a name that leads here", "a page from elsewhere"],
)
def test_pages_of_others_may_not_ask(server: Running, headers: dict[str, str]) -> None:
    assert server.client.get("/model", headers=headers).status_code == 403
    assert server.client.post("/detect", content=picture(), headers=headers).status_code == 403


def test_a_token_is_asked_for_where_there_is_one(tmp_path: Path) -> None:
    with running(tiny_detector(tmp_path), token="secret") as closed:
        for path in ("/", "/health", "/docs"):
            assert closed.client.get(path).status_code == 200
        kind = {"Content-Type": "image/png"}

        def asked(authorization: str) -> list[int]:
            headers = kind | {"Authorization": authorization, "Host": "elsewhere.example"}
            detected = closed.client.post("/detect", content=picture(), headers=headers)
            return [detected.status_code, closed.client.get("/model", headers=headers).status_code]

        assert closed.post(picture()).status_code == 401
        assert asked("Bearer wrong") == asked("secret") == asked("Basic secret") == [401, 401]
        assert asked("Bearer secret") == [200, 200]


# --------------------------------------------------------------------------- load


def slow(seconds: float, seen: list[int]) -> OpenModel:
    """A model that takes its time; `seen`: how many images it got together."""

    def run(images: Sequence[Any], _: float) -> list[Prediction]:
        seen.append(len(images))
        time.sleep(seconds)
        return [Prediction()] * len(images)

    return OpenModel("detect", ("dog",), 0.5, run)


def test_what_comes_while_the_model_works_goes_through_it_together() -> None:
    seen: list[int] = []
    with running(slow(0.2, seen), batch=4) as busy:
        many = [threading.Thread(target=busy.post, args=(picture(),)) for _ in range(9)]
        for each in many:
            each.start()
        for each in many:
            each.join()
    assert sum(seen) == 9
    assert max(seen) == 4


def test_too_many_at_once_are_told_to_come_again() -> None:
    statuses: list[int] = []
    with running(slow(0.3, []), requests=2, batch=1) as busy:
        many = [
            threading.Thread(target=lambda: statuses.append(busy.post(picture()).status_code))
            for _ in range(6)
        ]
        for each in many:
            each.start()
        assert busy.client.get("/health").status_code == 200
        for each in many:
            each.join()
        refused = [status for status in statuses if status != 200]
        assert 200 in statuses and set(refused) == {503}
        assert busy.post(picture()).status_code == 200


def test_work_that_takes_too_long_is_ended() -> None:
    with running(slow(1.5, []), seconds=0.3) as busy:
        answer = busy.post(picture())
        assert answer.status_code == 503
        assert "0.3 seconds" in answer.json()["detail"]


def test_an_image_that_the_model_fails_on_does_not_hurt_those_beside_it() -> None:
    def run(images: Sequence[Any], _: float) -> list[Prediction]:
        time.sleep(0.1)
        if any(int(np.max(image)) == 13 for image in images):
            raise RuntimeError("a broken kernel")
        return [Prediction()] * len(images)

    dark = io.BytesIO()
    Image.new("RGB", (8, 8), (13, 13, 13)).save(dark, "PNG")
    statuses: dict[int, int] = {}
    with running(OpenModel("detect", ("dog",), 0.5, run)) as fragile:

        def ask(number: int) -> None:
            content = dark.getvalue() if number == 3 else picture()
            statuses[number] = fragile.post(content).status_code

        many = [threading.Thread(target=ask, args=(number,)) for number in range(7)]
        for each in many:
            each.start()
        for each in many:
            each.join()
    assert statuses == {number: 500 if number == 3 else 200 for number in range(7)}
