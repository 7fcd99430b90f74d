"""What the report says of runs on folds: those of one configuration, named by what differs."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fairtrial.figures.base import style
from fairtrial.figures.box_statistics import objects_per_image
from fairtrial.figures.classes import per_class
from fairtrial.figures.objects import class_distribution
from fairtrial.report import tables
from fairtrial.report.cautions import cautions
from fairtrial.report.data import data
from fairtrial.results.experiment import ExperimentResults, load_experiment
from fairtrial.results.sweeps import sweeps
from fairtrial.settings.stages import PlotSettings
from tests.report.fake_results import HARDWARE, Fake, load
from tests.report.test_questions import content_text, plain_content, results_of
from tests.report.test_report import SPLITS

FOLDS = (1, 2, 3)
EMPTY = {"images": 0, "objects": 0, "negatives": 0, "groups": 0, "classes": {}}
BALANCE = {"left_out": [], "before": EMPTY, "after": EMPTY, "ratio": None, "cap": None}


def folded(
    root: Path, configurations: dict[str, tuple[str, dict[str, Any]]], **sets: Any
) -> ExperimentResults:
    """Runs `<configuration>.fold1-s0` and so on: `configurations` holds the data set of each
    and its settings, `sets` what split.json of a data set says beside."""
    names = [(f"{name}.fold{fold}", name, fold) for name in configurations for fold in FOLDS]
    fake = Fake(
        root,
        {run: configurations[name][1] for run, name, _ in names},
        seeds=(0,),
        sets={run: fold for run, _, fold in names},
        record={
            run: {"dataset": f"{configurations[name][0]}.fold{fold}"} for run, name, fold in names
        },
    ).build()
    for name, changes in sets.items():
        for fold in FOLDS:
            folder = fake.data / "sets" / f"{name}.fold{fold}"
            shutil.copytree(fake.data / "sets" / f"shapes{fold}", folder)
            kfold = {"method": "kfold", "asked": {"folds": 3, "fold": fold}, "source": "drawn"}
            edit(folder / "split.json", **kfold | changes)
    return results_of(fake)


def edit(path: Path, **changed: Any) -> None:
    path.write_text(json.dumps(load(path) | changed))


def reloaded(experiment: ExperimentResults) -> ExperimentResults:
    """The same, read from its files again."""
    runs = [run.name for run in experiment.runs]
    return load_experiment(experiment.results, experiment.data, runs)


def names(experiment: ExperimentResults) -> list[tuple[str, str, int]]:
    """Name, what sets it apart, and number of runs of each configuration, as they are listed."""
    ordered = sorted(experiment.configurations, key=lambda c: c.place)
    return [(c.name, c.departure, len(c.runs)) for c in ordered]


def test_folds_are_averaged_and_compared_fold_by_fold(tmp_path: Path) -> None:
    sets, runs, ap = {}, {}, {}
    for fold in (1, 2, 3, 4, 5):
        for momentum, gain in ((0.6, 0.04), (0.9, 0.0)):
            name = f"momentum={momentum}.fold{fold}"
            sets[name], runs[name] = fold, {"momentum": momentum}
            for split in SPLITS:
                # folds differ by 0.1, the two settings by 0.04 in each of them
                ap[name, 0, split] = 0.3 + 0.1 * fold + gain + 0.001 * (fold % 2) * (gain > 0)
    fake = Fake(tmp_path, runs, seeds=(0,), sets=sets, ap=ap).build()
    for fold in range(6):
        path = fake.data / "sets" / f"shapes{fold or ''}" / "split.json"
        edit(path, method="kfold", asked={"folds": 5, "fold": fold}, source="drawn")
    text = content_text(fake, build=False)
    assert "A (momentum 0.6) is best: AP 0.641 on test, 0.041 above B (95 %: " in text
    assert "0.641 ± 0.158 (mean ± sd over 5 folds), 0.041 above B (0.600 ± 0.158)" in text
    assert "Nadeau and Bengio" in text and "compared fold by fold" in text
    assert "where an image of test in one is of val in another" in text
    assert "seeds" not in text.partition("Chosen by")[0]
    rows = list(csv.DictReader((fake.results / "comparison.csv").open()))
    assert [(r["configuration"], r["folds"]) for r in rows] == [
        ("momentum=0.6", "5"),
        ("momentum=0.9", "5"),
    ]


def test_what_differs_between_runs_on_folds_is_named_by_letter(tmp_path: Path) -> None:
    configurations = {f"m{m}": ("cells", {"momentum": m}) for m in (0.6, 0.9)}
    experiment = folded(tmp_path, configurations, cells={})
    folder = experiment.results / "runs/m0.9.fold2-s0"
    edit(
        folder / "record.json", hardware=HARDWARE | {"cpu": "Other CPU"}, deviations=["another GPU"]
    )
    text = " ".join(cautions(reloaded(experiment)))
    assert "Hardware differs, cpu: Example CPU 9 (A, B); Other CPU (A)." in text
    assert "may differ from uninterrupted ones: another GPU (A)." in text


def test_sets_that_are_balanced_otherwise_are_two_configurations(tmp_path: Path) -> None:
    configurations: Any = {f"dataset={name}": (name, {}) for name in ("plain", "two", "five")}
    balance = {name: {"balance": BALANCE | {"ratio": r}} for name, r in (("two", 2), ("five", 5))}
    experiment = folded(tmp_path, configurations, plain={}, **balance)
    expected = [(f"dataset={n}", f"dataset {n}", 3) for n in ("plain", "two", "five")]
    assert names(experiment) == expected
    (comparison,) = experiment.comparisons
    (sweep,) = sweeps(comparison, ["dataset"])
    assert sweep.texts == ["plain", "two", "five"]


def test_folds_that_an_experiment_names_itself_are_one_configuration(tmp_path: Path) -> None:
    experiment = folded(tmp_path, {"momentum=0.6": ("cells", {"momentum": 0.6})}, cells={})
    for fold in FOLDS:
        named = f"dataset=cells.fold{fold}+momentum=0.6"
        path = experiment.results / f"runs/momentum=0.6.fold{fold}-s0/record.json"
        edit(path, configuration=named)
    assert names(reloaded(experiment)) == [("dataset=cells+momentum=0.6", "base settings", 3)]


def test_a_continued_run_on_folds_is_one_configuration(tmp_path: Path) -> None:
    configurations = {"first": ("cells", {"epochs": 2}), "longer": ("cells", {"epochs": 4})}
    experiment = folded(tmp_path, configurations, cells={})
    for fold in FOLDS:
        path = experiment.results / f"runs/longer.fold{fold}-s0/record.json"
        edit(path, continued_from=f"first.fold{fold}-s0")
    assert names(reloaded(experiment)) == [("first", "epochs 2", 3), ("longer", "epochs 4", 3)]


def test_classes_are_counted_over_all_folds(tmp_path: Path) -> None:
    experiment = folded(tmp_path, {"momentum=0.6": ("cells", {"momentum": 0.6})}, cells={})
    counts: Counter[str] = Counter()
    for run in experiment.runs:
        counts.update({n: int(row["objects"]) for n, row in run.per_class["test"].items()})
    (table,) = plain_content(experiment)["classes"]
    assert {row["name"]: int(row["count"]) for row in table["rows"]} == counts
    with style():
        (drawing,) = per_class.draw(experiment, PlotSettings(gallery=4, runs=()))
    bars = drawing.figure.axes[1].texts
    assert [int(bar.get_text()) for bar in bars] == sorted(counts.values(), reverse=True)
    assert "mean over folds" in drawing.caption and table["repeated"] == "folds"


@pytest.mark.parametrize("plain_first", [True, False], ids=["plain first", "folds first"])
def test_a_set_of_folds_and_a_plain_one_stand_in_one_table_of_all(
    tmp_path: Path, plain_first: bool
) -> None:
    names = ["plain", "cells"] if plain_first else ["cells", "plain"]
    configurations: Any = {f"dataset={name}": (name, {}) for name in names}
    experiment = folded(tmp_path, configurations, cells={}, plain={"method": "random"})
    left_out = ("plain.fold2", "plain.fold3")
    experiment.runs = [r for r in experiment.runs if r.dataset not in left_out]
    tables.write_comparison(tmp_path / "comparison.csv", experiment, True)
    plain_content(experiment)
    rows = csv.DictReader((tmp_path / "comparison.csv").open())
    repeats = {row["setting/dataset"]: (row["folds"], row["seeds"]) for row in rows}
    assert repeats == {"cells": ("3", ""), "plain.fold1": ("", "1")}


def test_of_folds_the_first_stands_for_the_data_set(tmp_path: Path) -> None:
    runs = {"plain": ("shapes", {}), "other": ("others", {"lr0": 0.5})}
    experiment = folded(tmp_path, runs, shapes={}, others={"seed": 7})
    described = list(experiment.datasets.values())
    assert len(described) == 6
    part = data(described)
    assert [one["name"] for one in part["datasets"]] == ["others.fold1", "shapes.fold1"]
    assert part["folds"] and len(part["overview"][0]) == 7
    with style():
        figures = (class_distribution, objects_per_image)
        drawings = [
            d for f in figures for d in f.draw(experiment, PlotSettings(gallery=4, runs=()))
        ]
    assert all("fold1" in drawing.caption for drawing in drawings) and len(drawings) == 3


def test_a_fold_with_a_leak_is_shown_beside_the_first(tmp_path: Path) -> None:
    experiment = folded(tmp_path, {"plain": ("shapes", {})}, shapes={})
    path = experiment.data / "sets/shapes.fold3/split.json"
    split = load(path)
    edit(path, test=[*split["test"], split["train"][0]])
    part = data(list(reloaded(experiment).datasets.values()))
    assert [one["name"] for one in part["datasets"]] == ["shapes.fold1", "shapes.fold3"]
