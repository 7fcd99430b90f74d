"""What is said at the end of an experiment."""

from __future__ import annotations

from pathlib import Path

import pytest

from facts import missing_facts
from fairtrial.display.ending import ending
from fairtrial.files.checksums import sha256_of
from fairtrial.files.modelfile import write_model
from fairtrial.lineage.made import MadeRecord

FOLDER = Path("results/compare")
FIGURE = "results/compare/figures/answer-1.svg"


@pytest.fixture(autouse=True)
def _reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An experiment with a figure and a report, as their jobs recorded them."""
    monkeypatch.chdir(tmp_path)
    for name, text in (
        (FIGURE, "<svg/>"),
        (f"{FOLDER}/report.pdf", "%PDF"),
        (f"{FOLDER}/answer.txt", "A is best."),
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    for stage, name in (("plot", FIGURE), ("report", f"{FOLDER}/report.pdf")):
        record = MadeRecord(
            stage=stage, settings_sha256="", code="", inputs={}, outputs=sha256_of(Path(), [name])
        )
        write_model(FOLDER / f"made/{stage}.json", record.sealed())


def test_the_answer_and_the_place_of_the_report_are_said() -> None:
    text = ending("compare", since=0.0)
    assert text.startswith("A is best.") and "Report: results/compare/report.pdf" in text
    assert "Not as it was made" not in text
    assert ending("compare", since=2e10) == "", "it is older"


@pytest.mark.parametrize("name", [FIGURE, f"{FOLDER}/report.pdf"])
def test_a_file_that_was_changed_after_its_last_reader_is_said(name: str) -> None:
    Path(name).write_text("<svg>")
    facts = ("Not as it was made", f"{name}: was changed", "`fairtrial repair compare`")
    assert missing_facts(ending("compare", since=0.0), *facts) == []


def test_results_without_records_are_as_they_were() -> None:
    for path in FOLDER.glob("made/*"):
        path.unlink()
    assert "Report:" in ending("compare", since=0.0)
