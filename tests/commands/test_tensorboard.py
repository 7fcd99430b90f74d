"""Event files: the bytes that TensorBoard expects, and the histories that go into them."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from fairtrial.__main__ import main
from fairtrial.commands import _events
from fairtrial.planning.plan import Plan
from fairtrial.training import progress

ROOT = Path(__file__).parents[2]
HISTORY = "epoch,train/box_loss,val/AP\n1,2.5,\n2,1.5,0.25\n"


def scalars(file: Path) -> dict[str, list[tuple[int, float]]]:
    """Read a file back by the layout of TFRecord, in other code than wrote it."""
    found: dict[str, list[tuple[int, float]]] = {}
    data = file.read_bytes()
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        event, data = dict(fields(data[12 : 12 + length])), data[16 + length :]
        for _, value in fields(event.get(5, b"")):
            parts = dict(fields(value))
            (number,) = struct.unpack("<f", parts[2])
            found.setdefault(parts[1].decode(), []).append((event[2], number))
    return found


def fields(data: bytes) -> list[tuple[int, Any]]:
    found, at = [], 0

    def varint() -> int:
        nonlocal at
        number = shift = 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    while at < len(data):
        key = varint()
        size = {0: 0, 1: 8, 5: 4}.get(key & 7)
        content: Any = varint() if key & 7 in (0, 2) else None
        if size != 0:
            size = content if size is None else size
            content = data[at : at + size]
            at += size
        found.append((key >> 3, content))
    return found


def test_the_checksum_is_that_of_the_standard() -> None:
    """RFC 3720, appendix B.4."""
    assert _events.crc32c(b"123456789") == 0xE3069283
    assert _events.crc32c(bytes(32)) == 0x8A9136AA
    assert _events.crc32c(b"\xff" * 32) == 0x62A8AB43


def test_a_file_is_byte_for_byte_what_the_format_says(tmp_path: Path) -> None:
    _events.write(tmp_path, [])
    content = b"\x09" + bytes(8) + b"\x1a\x0dbrain.Event:2"
    length = len(content).to_bytes(8, "little")
    found = (tmp_path / _events.NAME).read_bytes()
    assert (found[:8], found[12:-4]) == (length, content)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A project whose experiment has two runs; what the job of the second is told."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    text = "title: t\nruns: {one: {imgsz: 96}, two: {imgsz: 128}}\nseeds: [0]\n"
    Path("config/experiments/trial.yaml").write_text(text)
    told: dict[str, Any] = json.loads(Plan.read("trial").settings("train", "two-s0"))
    return told


def test_finished_and_running_histories_are_written(
    settings: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tensorboard", "--experiment", "trial"]) == 1
    assert "no run of trial has a history yet" in capsys.readouterr().err
    Path("results/trial/history").mkdir(parents=True)
    Path("results/trial/history/one-s0.csv").write_text(HISTORY)
    Path("store/runs/key.part").mkdir(parents=True)
    Path("store/runs/key.part/history.csv").write_text(HISTORY.replace("2,1.5,0.25\n", ""))
    with progress.reported(Path("results/trial/runs/two-s0/weights.pt"), settings, "key"):
        assert main(["tensorboard", "--experiment", "trial"]) == 0
    assert "store/tensorboard/trial: 2 of 2 runs" in capsys.readouterr().out
    folder = Path("store/tensorboard/trial")
    assert scalars(folder / "one-s0" / _events.NAME) == {
        "train/box_loss": [(1, 2.5), (2, 1.5)],
        "val/AP": [(2, 0.25)],
    }
    assert scalars(folder / "two-s0" / _events.NAME) == {"train/box_loss": [(1, 2.5)]}
