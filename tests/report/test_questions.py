"""What the report says of sweeps, fitness, many comparisons, replicates and costs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fairtrial.figures.base import style
from fairtrial.figures.classes import class_map, per_class
from fairtrial.figures.sweeps import metrics_against_parameter
from fairtrial.files.modelfile import write_model
from fairtrial.report import tables
from fairtrial.report.content import Content, content
from fairtrial.report.repeats import repeats
from fairtrial.report.sweeps import other_bests
from fairtrial.results.costs import front, parameters
from fairtrial.results.experiment import ExperimentResults, load_experiment
from fairtrial.results.manifest import FigureManifest
from fairtrial.results.sweeps import sweeps
from fairtrial.settings.stages import PlotSettings, ReportSettings
from tests.records import RECORD
from tests.report.fake_results import QUALITY, Fake, load
from tests.report.test_report import SPLITS, TWO, report_text, scores

PLOT = PlotSettings(gallery=4, runs=())
Values = Mapping[str, Sequence[float | None]]


def on_both(values: Values) -> dict[Any, Any]:
    """AP by configuration and seed, the same on val and test."""
    return {
        (n, s, split): v for n, row in values.items() for s, v in enumerate(row) for split in SPLITS
    }


def words(value: object) -> list[str]:
    """All texts and numbers in plain data, in order."""
    if isinstance(value, dict):
        return [word for item in value.values() for word in words(item)]
    if isinstance(value, list):
        return [word for item in value for word in words(item)]
    return [str(value)]


def plain_content(experiment: ExperimentResults, **settings: Any) -> Content:
    """What the template is given, without figures."""
    values = {"experiment": "t", "title": "t", "runs": [r.name for r in experiment.runs]}
    typed = ReportSettings.model_validate(values | settings, strict=False)
    return content(experiment, typed, FigureManifest(()))


def content_text(
    fake: Fake, build: bool = True, runs: list[str] | None = None, **settings: Any
) -> str:
    """What the report says, without setting the PDF, which takes seconds."""
    if build:
        fake.build()
    rank_by = settings.get("rank_by", "AP")
    experiment = load_experiment(fake.results, fake.data, runs or fake.runs, rank_by)
    tables.write_comparison(fake.results / "comparison.csv", experiment, True)
    return " ".join(" ".join(words(plain_content(experiment, **settings))).split())


def around(*means: float) -> list[list[float]]:
    """Three seeds around each mean, with sd 0.01."""
    return [[mean - 0.01, mean, mean + 0.01] for mean in means]


def results_of(fake: Fake, **settings: Any) -> ExperimentResults:
    return load_experiment(fake.results, fake.data, fake.runs, **settings)


# --------------------------------------------------------------------------- sweeps

LRF = {f"lrf={v:g}": {"lrf": v, "momentum": 0.9} for v in (0.1, 1e-4, 0.01, 0.001)}


def swept(root: Path, *means: float) -> Fake:
    return Fake(root, LRF, ap=on_both(dict(zip(LRF, around(*means), strict=True))))


def test_a_sweep_is_sorted_by_its_parameter_and_compares_its_values(tmp_path: Path) -> None:
    text = report_text(swept(tmp_path, 0.40, 0.50, 0.60, 0.595), sweeps=["lrf"])
    assert "One parameter at a time" in text
    assert "lrf Precision Recall AP50 AP seeds vs. best" in text
    rows = ["0.0001 0.650 ±", "0.500 ± 0.010 3 ↓", "0.001 0.745 ±", "0.595 ± 0.010 3 ≈"]
    rows += ["0.01 0.750 ±", "0.600 ± 0.010 3", "0.1 0.550 ±", "0.400 ± 0.010 3 ↓"]
    places = [text.index(row) for row in rows]
    assert places == sorted(places)
    assert "lrf 0.01 has the highest AP on val; on test it reaches 0.600 ± 0.010." in text
    assert "Cannot be told apart from it: 0.001." in text
    assert "Lower by more than chance: 0.0001, 0.1." in text


def test_the_value_that_is_best_by_another_metric_is_named(tmp_path: Path) -> None:
    """The next question may begin with it (`best: recall`)."""
    fake = swept(tmp_path, 0.40, 0.50, 0.60, 0.595).build()
    for seed in fake.seeds:
        file = fake.results / f"runs/lrf=0.1-s{seed}/metrics.json"
        metrics = json.loads(file.read_text())
        metrics["val"]["recall"] = 0.99
        file.write_text(json.dumps(metrics))
    (sweep,) = sweeps(results_of(fake).comparisons[0], ["lrf"])
    assert sweep.best is not None and sweep.text(sweep.best) == "0.01"
    assert other_bests(sweep) == "Other metrics on val are highest elsewhere: Recall at 0.1."


def test_a_sweep_with_one_seed_decides_nothing(tmp_path: Path) -> None:
    text = content_text(Fake(tmp_path, LRF, seeds=(0,)), sweeps=["lrf"])
    assert "Trained once each: which of the differences another training" in text
    assert "than chance:" not in text


def test_several_sweeps_share_the_values_that_are_equal(tmp_path: Path) -> None:
    """lrf 0.01 and momentum 0.9 are one run, and stand in both."""
    more = {f"momentum={m}": {"lrf": 0.01, "momentum": m} for m in (0.5, 0.7)}
    comparison = results_of(Fake(tmp_path, LRF | more, seeds=(0,)).build()).comparisons[0]
    swept_parameters = sweeps(comparison, ["lrf", "momentum", "batch"])
    assert [(s.parameter, s.values) for s in swept_parameters] == [
        ("lrf", [1e-4, 0.001, 0.01, 0.1]),
        ("momentum", [0.5, 0.7, 0.9]),
    ]
    assert [s.logarithmic for s in swept_parameters] == [True, False]


def test_values_that_are_no_numbers_keep_their_order(tmp_path: Path) -> None:
    runs = {f"freeze={f}": {"freeze": f} for f in (None, 22, 10)}
    comparison = results_of(Fake(tmp_path, runs, seeds=(0,)).build()).comparisons[0]
    (sweep,) = sweeps(comparison, ["freeze"])
    assert (sweep.texts, sweep.numbers, sweep.logarithmic) == (["none", "22", "10"], None, False)


def test_a_sweep_is_drawn_with_its_significant_differences(tmp_path: Path) -> None:
    """Hollow: 0.001; full: 0.0001 and 0.1; a star: 0.01; a band, a logarithmic axis, names."""
    runs = LRF | {f"o={o}": {"optimizer": o, "lrf": 0.01, "momentum": 0.9} for o in ("SGD", "Adam")}
    fake = Fake(tmp_path, runs, ap=swept(tmp_path, 0.40, 0.50, 0.60, 0.595).ap).build()
    with style():
        numbers, names = metrics_against_parameter.draw(
            results_of(fake), PlotSettings(gallery=4, runs=(), sweeps=("lrf", "optimizer"))
        )
        ax = numbers.figure.axes[3]
        marks = [line for line in ax.lines if line.get_marker() in "o*"]
        faces = [(m.get_marker(), m.get_markerfacecolor() == "white") for m in marks]
        assert faces == [("o", False), ("o", True), ("*", False), ("o", False)]
        assert ax.get_xscale() == "log" and len(ax.collections) == 1
        spans = [high - low for low, high in (a.get_ylim() for a in numbers.figure.axes)]
        assert max(spans) == pytest.approx(min(spans))
        assert [t.get_text() for t in names.figure.axes[3].get_xticklabels()] == [
            *("AdamW", "SGD", "Adam")
        ]


# --------------------------------------------------------------------------- fitness

FITNESS = {"recall": 0.9, "map50_95": 0.1}


def test_a_fitness_ranks_and_its_formula_is_printed(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, ap=scores([0.60, 0.61, 0.62], [0.50, 0.51, 0.52])).build()
    for run in ("low-s0", "low-s1", "low-s2"):  # finds more, with a lower AP
        path = fake.results / "runs" / run / "metrics.json"
        metrics = load(path)
        for split in SPLITS:
            metrics[split]["recall"] = 0.9
        path.write_text(json.dumps(metrics))
    text = content_text(fake, build=False, rank_by=FITNESS)
    assert "A (momentum 0.9) is best: fitness 0.861 on test" in text
    assert "Fitness is 0.9 recall + 0.1 AP here." in text
    assert "sorted by fitness (0.9 recall + 0.1 AP) on val" in text
    rows = list(csv.DictReader((fake.results / "comparison.csv").open()))
    assert [(row["letter"], row["ranked_by"]) for row in rows] == [
        ("A", "fitness (0.9 recall + 0.1 AP)"),
        ("B", "fitness (0.9 recall + 0.1 AP)"),
    ]
    assert float(rows[0]["val/fitness"]) == pytest.approx(0.9 * 0.9 + 0.1 * 0.6)


def test_weights_of_one_metric_are_that_metric(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, seeds=(0,)).build()
    assert (
        results_of(fake, rank_by={"map50_95": 2.0, "recall": 0.0}).ranking_rule
        == results_of(fake).ranking_rule
    )


# --------------------------------------------------------------------------- many comparisons


def test_of_many_comparisons_the_text_says_so_and_corrects(tmp_path: Path) -> None:
    """0.60 and 0.575, sd 0.01: p = 0.04 alone, and more among the ten pairs of five."""
    names = [f"m{i}" for i in range(5)]
    values = dict(zip(names, around(0.60, *[0.575] * 4), strict=True))
    runs = {name: {"momentum": i} for i, name in enumerate(names)}
    alone = {n: runs[n] for n in names[:2]}
    assert "is best" in content_text(Fake(tmp_path / "two", alone, ap=on_both(values)))
    text = content_text(Fake(tmp_path / "many", runs, ap=on_both(values)))
    assert "A (momentum 0) and B (momentum 1), and 3 others, cannot be told apart." in text
    assert "95 % for all pairs together" in text


def test_the_best_is_not_called_best_while_one_cannot_be_told_apart(tmp_path: Path) -> None:
    """The nearest is lower beyond doubt; one that is farther has one value."""
    values = {"a": [0.60, 0.601, 0.602], "b": [0.55, 0.551, 0.552], "c": [0.4, None, None]}
    runs = {name: {"momentum": i} for i, name in enumerate(values)}
    text = content_text(Fake(tmp_path, runs, ap=on_both(values)))
    assert "A (momentum 0) leads; C could not be tested; B is worse." in text


# --------------------------------------------------------------------------- repeats


def replicated(root: Path, change: bool) -> Fake:
    """Two configurations, two seeds, each run twice; `change` moves one detection of one."""
    fake = Fake(root, TWO, seeds=(0, 1), ap=scores([0.60, 0.62], [0.50, 0.52])).build()
    for run in fake.runs:
        path = fake.results / "runs" / run
        copy = fake.results / "runs" / f"{run}r2"
        copy.mkdir()
        for file in path.rglob("*.*"):
            target = copy / file.relative_to(path)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(file.read_bytes())
        for folder, replicate in ((path, 1), (copy, 2)):
            record = load(folder / "record.json")
            record["settings"]["replicate"] = replicate
            record["weights_sha256"] = f"{run}{replicate if change and run == 'high-s0' else ''}"
            (folder / "record.json").write_text(json.dumps(record))
        history = fake.results / "history"
        (history / f"{run}r2.csv").write_bytes((history / f"{run}.csv").read_bytes())
    if change:
        runs = fake.results / "runs"
        (runs / "high-s0r2/predictions/test.json").write_text("[]")
        path = runs / "high-s0r2/metrics.json"
        path.write_text(path.read_text().replace("0.6,", "0.61,").replace("0.6}", "0.61}"))
    return fake


def with_replicates(fake: Fake) -> list[str]:
    return [name for run in fake.runs for name in (run, f"{run}r2")]


@pytest.mark.parametrize(
    ("other", "plans"), [([0.60, 0.60], 0), ([0.50, 0.52], 1)], ids=["no spread", "a spread"]
)
def test_seeds_without_any_spread_make_no_plan(
    other: list[float], plans: int, tmp_path: Path
) -> None:
    fake = Fake(tmp_path, TWO, seeds=(0, 1), ap=scores([0.60, 0.60], other)).build()
    assert len(repeats(results_of(fake))["plans"]) == plans


def test_the_plan_says_what_seeds_and_images_would_tell(tmp_path: Path) -> None:
    """More seeds tell smaller gaps, down to what the images leave open."""
    fake = Fake(tmp_path, TWO, ap=scores([0.60, 0.61, 0.62], [0.50, 0.51, 0.52])).build()
    (plan,) = repeats(results_of(fake))["plans"]
    assert plan.startswith("The smallest true gap in AP between two configurations that would be")
    three, five, ten, twenty, endless, images = map(float, re.findall(r"0\.\d{3}", plan))
    assert three > five > ten > twenty > endless > 0
    assert three > images > 0


def test_replicates_are_no_more_seeds(tmp_path: Path) -> None:
    """Counted as seeds, the same two numbers twice would make any gap significant."""
    fake = replicated(tmp_path, change=False)
    text = content_text(fake, build=False, runs=with_replicates(fake))
    assert "0.610 ± 0.014 (mean ± sd over 2 seeds)" in text
    assert "Equal seeds gave equal results: the detections of replicates are equal" in text


def test_replicates_are_no_more_seeds_of_a_class(tmp_path: Path) -> None:
    """A seed that was run twice with unequal results is one number, without a spread."""
    fake = replicated(tmp_path, change=True)
    path = fake.results / "runs/high-s0r2/per_class.csv"
    rows = list(csv.DictReader(path.open()))
    for row in rows:
        row["AP"] = f"{float(row['AP']) - 0.1:.4f}"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    experiment = load_experiment(fake.results, fake.data, ["high-s0", "high-s0r2"])
    (table,) = plain_content(experiment)["classes"]
    first = experiment.runs[0].per_class["test"]
    for row in table["rows"]:
        assert row["cells"][0]["value"] == f"{first[row['name']]['AP'] - 0.05:.3f}"


def test_replicates_that_differ_are_named_with_the_difference(tmp_path: Path) -> None:
    fake = replicated(tmp_path, change=True)
    text = content_text(fake, build=False, runs=with_replicates(fake))
    assert "Equal seeds gave equal results in 3 of 4 cases; largest difference: 0.0100 (" in text
    assert "A 0 2 differ differ 0.0100" in text
    assert "A 1 2 equal equal 0" in text


def test_the_spread_over_seeds_and_what_it_hides(tmp_path: Path) -> None:
    """sd 0.01, two configurations of 3 seeds: 0.031 by the noncentral t of df 4, and more by
    Welch's fewer degrees of freedom."""
    text = content_text(Fake(tmp_path, {"only": {}}, ap=on_both({"only": [0.50, 0.51, 0.52]})))
    assert "AP 0.510 0.010 0.500 0.520 0.020" in text
    assert "found with 80 % probability: 0.035 with 3 seeds each," in text


