"""An experiment of two runs for trackers, as it trains and once it is finished."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.report.fake_results import Fake
from tests.report.test_report import report_text

from fairtrial.planning.plan import Plan
from fairtrial.training.progress import reported

ROOT = Path(__file__).parents[2]
KEY = "0100" * 16  # of two-s0 once it is finished
HISTORY = "epoch,train/box_loss,val/AP\n1,2.5,\n2,1.5,0.25\n"


class Trackable:
    """The experiment `compare` in the working directory."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shutil.copytree(ROOT / "config", folder / "config")
        shutil.copy(ROOT / "params.yaml", folder)
        monkeypatch.chdir(folder)
        monkeypatch.delenv("DVC_ROOT", raising=False)
        text = "title: t\nruns: {one: {imgsz: 96}, two: {imgsz: 128}}\nseeds: [0]\n"
        Path("config/experiments/compare.yaml").write_text(text)
        self.plan = Plan.read("compare")
        self.fake = Fake(folder, {"one": {}, "two": {"lr0": 0.1}}, seeds=(0,), epochs=2)

    def finish(self) -> Fake:
        """Write the results of both runs, with a report."""
        self.fake.build()
        for run in self.fake.runs:
            self.history(run)
        report_text(self.fake, build=False)
        return self.fake

    def history(self, run: str, text: str = HISTORY) -> None:
        path = Path("results/compare/history", f"{run}.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @contextmanager
    def training(self) -> Iterator[None]:
        """The training of two-s0 is at work."""
        settings = self.plan.chosen.runs["two-s0"].train_settings
        with reported(Path("logs/compare/train/two-s0.json"), settings, KEY):
            yield

    def epochs(self, epochs: int) -> None:
        """Write its history as far as it has come."""
        path = Path("store/runs", f"{KEY}.part", "history.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(HISTORY.splitlines()[: epochs + 1]) + "\n")


@pytest.fixture
def trackable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trackable:
    return Trackable(tmp_path, monkeypatch)
