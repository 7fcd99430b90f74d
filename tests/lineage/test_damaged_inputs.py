"""A stage that fails over a file that was changed since it was made names what mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from facts import refused
from fairtrial import DataError
from fairtrial.lineage.making import StageCall, make


@pytest.mark.parametrize("changed", [False, True])
def test_a_failure_over_a_changed_input_names_the_mending_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    val = Path("val.json")

    def predict(val: Path) -> None:
        val.write_text("[]")

    def validate(val: Path) -> None:
        raise DataError("entry 4: no category_id")

    made = Path("results/compare/made")
    make(StageCall("predict", "{}", "c", made / "predict/a.json", ("val",)), predict, {"val": val})
    if changed:
        val.write_text("[1]")
    call = StageCall("validate", "{}", "c", made / "validate/a.json", ())
    facts = ("entry 4", *(["val.json: was changed", "fairtrial repair compare"] * changed))
    with refused(DataError, *facts) as caught:
        make(call, validate, {"val": val})
    assert ("repair" in str(caught.value)) is changed
