"""The sections on operating points and on calibration."""

from __future__ import annotations

import csv
import statistics
from pathlib import Path
from typing import Any

import pytest

from fairtrial.report.calibration import calibration_parts
from fairtrial.report.operating_points import operating_parts
from fairtrial.results.calibration import errors, pooled_bins
from fairtrial.results.experiment import ExperimentResults, load_experiment
from fairtrial.results.operating_points import froc_scores, values
from tests.report.fake_results import Fake
from tests.report.test_report import report_text

TWO = {"high": {"momentum": 0.6}, "low": {"momentum": 0.9}}
IMAGES = {"train": 2, "val": 30, "test": 30}  # so many that 0.9 is reached


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Fake:
    return Fake(tmp_path_factory.mktemp("operating"), TWO, images=IMAGES).build()


@pytest.fixture
def experiment(fake: Fake) -> ExperimentResults:
    return load_experiment(fake.results, fake.data, fake.runs)


def table(fake: Fake, run: str, name: str) -> list[dict[str, str]]:
    with (fake.results / "runs" / run / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def edit(fake: Fake, run: str, **cells: str) -> None:
    """The row of a precision of 0.9 on both splits with other cells."""
    rows = table(fake, run, "operating_points")
    for row in rows:
        if (row["kind"], row["asked"]) == ("precision", "0.9"):
            row.update(cells)
    with (fake.results / "runs" / run / "operating_points.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_a_cell_is_the_mean_over_seeds(fake: Fake, experiment: ExperimentResults) -> None:
    first = experiment.configurations[0]
    expected = [
        float(row["recall"])
        for seed in (0, 1, 2)
        for row in table(fake, f"low-s{seed}", "operating_points")
        if (row["split"], row["kind"], row["asked"]) == ("test", "precision", "0.9")
    ]
    assert values(first, "test", "precision", 0.9, "recall") == pytest.approx(expected)
    (part,) = operating_parts(experiment)
    (row,) = [row for row in part["tables"][0]["rows"] if row["letter"] == "A"]
    mean, sd = statistics.fmean(expected), statistics.stdev(expected)
    assert row["cells"][2] == [f"{mean:.3f} ± {sd:.3f}"]
    sensitivities = [
        [
            float(row["sensitivity"])
            for row in table(fake, f"low-s{seed}", "operating_points")
            if (row["split"], row["kind"]) == ("test", "false_alarms")
        ]
        for seed in (0, 1, 2)
    ]
    assert [len(of_seed) for of_seed in sensitivities] == [7, 7, 7]
    assert froc_scores(first, "test") == pytest.approx(list(map(statistics.fmean, sensitivities)))


EMPTY: dict[str, Any] = dict.fromkeys(
    ("confidence", "precision", "recall", "sensitivity", "false_alarms"), ""
)


def test_a_seed_that_does_not_reach_what_is_asked_is_left_out_and_counted(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, images=IMAGES).build()
    edit(fake, "high-s1", **EMPTY)
    for seed in fake.seeds:  # of the best
        edit(fake, f"low-s{seed}", **EMPTY)
    text = report_text(fake, build=False)
    assert "(2 of 3)" in text
    assert "On val A reaches a precision of 0.9 at no confidence." in text


def test_the_section_names_what_is_asked_and_what_is_reached(fake: Fake) -> None:
    text = report_text(fake, build=False)
    for words in (
        "Operating points",
        "Recall at a precision of 0.9",
        "Precision at a recall of 0.9",
        "by false alarms per image (FROC)",
        "Every confidence is chosen on val",
        "D-ECE (Küppers et al., 2020)",
    ):
        assert words in text


def test_the_error_of_calibration_leaves_weak_detections_out(
    fake: Fake, experiment: ExperimentResults
) -> None:
    rows = [row for row in table(fake, "low-s0", "calibration") if row["split"] == "test"]
    counted = [row for row in rows if float(row["low"]) > 0.299 and row["count"] != "0"]
    total = sum(int(row["count"]) for row in counted)
    gaps = [
        int(row["count"]) * abs(float(row["precision"]) - float(row["confidence"]))
        for row in counted
    ]
    assert len(counted) < len(rows)
    of_seeds = errors(experiment.configurations[0], "test")
    assert of_seeds[0] == pytest.approx(sum(gaps) / total)
    assert len(of_seeds) == 3


def test_bins_of_all_seeds_together_are_weighted_by_their_detections(
    fake: Fake, experiment: ExperimentResults
) -> None:
    last = pooled_bins(experiment.configurations[0], "test")[-1]
    rows = [
        row
        for seed in (0, 1, 2)
        for row in table(fake, f"low-s{seed}", "calibration")
        if row["split"] == "test" and float(row["low"]) == last["low"] and row["count"] != "0"
    ]
    count = sum(int(row["count"]) for row in rows)
    right = sum(int(row["count"]) * float(row["precision"]) for row in rows)
    assert last["count"] == count
    assert last["precision"] == pytest.approx(right / count)


@pytest.mark.parametrize(
    ("precision", "word"),
    [("0.05", "A is overconfident"), ("1", "A is underconfident")],
)
def test_the_bias_of_the_best_is_named(tmp_path: Path, precision: str, word: str) -> None:
    fake = Fake(tmp_path, {"only": {}}, seeds=(0,)).build()
    rows = table(fake, "only-s0", "calibration")
    for row in rows:
        row["precision"] = precision if row["count"] != "0" else ""
    with (fake.results / "runs/only-s0/calibration.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    experiment = load_experiment(fake.results, fake.data, fake.runs)
    assert word in calibration_parts(experiment)[0]["sentence"]
