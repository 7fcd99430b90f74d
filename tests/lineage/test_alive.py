"""The sign of life of a stage: there as long as it runs, whether it succeeds or fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairtrial import DataError
from fairtrial.lineage.alive import alive_file
from fairtrial.lineage.making import StageCall, make
from fairtrial.store import locks

MADE = Path("results/compare/made/validate/one-s0.json")
ALIVE = Path("logs/compare/validate/one-s0.alive")


@pytest.mark.parametrize(
    ("made", "alive"),
    [
        (str(MADE), str(ALIVE)),
        ("results/compare/made/plot.json", "logs/compare/plot.alive"),
        ("data/made/convert/shapes.v2.json", "logs/convert/shapes.v2.alive"),
    ],
)
def test_where_it_lies(made: str, alive: str) -> None:
    assert alive_file(made) == Path(alive)


@pytest.mark.parametrize("fails", [False, True])
def test_it_is_there_as_long_as_the_stage_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = []

    def stage() -> None:
        seen.append(locks.read(ALIVE))
        if fails:
            raise DataError("no")

    call = StageCall("validate", "{}", "code", MADE, ())
    if fails:
        with pytest.raises(DataError):
            make(call, stage, {})
    else:
        make(call, stage, {})
    assert seen == [locks.holder()]
    assert not ALIVE.exists()
    assert MADE.exists() is not fails
