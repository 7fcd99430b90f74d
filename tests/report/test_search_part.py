"""The section on a search for several objectives, in the PDF and in the page."""

from __future__ import annotations

import csv
from pathlib import Path

from fairtrial.report.page_data import study_trials
from fairtrial.report.search import StudyPart, searches
from fairtrial.results.experiment import ExperimentResults
from fairtrial.scoring.ranking import ranking_rule
from fairtrial.settings.search import Objective
from tests.figures.test_search import study


def part(results: Path, objectives: tuple[Objective, ...] = ()) -> StudyPart:
    place = study(results, "tpe-seed0", objectives=objectives).folder
    (place / "best.yaml").write_text("lr0: 0.01\n")
    experiment = ExperimentResults(results, results, [], ranking_rule("AP"))
    return searches(experiment, ["tpe-seed0"], timings=True)["studies"][0]


def test_the_table_shows_the_front_with_its_costs(tmp_path: Path) -> None:
    shown = part(tmp_path, ("AP", "parameters"))
    assert [row[0] for row in shown["rows"]] == ["4", "1"]
    assert shown["metrics"][-1] == "parameters"
    assert [row[1 + len(shown["metrics"])] for row in shown["rows"]] == ["4,000,000", "3,000,000"]
    facts = dict(shown["facts"])
    assert facts["Pareto front"] == "2 of 3 finished trials"
    assert "times" not in facts
    assert shown["ranked"].startswith("All trials of the Pareto front, the best in AP first")


def test_times_of_several_machines_are_said_to_be_no_comparison(tmp_path: Path) -> None:
    facts = dict(part(tmp_path, ("AP", "ms"))["facts"])
    assert facts["times"] == "not comparable: 1 on a GPU; 2 on cpu, 1 thread"


def test_one_objective_is_shown_as_ever(tmp_path: Path) -> None:
    shown = part(tmp_path)
    assert [row[0] for row in shown["rows"]] == ["4", "0", "1"]
    assert shown["metrics"] == ["Precision", "Recall", "AP50", "AP"]
    assert {"objectives", "Pareto front", "times"}.isdisjoint(dict(shown["facts"]))
    assert shown["ranked"].startswith("The best trials by fitness (AP)")


def test_the_best_trial_by_another_metric_is_named(tmp_path: Path) -> None:
    """Another experiment may begin with it (`best: recall`)."""
    place = study(tmp_path, "ga-seed0").folder
    (place / "best.yaml").write_text("lr0: 0.01\n")
    rows = list(csv.DictReader((place / "trials.csv").open(newline="")))
    rows[2]["recall"] = "0.95"  # was pruned, and does not count
    rows[1]["recall"] = "0.9"
    with (place / "trials.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    experiment = ExperimentResults(tmp_path, tmp_path, [], ranking_rule("AP"))
    (shown,) = searches(experiment, ["ga-seed0"], timings=True)["studies"]
    assert shown["ranked"].endswith(" The best by other metrics: Recall: trial 1 (0.900).")


def test_the_page_knows_the_front(tmp_path: Path) -> None:
    found = study_trials(study(tmp_path, "tpe-seed0", objectives=("AP", "parameters")))
    assert (found["objectives"], found["front"]) == (["AP", "parameters"], [4, 1])
    assert found["trials"][1]["parameters"] == 3_000_000
