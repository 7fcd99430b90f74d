"""Event files, read back by TensorBoard itself."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from facts import missing_facts
from fairtrial.__main__ import main
from fairtrial.commands.tensorboard import NAME
from fairtrial.planning.plan import Plan
from fairtrial.settings.stages import TrainSettings
from fairtrial.training.progress import reported

ROOT = Path(__file__).parents[2]
HISTORY = "epoch,train/box_loss,val/AP\n1,2.5,\n2,1.5,0.25\n"


def scalars(run: str) -> dict[str, list[tuple[int, float]]]:
    """The scalars of a run by tag, (epoch, value) each, as TensorBoard itself reads them."""
    accumulator = EventAccumulator(str(Path("store/tensorboard/compare", run)))
    accumulator.Reload()
    return {
        tag: [(event.step, event.value) for event in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]
    }


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainSettings:
    """A project whose experiment has two runs; the settings of the second one's training."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    text = "title: t\nruns: {one: {imgsz: 96}, two: {imgsz: 128}}\nseeds: [0]\n"
    Path("config/experiments/compare.yaml").write_text(text)
    return Plan.read("compare").chosen.runs["two-s0"].train_settings


def test_finished_and_running_histories_are_written(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tensorboard", "--experiment", "compare"]) == 1
    assert missing_facts(capsys.readouterr().err, "results/compare/history: ") == []
    Path("results/compare/history").mkdir(parents=True)
    Path("results/compare/history/one-s0.csv").write_text(HISTORY)
    Path("store/runs/key.part").mkdir(parents=True)
    Path("store/runs/key.part/history.csv").write_text(HISTORY.replace("2,1.5,0.25\n", ""))
    with reported(Path("logs/compare/train/two-s0.json"), settings, "key"):
        assert main(["tensorboard", "--experiment", "compare"]) == 0
    assert "store/tensorboard/compare: 2 of 2 runs" in capsys.readouterr().out
    assert scalars("one-s0") == {
        "train/box_loss": [(1, 2.5), (2, 1.5)],
        "val/AP": [(2, 0.25)],
    }
    assert scalars("two-s0") == {"train/box_loss": [(1, 2.5)]}


def finish_one(history: str = HISTORY) -> Path:
    """Write the history of run one; returns where its event file will be."""
    Path("results/compare/history").mkdir(parents=True, exist_ok=True)
    Path("results/compare/history/one-s0.csv").write_text(history)
    return Path("store/tensorboard/compare/one-s0", NAME)


def test_equal_histories_give_equal_files(settings: TrainSettings) -> None:
    file = finish_one()
    assert main(["tensorboard", "--experiment", "compare"]) == 0
    first = file.read_bytes()
    assert main(["tensorboard", "--experiment", "compare"]) == 0
    assert file.read_bytes() == first
    assert list(file.parent.iterdir()) == [file]


def test_values_that_are_not_finite_are_left_out(settings: TrainSettings) -> None:
    finish_one("epoch,train/box_loss,val/AP\n1,nan,0.5\n2,inf,0.25\n")
    assert main(["tensorboard", "--experiment", "compare"]) == 0
    assert scalars("one-s0") == {"val/AP": [(1, 0.5), (2, 0.25)]}


def test_a_missing_package_is_refused_with_a_remedy(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finish_one()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["tensorboard", "--experiment", "compare"]) == 1
    message = capsys.readouterr().err
    assert missing_facts(message, "`tensorboard`", "make venv EXTRAS=tensorboard") == []
