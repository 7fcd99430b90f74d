"""lr-range: the files and the line that it prints, from an experiment that was never run."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from PIL import Image
from tests.commands.measured import make_experiment

from facts import missing_facts
from fairtrial.__main__ import main

OF_RUN = Path("lr_range/rates/plain-s0")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a small data set of classes, and an experiment on it."""
    monkeypatch.chdir(tmp_path)
    make_experiment("rates", images=12, epochs=3)
    # The drawn images have no recorded content.
    monkeypatch.setattr("fairtrial.commands.lr_range.with_unchanged_images", lambda data: data)
    return tmp_path


@pytest.mark.slow
def test_a_run_that_was_never_trained_gets_a_proposal(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--low", "1e-5", "--high", "1e4", "--steps", "60"]
    assert main(["lr-range", "rates/plain", *flags]) == 0
    printed = capsys.readouterr().out
    assert missing_facts(printed, "where the loss diverged", f"{OF_RUN}.png", "steepest fall") == []
    with Path(f"{OF_RUN}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert (rows[0]["lr"], float(rows[0]["loss"]) > 0) == ("1e-05", True)
    assert len(rows) < 60
    (proposal,) = re.findall(r"^lr0: (\S+)", printed, re.MULTILINE)
    assert 1e-5 < float(proposal) < float(rows[-1]["lr"])
    with Image.open(f"{OF_RUN}.png") as picture:
        assert picture.width > 1000
    before = {path: path.read_bytes() for path in Path("lr_range").rglob("*.*")}
    assert main(["lr-range", "rates/plain-s0", *flags]) == 0
    assert {path: path.read_bytes() for path in before} == before
    assert not Path("store").exists()
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["rates/none"], ("rates/none", "plain-s0")),
        (["rates/plain", "--low", "1"], ("--low", "--high")),
        (["rates/plain", "--steps", "3"], ("--steps 3", "30 or more")),
    ],
    ids=["no such run", "low above high", "few steps"],
)
def test_what_cannot_be_tried_is_refused(
    arguments: list[str],
    facts: tuple[str, ...],
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["lr-range", *arguments]) == 1
    assert missing_facts(capsys.readouterr().err, *facts) == []
    assert not Path("lr_range").exists()


def test_a_data_set_that_was_not_made_is_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("data/sets/shapes/split.json").unlink()
    assert main(["lr-range", "rates/plain"]) == 1
    assert "`snakemake data/sets/shapes/split.json` makes it" in capsys.readouterr().err
