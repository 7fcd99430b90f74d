"""What a job reads is compared with the record of the job that wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from facts import refused
from fairtrial import DataError
from fairtrial.files.modelfile import write_model
from fairtrial.lineage.inputs import changed_inputs, maker, refuse_changed
from fairtrial.lineage.made import MadeRecord
from fairtrial.lineage.outputs import OUTPUTS, outputs_of

SPLIT = "data/sets/shapes/split.json"


@pytest.mark.parametrize("stage", [stage for stage in OUTPUTS if stage != "search"])
def test_the_job_that_makes_a_file_is_known_by_its_path(stage: str) -> None:
    """Where two stages make the same file, as with predictions from elsewhere, one of them."""
    for path in outputs_of(stage, "a=1-s0", "compare", None).values():
        stages = {s for s in OUTPUTS if path in outputs_of(s, "a=1-s0", "compare", None).values()}
        assert maker(path) in {
            made.format(stage=s)
            for s in stages
            for made in (
                "data/made/{stage}/a=1-s0.json",
                "results/compare/made/{stage}/a=1-s0.json",
                "results/compare/made/{stage}.json",
            )
        }


def test_a_file_that_no_job_makes_is_of_none() -> None:
    assert maker("data/raw/shapes/images/1.jpg") is None
    assert maker("data/sets/shapes/deeper/split.json") is None


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project in which a split was made whose file has the sum `old`."""
    monkeypatch.chdir(tmp_path)
    record = MadeRecord(
        stage="split", settings_sha256="", code="", inputs={}, outputs={SPLIT: "old"}
    )
    write_model(Path("data/made/split/shapes.json"), record.sealed())


@pytest.mark.usefixtures("recorded")
def test_a_changed_input_is_named_with_the_command_that_mends_it() -> None:
    with refused(DataError, SPLIT, "was changed", "`fairtrial repair compare`"):
        refuse_changed({SPLIT: "new"}, Path("results/compare/made/train/a-s0.json"))
    with refused(DataError, SPLIT, "`fairtrial repair`"):
        refuse_changed({SPLIT: "new"}, Path("data/made/convert/shapes.json"))


@pytest.mark.usefixtures("recorded")
def test_what_is_as_recorded_or_has_no_record_is_read() -> None:
    other = {"data/sets/other/split.json": "new", "config/params.yaml": "new"}
    assert changed_inputs({SPLIT: "old", **other}) == []
    Path("data/made/split/shapes.json").write_text("{")
    assert changed_inputs({SPLIT: "new"}) == [], "the guard names such a record before it publishes"
