"""A training with Ultralytics that is killed and goes on equals one that was not, bit by bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
EPOCHS = (1, 2, 3)
Attempt = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def attempt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attempt]:
    """One attempt at a training, in a process of its own; see train_tiny.py."""
    data = tmp_path_factory.mktemp("data") / "tiny"
    server = subprocess.Popen(
        [sys.executable, HERE / "train_tiny.py", data],
        env=os.environ | {"PYTHONPATH": str(HERE.parents[1] / "workflow")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin and server.stdout
    asking, answers = server.stdin, server.stdout

    def run(
        folder: Path, kill: tuple[int, str] | None = None, recall: Any = None, **settings: Any
    ) -> dict[str, Any]:
        asked = {"folder": str(folder), "settings": settings, "kill": kill, "recall": recall}
        asking.write(json.dumps(asked) + "\n")
        asking.flush()
        found: dict[str, Any] = json.loads(answers.readline())
        return found

    yield run
    asking.close()
    server.wait(10)


def content(path: Path) -> Any:
    """What a file of torch holds, with every tensor as bytes."""
    import torch

    def plain(found: Any) -> Any:
        if isinstance(found, torch.Tensor):
            return str(found.dtype), tuple(found.shape), found.contiguous().numpy().tobytes()
        if isinstance(found, dict):
            return {name: plain(value) for name, value in found.items()}
        return [plain(value) for value in found] if isinstance(found, list | tuple) else found

    loaded = torch.load(path, map_location="cpu", weights_only=path.name == "state.pt")
    return plain(loaded if path.name == "state.pt" else loaded["model"].state_dict())


def assert_equal(one: Path, other: Path) -> None:
    assert (one / "history.csv").read_bytes() == (other / "history.csv").read_bytes()
    for name in ("weights.pt", "state.pt"):
        assert content(one / name) == content(other / name), name


# Where it is killed, at every epoch in turn → settings that make another part of the state matter.
CASES: dict[str, dict[str, Any]] = {
    "batch": {"multi_scale": 0.5, "mixup": 0.5},
    "torn": {"nbs": 12, "warmup_epochs": 2.0},  # gradients add up, over an odd number of batches
    "unnamed": {"optimizer": "SGD", "cos_lr": True},
    "history": {"model": "yolo26n"},  # two losses, whose weights shift
    "committed": {"fitness": {"recall": 1.0}, "recall": [0.2, 0.6, 0.4]},
}


@pytest.mark.parametrize("place", CASES)
def test_killed_in_every_epoch(place: str, attempt: Attempt, tmp_path: Path) -> None:
    whole = attempt(tmp_path / "whole", **CASES[place])
    assert whole["trained"] == [1, 2, 3]
    for epoch in EPOCHS:
        assert attempt(tmp_path / "killed", (epoch, place), **CASES[place])["status"] == 9
    last = attempt(tmp_path / "killed", **CASES[place])
    assert last["trained"] == ([] if place in {"history", "committed"} else [3])
    assert_equal(tmp_path / "whole", tmp_path / "killed")
    assert last | {"trained": 0} == whole | {"trained": 0}
