"""The report says which configurations lose recall, or the metric that ranks, with the epochs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fairtrial.files.csvfile import read_rows, write_rows
from fairtrial.report.cautions import cautions
from fairtrial.report.falling_metrics import falling_metrics
from tests.facts import missing_facts
from tests.report.fake_results import Fake
from tests.report.test_questions import results_of

RUNS = {"falls": {"lr0": 0.1}, "stays": {"lr0": 0.01}}
EPOCHS = 40


def with_curves(fake: Fake, run: str, **columns: list[float]) -> None:
    """Put other values into a run's history."""
    path = fake.results / "history" / f"{run}.csv"
    with path.open(newline="") as file:
        rows = read_rows(file)
    for name, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            row[f"val/{name}"] = f"{value:.4f}"
    with path.open("w", newline="") as file:
        write_rows(file, list(rows[0]), [list(row.values()) for row in rows])


def test_recall_that_falls_is_told_with_its_epoch(tmp_path: Path) -> None:
    fake = Fake(tmp_path, RUNS, ap={}, epochs=EPOCHS).build()
    assert falling_metrics(results_of(fake)) == []
    for seed in (0, 1, 2):
        noise = 0.01 * np.random.default_rng(seed).standard_normal(EPOCHS)
        curve = np.interp(range(EPOCHS), [0, 12, EPOCHS], [0.1, 0.62, 0.4]) + noise
        with_curves(fake, f"falls-s{seed}", recall=list(curve))
    experiment = results_of(fake)
    (sentence,) = falling_metrics(experiment)
    (letter,) = [c.letter for c in experiment.configurations if c.name == "falls"]
    facts = (f"Recall on val falls with the epochs: {letter} from 0.6", "to 0.4", "(3 seeds)")
    assert missing_facts(sentence, *facts, "best epoch by fitness") == []
    assert "around epoch 1" in sentence
    assert sentence in cautions(experiment)


def test_so_is_the_metric_that_ranks_and_recall_is_not_told_twice(tmp_path: Path) -> None:
    fake = Fake(tmp_path, RUNS, ap={}, epochs=EPOCHS).build()
    for seed in (0, 1, 2):
        with_curves(fake, f"falls-s{seed}", AP=[*[0.5] * 20, *[0.3] * 20])
    (sentence,) = falling_metrics(results_of(fake))
    assert sentence.startswith("AP on val falls")
    for seed in (0, 1, 2):
        with_curves(fake, f"falls-s{seed}", AP=[0.3] * 40, recall=[*[0.5] * 20, *[0.3] * 20])
    sentences = falling_metrics(results_of(fake, rank_by="recall"))
    assert len(sentences) == 1