# --------------------------------------------------------------------------- cost


def test_the_front_holds_what_nothing_beats_at_its_cost(tmp_path: Path) -> None:
    """c costs more than b and reaches less; d is dearer and better, but not surely so."""
    values = dict(zip("abcd", around(0.40, 0.50, 0.45, 0.505), strict=True))
    record = {
        n: {"model": RECORD["model"] | {"parameters": p * 10**6}} for p, n in enumerate("abcd", 1)
    }
    runs = {name: {"momentum": i} for i, name in enumerate(values)}
    fake = Fake(tmp_path, runs, ap=on_both(values), record=record)
    text = content_text(fake, timings=False)
    steps = front(results_of(fake).comparisons[0], parameters)
    assert [(s.configuration.letter, s.gap and s.gap.apart) for s in steps] == [
        *(("D", None), ("B", True), ("A", False))
    ]
    assert "Parameters D → B (+0.100) → A (+0.005, not told apart)" in text


def test_where_many_are_compared_each_class_is_shown_for_all(tmp_path: Path) -> None:
    fake = Fake(tmp_path, {f"c{i}": {"momentum": i} for i in range(10)}, seeds=(0,)).build()
    with style():
        (drawing,) = class_map.draw(results_of(fake), PLOT)
    ax = drawing.figure.axes[0]
    best = [c.letter for c in results_of(fake).comparisons[0].ranked()]
    assert [label.get_text() for label in ax.get_xticklabels()] == best
    first = results_of(fake).comparisons[0].ranked()[0].first.per_class["test"]
    classes = [label.get_text() for label in ax.get_yticklabels()]
    assert ax.texts[0].get_text() == f"{first[classes[0]]['AP']:.2f}".removeprefix("0")


def test_without_any_object_there_is_no_figure_of_classes(tmp_path: Path) -> None:
    fake = Fake(tmp_path, {f"c{i}": {"momentum": i} for i in range(10)}, seeds=(0,)).build()
    for path in fake.results.glob("runs/*/per_class.csv"):
        lines = ["split,class,images,objects,AP,AP50,precision,recall,f1"]
        path.write_text("\n".join([*lines, "test,circle,0,0,,,,,", ""]))
    assert not list(class_map.draw(results_of(fake), PLOT))
    assert not list(per_class.draw(results_of(fake), PLOT))


def test_images_without_objects_are_counted_only_where_there_are_any(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, seeds=(0,)).build()
    (dataset,) = plain_content(results_of(fake))["data"]["datasets"]
    assert dataset["quality"] == {"images": "36", "objects": "139"}
    (file,) = fake.data.glob("clean/*/quality.json")
    write_model(file, QUALITY.model_copy(update={"negatives": 2}))
    (dataset,) = plain_content(results_of(fake))["data"]["datasets"]
    assert dataset["quality"] == {"images": "36", "negatives": "2", "objects": "128"}
