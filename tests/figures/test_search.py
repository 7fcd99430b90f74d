"""Figures of a search, from the files that `study` leaves."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairtrial.figures import search
from fairtrial.figures.base import style
from fairtrial.results.studied import Studied
from fairtrial.results.trial import Trial
from fairtrial.scoring.ranking import rule

SPACE = {
    "lr0": {"low": 1e-4, "high": 1.0, "log": True, "step": None, "integer": False},
    "cos_lr": {"choices": [False, True]},
}
STATES = ("finished", "finished", "pruned", "failed", "finished")
FITNESS = (0.4, 0.3, 0.2, None, 0.6)


def study(results: Path, name: str, engine: str = "tpe", gain: float = 0.0) -> Studied:
    folder = results / "search" / name
    folder.mkdir(parents=True)
    summary: dict[str, Any] = {"engine": engine, "seed": 0, "trials": 5, "hours": None}
    summary |= {"space": SPACE, "dataset": "shapes", "fitness": "AP", "best": 4, "epochs": 14}
    summary["states"] = {"finished": 3, "pruned": 1, "failed": 1, "unfinished": 0}
    summary["importance"] = {"lr0": 0.9, "cos_lr": 0.1}
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "timings.json").write_text(json.dumps(dict.fromkeys("01234", 720.0)))
    with (folder / "trials.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        figures = ["precision", "recall", "AP50", "AP"]
        writer.writerow(
            ["trial", "state", "fitness", "epochs", *figures, "lr0", "cos_lr", "message"]
        )
        for number, (state, value) in enumerate(zip(STATES, FITNESS, strict=True)):
            shown = "" if value is None else f"{value + gain:g}"
            epochs = {"finished": 4, "pruned": 2, "failed": 0}[state]
            params = [10.0**-number, "true" if number % 2 else "false"]
            writer.writerow([number, state, shown, epochs, *[shown] * 4, *params, ""])
    return Studied(folder)


def drawn(results: Path, *names: str) -> dict[str, Any]:
    trial = Trial(results, results, [], rule("AP"))
    makers = (
        search.progress,
        search.parameters,
        search.importance,
        search.coordinates,
        search.engines,
    )
    with style():
        found = [each for m in makers for each in m.draw(trial, {"studies": list(names)})]
        for each in found:
            each.figure.draw_without_rendering()
    return {each.name: each.figure for each in found}


def test_a_study_has_its_four_figures(tmp_path: Path) -> None:
    study(tmp_path, "tpe-seed0")
    found = drawn(tmp_path, "tpe-seed0")
    kinds = ("progress", "parameters", "importance", "coordinates")
    assert set(found) == {f"search-{kind}-tpe-seed0" for kind in kinds}
    top = found["search-progress-tpe-seed0"].axes[0]
    (line,) = top.lines
    assert list(line.get_ydata()) == [0.4, 0.4, 0.4, 0.4, 0.6]
    rate, cosine = found["search-parameters-tpe-seed0"].axes[:2]
    assert (rate.get_title("left"), rate.get_xscale()) == ("lr0", "log")
    assert [tick.get_text() for tick in cosine.get_xticklabels()] == ["false", "true"]
    bars = found["search-importance-tpe-seed0"].axes[0].patches
    assert [bar.get_width() for bar in bars] == [0.1, 0.9]
    lines = found["search-coordinates-tpe-seed0"].axes[0].lines
    assert len(lines) == 3, "a line a finished trial"
    assert list(lines[-1].get_ydata()) == pytest.approx([0, 0, 1])


def test_without_a_search_nothing_is_drawn(tmp_path: Path) -> None:
    assert drawn(tmp_path) == {}


def test_engines_are_averaged_over_studies(tmp_path: Path) -> None:
    one, two = study(tmp_path, "a"), study(tmp_path, "b", gain=0.2)
    study(tmp_path, "c", engine="ga"), study(tmp_path, "d", engine="ga")
    epochs, mean, spread = search.averaged([one, two])
    assert list(epochs) == [4, 8, 10, 14]
    assert mean == pytest.approx([0.5, 0.5, 0.5, 0.7])
    assert spread == pytest.approx(np.full(4, 0.2 / 2**0.5))
    found = drawn(tmp_path, "a", "b", "c", "d")
    assert set(found) == {"search-engines"}, "four studies have no figures of their own"
    assert [line.get_label() for line in found["search-engines"].axes[0].lines] == ["tpe", "ga"]


def test_what_was_spent_is_added_up(tmp_path: Path) -> None:
    found = study(tmp_path, "a")
    assert found.spent == [4, 8, 10, 10, 14]
    assert found.hours == pytest.approx(1.0)
    assert found.params == ["lr0", "cos_lr"]
    assert found.best["trial"] == "4"
