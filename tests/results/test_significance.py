"""Which runs are equal, which continue which, and what is compared seed by seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairtrial.results.configuration import Configuration
from fairtrial.results.run import FinishedRun
from fairtrial.results.significance import goes_on, independent_units, interval_of, sample
from fairtrial.scoring.intervals import interval
from fairtrial.scoring.ranking import ranking_rule
from fairtrial.scoring.resamples import write_resamples
from tests.records import (
    RECORD,
    a_record,
    classification_metrics,
    detection_metrics,
    resamples_of,
)

INPUTS = RECORD["inputs"]
RULE = ranking_rule({"recall": 3, "map50_95": 1})


def a_run(
    root: Path, name: str, seed: int = 0, metrics: Any = None, predicted: str = "[1]", **record: Any
) -> FinishedRun:
    folder = root / "runs" / f"{name}-s{seed}"
    (folder / "predictions").mkdir(parents=True)
    content = metrics or detection_metrics(0.5)
    (folder / "record.json").write_text(json.dumps(a_record(seed=seed, **record)))
    (folder / "metrics.json").write_text(json.dumps(content))
    write_resamples(folder / "resamples.npz", resamples_of(content, folder.name, units=40))
    for split in ("val", "test"):
        (folder / "predictions" / f"{split}.json").write_text(predicted)
    return FinishedRun(folder.name, root, RULE)


def configuration(*runs: FinishedRun) -> Configuration:
    return Configuration("a", "A", list(runs), {}, {})


@pytest.mark.parametrize(
    ("second", "repeats"),
    [
        ({}, 1),
        ({"predicted": "[2]"}, 2),
        ({"weights_sha256": "e" * 64}, 2),
        ({"weights_sha256": None}, 1),
        ({"metrics": detection_metrics(0.6)}, 2),
    ],
    ids=["equal", "predictions", "weights", "weights unknown", "metrics"],
)
def test_seeds_are_one_repeat_only_if_weights_and_predictions_are_equal(
    second: dict[str, Any], repeats: int, tmp_path: Path
) -> None:
    c = configuration(a_run(tmp_path, "a", 0), a_run(tmp_path, "a", 1, **second))
    assert len(c.repeats) == repeats
    assert c.seed_has_no_effect == (repeats == 1)
    assert not c.trained_once


def test_one_seed_is_trained_once_whatever_its_replicates(tmp_path: Path) -> None:
    replicate = a_run(tmp_path / "again", "a", 0)
    c = configuration(a_run(tmp_path, "a", 0), replicate)
    assert c.trained_once and not c.seed_has_no_effect
    assert (len(c.repeats), c.repeats_text) == (1, "one seed")


def chain(root: Path, *names: str, seeds: tuple[int, ...] = (0, 1)) -> list[Configuration]:
    """Configurations of which each continues the one before, seed by seed."""
    found = []
    for number, name in enumerate(names):
        runs = []
        for seed in seeds:
            before = f"{number - 1}{seed}" * 16 if number else None
            inputs = INPUTS | {"continues": before}
            runs.append(a_run(root, name, seed, key=f"{number}{seed}" * 16, inputs=inputs))
        found.append(configuration(*runs))
    return found


def test_a_training_goes_on_from_all_before_it(tmp_path: Path) -> None:
    short, long, longest = chain(tmp_path, "short", "long", "longest")
    everyone = [short, long, longest]
    assert goes_on(long, short, everyone) and goes_on(longest, short, everyone)
    assert not goes_on(short, long, everyone)
    assert not goes_on(longest, short, [longest, short]), "the link between is not known"


def test_the_sample_of_a_configuration_is_the_mean_of_its_runs(tmp_path: Path) -> None:
    runs = [
        a_run(tmp_path, "a", seed, detection_metrics(value), predicted=f"[{seed}]")
        for seed, value in ((3, 0.5), (1, 0.6))
    ]
    c = configuration(*sorted(runs, key=lambda run: run.seed))
    found = sample(c, "test", "AP")
    assert found is not None and found.resampled is not None
    assert (found.seeds, found.scores) == ((1, 3), (0.6, 0.5))
    rows = [run.resampled("test", "AP") for run in runs]
    assert np.allclose(found.resampled, np.mean(rows, axis=0))
    assert independent_units([c], "test") == 40
    assert interval_of(c, "test", "AP") == interval(found, 40)


def test_a_fitness_is_resampled_by_its_rule(tmp_path: Path) -> None:
    run = a_run(tmp_path, "a")
    recall, ap = run.resampled("test", "recall"), run.resampled("test", "AP")
    fitness = run.resampled("test", "fitness")
    assert recall is not None and ap is not None and fitness is not None
    assert np.allclose(fitness, 0.75 * recall + 0.25 * ap)


def test_a_seed_without_a_value_has_no_part_in_the_resamples(tmp_path: Path) -> None:
    undefined = detection_metrics(0.5)
    undefined["test"] = undefined["test"] | {"AP": None}
    first, second = a_run(tmp_path, "a", 0), a_run(tmp_path, "a", 1, undefined)
    found = sample(configuration(first, second), "test", "AP")
    assert found is not None and found.resampled is not None
    assert found.seeds == (0,)
    assert np.array_equal(found.resampled, first.resampled("test", "AP"))


def per_class(run: FinishedRun, *images: int) -> FinishedRun:
    rows = [f"test,{name},{count},0.5" for name, count in zip("abc", images, strict=False)]
    (run.folder / "per_class.csv").write_text("\n".join(["split,class,images,f1", *rows, ""]))
    return run


@pytest.mark.parametrize(
    ("accuracy", "images", "learned"),
    [(0.6, (60, 40), False), (0.62, (60, 40), True), (1.0, (50,), True)],
    ids=["as the commonest class", "above it", "one class alone"],
)
def test_a_classifier_has_learned_where_it_beats_the_commonest_class(
    accuracy: float, images: tuple[int, ...], learned: bool, tmp_path: Path
) -> None:
    run = a_run(tmp_path, "a", metrics=classification_metrics(accuracy))
    assert per_class(run, *images).learned == learned


@pytest.mark.parametrize(("value", "learned"), [(0.0, False), (0.001, True), (None, True)])
def test_a_detector_has_learned_where_it_finds_an_object(
    value: float | None, learned: bool, tmp_path: Path
) -> None:
    content = detection_metrics(0.5)
    for split in ("val", "test"):
        content[split] = content[split] | {"AP50": value}
    assert a_run(tmp_path, "a", metrics=content).learned == learned
