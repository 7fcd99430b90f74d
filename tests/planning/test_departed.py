"""Runs that have left their experiment leave results/, unless that would lose a training."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from facts import missing_facts
from fairtrial.lineage.alive import shown_alive
from fairtrial.planning import departed
from fairtrial.planning.departed import clear_departed
from tests.records import RECORD

RUNS = Path("results/compare/runs")
COMPARE: Any = SimpleNamespace(name="compare", runs={"stays-s0": None})


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs, of which one is no longer in the experiment; the store has both."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(departed, "has_training", lambda job: job.name != "lost-s0")
    leave("stays-s0")
    leave("gone-s0")


def leave(name: str, **record: Any) -> None:
    """Write what a run leaves."""
    files = {RUNS / name / "record.json": json.dumps(RECORD | {"run": name} | record)}
    files |= {RUNS / name / "weights.pt": "w", Path(f"results/compare/history/{name}.csv"): "h"}
    files |= {Path(f"results/compare/made/{s}/{name}.json"): "{}" for s in departed.STAGES}
    files |= {Path(f"results/compare/batches/{name}.json"): "b"}
    probes = (f"probes/{name}@96.json", f"probes/{name}@96.predictions.json")
    files |= {Path("results/compare", p): "p" for p in (*probes, f"made/probe/{name}@96.json")}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def present() -> set[str]:
    """Of which runs there is anything in results/."""
    names = {path.name for path in RUNS.glob("*")}
    below = ("history/*", "made/*/*", "batches/*", "probes/*")
    paths = [path for part in below for path in Path("results/compare").glob(part)]
    return names | {path.stem.partition("@")[0] for path in paths}


def test_a_run_that_left_leaves_nothing() -> None:
    assert missing_facts(clear_departed(COMPARE), "gone-s0", "results/compare", "store") == []
    assert present() == {"stays-s0"}
    assert clear_departed(COMPARE) == ""


def test_what_only_a_training_could_make_again_stays() -> None:
    leave("lost-s0")
    assert missing_facts(clear_departed(COMPARE), "still in", "lost-s0") == []
    assert present() == {"stays-s0", "lost-s0"}


def test_predictions_of_others_are_no_training() -> None:
    file = {"path": "theirs/test.json", "sha256": "0" * 64}
    leave("lost-s0", elsewhere={"test": file})
    clear_departed(COMPARE)
    assert present() == {"stays-s0"}


def test_a_run_at_work_stays() -> None:
    with shown_alive(Path("results/compare/made/predict/gone-s0.json")):
        clear_departed(COMPARE)
    assert present() == {"stays-s0", "gone-s0"}


def test_nothing_is_removed_while_another_snakemake_works(monkeypatch: pytest.MonkeyPatch) -> None:
    other = SimpleNamespace(driver=SimpleNamespace(holder=None), is_dead=False)
    monkeypatch.setattr(departed, "recorded", lambda: [other])
    assert clear_departed(COMPARE) == ""
    other.is_dead = True
    assert "gone-s0" in clear_departed(COMPARE)
