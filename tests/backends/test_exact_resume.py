"""A training with Ultralytics that is killed and goes on equals one that was not, bit by bit."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
Attempt = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def attempt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attempt]:
    """One attempt at a training, in a process of its own; see train_tiny.py."""
    data = tmp_path_factory.mktemp("data") / "tiny"
    reading, writing = os.pipe()  # on standard output Ultralytics says what it likes
    server = subprocess.Popen(
        [sys.executable, HERE / "train_tiny.py", data, str(writing)],
        env=os.environ | {"PYTHONPATH": str(HERE.parents[1] / "workflow")},
        stdin=subprocess.PIPE,
        pass_fds=(writing,),
        text=True,
    )
    os.close(writing)
    assert server.stdin
    requests, answers = server.stdin, os.fdopen(reading)

    def run(
        folder: Path,
        kill: tuple[int, str] | None = None,
        recall: Any = None,
        lost: float = 0,
        processes: int = 0,
        **settings: Any,
    ) -> dict[str, Any]:
        request = {"folder": str(folder), "settings": settings, "kill": kill, "recall": recall}
        request |= {"lost": lost, "processes": processes}
        requests.write(json.dumps(request) + "\n")
        requests.flush()
        answer: dict[str, Any] = json.loads(answers.readline())
        return answer

    yield run
    requests.close()
    server.wait(60)
    answers.close()


def content(path: Path) -> Any:
    """What a file of torch holds, with every tensor as bytes."""
    import torch

    def plain(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return str(value.dtype), tuple(value.shape), value.contiguous().numpy().tobytes()
        if isinstance(value, dict):
            return {name: plain(part) for name, part in value.items()}
        return [plain(part) for part in value] if isinstance(value, list | tuple) else value

    loaded = torch.load(path, map_location="cpu", weights_only=path.name == "state.pt")
    return plain(loaded if path.name == "state.pt" else loaded["model"].state_dict())


def assert_equal(one: Path, other: Path) -> None:
    assert (one / "history.csv").read_bytes() == (other / "history.csv").read_bytes()
    for name in ("weights.pt", "state.pt"):
        assert content(one / name) == content(other / name), name


# Where it is killed, and in which epochs, one after another; settings by which another part of
# the state matters.
CASES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "batch": ((1, 2, 3), {"multi_scale": 0.5, "mixup": 0.5}),
    "torn": ((1, 3), {"nbs": 12, "warmup_epochs": 2.0}),  # gradients add up, over odd numbers
    "unnamed": ((2,), {"optimizer": "SGD", "cos_lr": True}),
    "history": ((2, 3), {"model": "yolo26n"}),  # two losses, whose weights shift
    "committed": ((1, 2, 3), {"fitness": {"recall": 1.0}, "recall": [0.2, 0.6, 0.4]}),
}


@pytest.mark.parametrize("place", CASES)
def test_killed_and_resumed_equals_never_killed(
    place: str, attempt: Attempt, tmp_path: Path
) -> None:
    epochs, settings = CASES[place]
    whole = attempt(tmp_path / "whole", **settings)
    assert whole["trained"] == [1, 2, 3]
    for epoch in epochs:
        assert attempt(tmp_path / "killed", (epoch, place), **settings)["status"] == 9
    kept = epochs[-1] if place in {"history", "committed"} else epochs[-1] - 1
    last = attempt(tmp_path / "killed", **settings)
    assert last["trained"] == [1, 2, 3][kept:]
    assert last | {"trained": 0} == whole | {"trained": 0}
    if place == "committed":
        assert whole["best_epoch"] == 2
    for litter in (tmp_path / "killed").glob(".*.part"):
        litter.unlink()  # as the next attempt does, whatever the backend
    assert_equal(tmp_path / "whole", tmp_path / "killed")


def test_killed_after_the_last_epoch_trains_none_again(attempt: Attempt, tmp_path: Path) -> None:
    """Also: early stopping is not forgotten."""
    settings = {"epochs": 5, "patience": 1, "fitness": {"recall": 1.0}}
    settings |= {"recall": [0.2, 0.6, 0.4, 0.9, 0.9]}
    whole = attempt(tmp_path / "whole", **settings)
    assert whole["trained"] == [1, 2, 3]
    assert attempt(tmp_path / "killed", (3, "weights"), **settings)["status"] == 9
    assert attempt(tmp_path / "killed", **settings)["trained"] == []
    assert_equal(tmp_path / "whole", tmp_path / "killed")


def test_what_after_epoch_raises_is_passed_on_and_the_epoch_counts(
    attempt: Attempt, tmp_path: Path
) -> None:
    """So a search may prune a trial, and the same settings go on from there as a run."""
    pruned = attempt(tmp_path / "run", (1, "called"))
    assert pruned["status"] != 0
    assert "InterruptedError: pruned" in (tmp_path / "run.log").read_text()
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "state.pt").write_bytes((tmp_path / "run/state.pt").read_bytes()[:10_000])
    assert attempt(tmp_path / "run")["trained"] == [2, 3]
    assert attempt(damaged)["trained"] == [1, 2, 3]
    assert "damaged/state.pt: cannot be read" in (tmp_path / "damaged.log").read_text()
    assert_equal(tmp_path / "run", damaged)


def test_with_states_in_the_background_only_what_is_not_on_disk_is_trained_again(
    attempt: Attempt, tmp_path: Path
) -> None:
    """The first epoch's state is always written; the second's is not due for minutes."""
    settings = {"multi_scale": 0.5, "mixup": 0.5}
    whole = attempt(tmp_path / "whole", lost=300, **settings)
    assert attempt(tmp_path / "killed", (3, "batch"), lost=300, **settings)["status"] == 9
    assert len((tmp_path / "killed/history.csv").read_text().splitlines()) == 2
    last = attempt(tmp_path / "killed", lost=300, **settings)
    assert last["trained"] == [2, 3]
    assert last | {"trained": 0} == whole | {"trained": 0}
    assert_equal(tmp_path / "whole", tmp_path / "killed")


def test_any_number_of_loading_processes_gives_the_same_also_when_killed(
    attempt: Attempt, tmp_path: Path
) -> None:
    """What a process has loaded, and so holds, differs in all of these."""
    settings = {"mosaic": 0.8, "mixup": 0.5, "cutmix": 0.5, "multi_scale": 0.5}
    assert attempt(tmp_path / "none", **settings)["started"] == 0
    two = attempt(tmp_path / "two", processes=2, **settings)
    assert (two["trained"], two["started"]) == ([1, 2, 3], 2), "they live through all epochs"
    assert attempt(tmp_path / "killed", (2, "batch"), processes=2, **settings)["status"] == 9
    one = attempt(tmp_path / "killed", processes=1, **settings)
    assert (one["trained"], one["started"]) == ([2, 3], 1)
    for other in ("two", "killed"):
        assert_equal(tmp_path / "none", tmp_path / other)


def test_a_continued_training_trains_only_the_further_epochs(
    attempt: Attempt, tmp_path: Path
) -> None:
    """As 20 epochs continued to 40: the end state of the first is put into the second's folder."""
    attempt(tmp_path / "short", epochs=2)
    for name in ("long", "killed"):
        (tmp_path / name).mkdir()
        for file in ("state.pt", "history.csv"):
            shutil.copy(tmp_path / "short" / file, tmp_path / name / file)
    assert attempt(tmp_path / "killed", (4, "batch"), epochs=4)["status"] == 9
    assert attempt(tmp_path / "killed", epochs=4)["trained"] == [4]
    long = attempt(tmp_path / "long", epochs=4)
    assert (long["trained"], long["epochs_run"]) == ([3, 4], 4)
    assert_equal(tmp_path / "long", tmp_path / "killed")
    histories = [(tmp_path / n / "history.csv").read_text().splitlines() for n in ("short", "long")]
    assert histories[1][:3] == histories[0]
    rates = [float(row.split(",")[7]) for row in histories[1][1:]]
    assert rates[2:] == [0.00505, 0.002575], "the schedule is that of four epochs"


CHANGED = {
    # what Ultralytics does by itself → facts of the error
    "memory": r"out of memory with a `batch` of 4; .* with 2",
    "lr0": r"lr0 +0\.01 +0\.005 +its trainer\n.*lr0 +0\.01 +0\.005 +its optimizer",
    "nan": r"epoch 1: the loss is NaN .* lr0 0\.01",
}


@pytest.mark.parametrize("fault", CHANGED)
def test_other_settings_than_requested_fail_at_once(
    fault: str, attempt: Attempt, tmp_path: Path
) -> None:
    assert attempt(tmp_path / "run", (1, fault))["status"] != 0
    assert re.search(f"BackendError: .*{CHANGED[fault]}", (tmp_path / "run.log").read_text(), re.S)
    assert not (tmp_path / "run/state.pt").exists()
