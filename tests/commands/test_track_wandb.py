"""Experiments in Weights & Biases, offline, read back from the files that it writes."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.commands.trackable import Trackable, trackable

from fairtrial.__main__ import main
from fairtrial.files.csvfile import read_rows

__all__ = ["trackable"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("wandb") is None, reason="the package wandb is missing"),
]

TRACK = ["track", "compare", "--to", "wandb", "--at", "trial"]
FOLDER = Path("store/trackers/wandb/trial/compare")


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))


BLOCK, WHOLE, LAST = 2**15, 1, 4  # bytes; kinds of a piece of a record


def records(file: Path) -> Iterator[Any]:
    """The records of a run that W&B has written: messages of its own in LevelDB's log format, for
    which its package has no reader in Python."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, place, content = file.read_bytes(), 7, b""  # after the file's own header
    while place + 7 <= len(data):
        if BLOCK - place % BLOCK < 7:  # no room for a header
            place += BLOCK - place % BLOCK
            continue
        length, kind = struct.unpack_from("<HB", data, place + 4)  # after a checksum
        content += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (WHOLE, LAST):
            yield Record.FromString(content)
            content = b""


def sent() -> dict[str, dict[str, Any]]:
    """By the name of a run: its history, its summary, its settings, and the files of artefacts."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(FOLDER.glob("wandb/offline-run-*/*.wandb")):
        every = list(records(file))
        (run,) = {r.run.display_name for r in every if r.WhichOneof("record_type") == "run"}
        parts = found.setdefault(
            run, {"history": [], "summary": {}, "config": {}, "files": [], "times": 0}
        )
        parts["times"] += 1
        for record in every:
            add(record, parts)
    return found


def add(record: Any, parts: dict[str, Any]) -> None:
    items = {
        "history": record.history.item,
        "summary": record.summary.update,
        "config": record.config.update,
    }
    kind = record.WhichOneof("record_type")
    if kind in items:
        values = {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items[kind]}
        parts[kind].append(values) if kind == "history" else parts[kind].update(values)
    if kind == "artifact" or record.request.HasField("log_artifact"):
        artifact = record.artifact if kind == "artifact" else record.request.log_artifact.artifact
        parts["files"] += [entry.path for entry in artifact.manifest.contents]


def test_a_training_is_followed_and_nothing_is_sent_twice(trackable: Trackable) -> None:
    with trackable.training():
        trackable.epochs(1)
        assert main(TRACK) == 0
    fake = trackable.finish()
    assert main(TRACK) == 0
    assert main(TRACK) == 0
    found = sent()
    assert {name: part["times"] for name, part in found.items()} == {
        "one-s0": 1,
        "two-s0": 2,
        "report of compare": 1,
    }
    for run in fake.runs:
        steps = [row["_step"] for row in found[run]["history"]]
        assert steps == [1, 2], run
    rows = {r["configuration"]: r for r in read_rows((fake.results / "comparison.csv").open())}
    summary = found["report of compare"]["summary"]
    assert summary["one/test/AP_low"] == float(rows["one"]["test/AP_low"])
    assert found["one-s0"]["config"]["optimizer"] == "AdamW"
    metrics = json.loads((fake.results / "runs/one-s0/metrics.json").read_text())
    assert found["one-s0"]["summary"]["test/AP"] == metrics["test"]["AP"]
    assert {"report.pdf", "report.html"} <= set(found["report of compare"]["files"])
