"""fit-batch: how the largest batch is found, and what is printed of it; nothing is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.commands.measured import make_experiment

from facts import missing_facts
from fairtrial import BackendError
from fairtrial.__main__ import main
from fairtrial.commands import fit_batch as command
from fairtrial.commands._batch_search import largest, outcome
from fairtrial.training.batch_trial import BatchOutcome, BatchTrial


@pytest.mark.parametrize("start", [1, 7, 64, 5000])
@pytest.mark.parametrize("limit", [0, 1, 2, 13, 100, 1000])
def test_the_largest_batch_is_found_to_a_sixteenth(start: int, limit: int) -> None:
    tried: list[int] = []

    def fits(batch: int) -> bool:
        tried.append(batch)
        return batch <= limit

    found = largest(fits, start, most=1000)
    if limit == 0:
        assert found is None
    else:
        assert found is not None
        assert found <= limit < found + max(1, found // 16) + (found == 1000)
    assert len(tried) == len(set(tried)) <= 20, "each batch is tried once"
    assert max(tried) <= 1000


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a small data set of classes, and an experiment on it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FAIRTRIAL_FAKE_GPUS", raising=False)
    make_experiment("sizes", images=40, epochs=30)
    return tmp_path


def inventory() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def needing(most: int, seen: list[tuple[BatchTrial, int | None, str]]) -> Any:
    """A trial of which batches up to `most` fit, a megabyte an image, at 200 images a second."""

    def tried(trial: BatchTrial, limit: int | None, gpu: str) -> BatchOutcome:
        seen.append((trial, limit, gpu))
        fits = trial.batch <= most
        return BatchOutcome(
            fits=fits, peak=trial.batch * 10**6, memory_of="gpu", rate=200.0 if fits else None
        )

    return tried


def test_what_fits_is_told_with_the_line_to_write_and_nothing_is_written(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """14 images in train: 2, 4 and 8 fit, all of them do not."""
    seen: list[tuple[BatchTrial, int | None, str]] = []
    monkeypatch.setattr(command, "outcome", needing(11, seen))
    before = inventory()
    assert main(["fit-batch", "sizes/plain", "--memory", "100MB"]) == 0
    printed = capsys.readouterr().out
    assert [trial.batch for trial, _, _ in seen] == [2, 4, 8, 14, 11, 12]
    assert {(limit, gpu) for _, limit, gpu in seen} == {(10**8, "")}
    facts = ("no GPU here", "the largest batch that fits: 11", "batch: 11  #", "sizes.yaml")
    facts += ("another training", "With a batch of 2 an epoch has 0.07 s", "30 epochs 2.1 s")
    assert missing_facts(printed, *facts) == []
    assert inventory() == before


def test_the_freest_gpu_is_used_and_its_memory_limited(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cards = [
        {"index": n, "uuid": f"GPU-{n}", "name": "H1", "total": 9 * 10**9, "free": n * 4 * 10**9}
        for n in (1, 2)
    ]
    Path("cards.json").write_text(json.dumps(cards))
    monkeypatch.setenv("FAIRTRIAL_FAKE_GPUS", "cards.json")
    seen: list[tuple[BatchTrial, int | None, str]] = []
    monkeypatch.setattr(command, "outcome", needing(99, seen))
    assert main(["fit-batch", "sizes/plain-s0", "--memory", "7GB", "--most", "8"]) == 0
    assert {(trial.memory, limit, gpu) for trial, limit, gpu in seen} == {
        (7 * 10**9, None, "GPU-2")
    }
    assert "GPU 2 H1, 8.00 GB free" in capsys.readouterr().out
    assert main(["fit-batch", "sizes/plain-s0", "--memory", "8.5GB"]) == 1
    assert missing_facts(capsys.readouterr().err, "GPU 2 has 8.00 GB free") == []


@pytest.mark.parametrize(
    ("users", "chosen"),
    [({1: [], 2: [7]}, "GPU-1"), ({1: [7], 2: [8, 9]}, "GPU-2")],
    ids=["one is free", "all are used"],
)
def test_nobodys_training_is_ended_by_taking_all_memory(
    users: dict[int, list[int]],
    chosen: str,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cards = [
        {"index": n, "uuid": f"GPU-{n}", "free": n * 4 * 10**9, "processes": of}
        for n, of in users.items()
    ]
    Path("cards.json").write_text(json.dumps(cards))
    monkeypatch.setenv("FAIRTRIAL_FAKE_GPUS", "cards.json")
    seen: list[tuple[BatchTrial, int | None, str]] = []
    monkeypatch.setattr(command, "outcome", needing(99, seen))
    if users[1]:
        assert main(["fit-batch", "sizes/plain-s0"]) == 1
        facts = ("GPU 2 is used by 2 programs", "--memory", "8.00 GB")
        assert missing_facts(capsys.readouterr().err, *facts) == []
    assert main(["fit-batch", "sizes/plain-s0", "--memory", "3GB"]) == 0
    assert {gpu for _, _, gpu in seen} == {chosen}


def test_a_network_that_is_too_large_by_itself_is_told(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "outcome", needing(0, []))
    assert main(["fit-batch", "sizes/plain", "--memory", "100MB"]) == 0
    assert "not even a batch of 1 fits" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["sizes/none", "--memory", "1GB"], ("sizes/none", "plain-s0")),
        (["sizes/plain"], ("no GPU here", "--memory 8GB")),
        (["sizes/plain", "--memory", "8"], ("--memory 8", "8GB")),
        (["sizes/plain", "--memory", "900000GB"], ("900000GB", "free at present")),
    ],
    ids=["no such run", "no GPU and no amount", "no unit", "more than there is"],
)
def test_what_cannot_be_tried_is_refused(
    arguments: list[str],
    facts: tuple[str, ...],
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["fit-batch", *arguments]) == 1
    assert missing_facts(capsys.readouterr().err, *facts) == []


@pytest.mark.slow
def test_real_steps_are_tried_and_ended_where_they_take_too_much(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In processes of their own, on the CPU; what fails for another reason is told as it is."""
    before = inventory()
    assert main(["fit-batch", "sizes/plain", "--memory", "3GB", "--most", "2"]) == 0
    printed = capsys.readouterr().out
    assert missing_facts(printed, "the largest batch that fits: 2", "images a second") == []
    assert inventory() == before
    trial, _ = command._trial(*command.planned_run("sizes/plain", ""), 1)
    small = outcome(trial, 50 * 10**6, "")
    assert (small.fits, small.rate) == (False, None) and small.peak > 50 * 10**6
    with pytest.raises(BackendError, match="lr0"):
        outcome(trial.model_copy(update={"settings": trial.settings | {"lr0": -1.0}}), None, "")
