"""Would more data help? Configurations that differ in their share of train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairtrial.report.learning_curve import learning_parts
from fairtrial.results.experiment import ExperimentResults, load_experiment
from fairtrial.results.learning_curve import LearningCurve, learning_curves
from tests.report.fake_results import Fake
from tests.report.test_report import report_text

SHARES = {0.25: 30, 0.5: 60, 1.0: 120}
Values = dict[float, list[float]]  # by share: AP of each seed
RISING: Values = {0.25: [0.30, 0.31, 0.32], 0.5: [0.40, 0.41, 0.42], 1.0: [0.50, 0.51, 0.52]}
FLAT = RISING | {1.0: [0.405, 0.42, 0.415]}
FALLING = RISING | {1.0: [0.30, 0.31, 0.29]}


def fake_of(folder: Path, values: Values, **more: Any) -> Fake:
    """A configuration a share, listed with the largest first; the record of 1.0 names no share."""
    names = {share: f"train_share={share:g}" for share in sorted(values, reverse=True)}
    settings = {name: {"train_share": share} if share < 1 else {} for share, name in names.items()}
    ap = {
        (names[share], seed, split): value
        for share, of_seeds in values.items()
        for seed, value in enumerate(of_seeds)
        for split in ("val", "test")
    }
    images = {name: {"train_images": SHARES[share]} for share, name in names.items()}
    seeds = tuple(range(len(values[1.0])))
    return Fake(folder, settings, ap=ap, record=images, seeds=seeds, **more)


def experiment_of(fake: Fake) -> ExperimentResults:
    fake.build()
    return load_experiment(fake.results, fake.data, fake.runs)


def curve_of(folder: Path, values: Values) -> LearningCurve:
    (comparison,) = experiment_of(fake_of(folder, values)).comparisons
    (curve,) = learning_curves(comparison)
    return curve


def test_shares_rise_with_their_images(tmp_path: Path) -> None:
    curve = curve_of(tmp_path, RISING)
    assert [c.letter for c in curve.members] == ["C", "B", "A"]
    assert curve.images == [30, 60, 120]
    assert curve.doublings == 1


def test_equal_shares_are_no_curve(tmp_path: Path) -> None:
    """Two trials with equal settings, by recall and by AP, differ in nothing."""
    fake = Fake(tmp_path, {"by_recall": {}, "by_AP": {}})
    assert learning_curves(experiment_of(fake).comparisons[0]) == []


def test_an_older_record_learned_from_all_of_train(tmp_path: Path) -> None:
    fake = fake_of(tmp_path, RISING)
    fake.record["train_share=1"] = {"train_images": None}
    (curve,) = learning_curves(experiment_of(fake).comparisons[0])
    assert curve.images[-1] == 16


def test_the_last_step_is_the_gap_of_the_two_largest_shares(tmp_path: Path) -> None:
    """Not the gap to the best, and no correction for a third share."""
    gap = curve_of(tmp_path, FALLING).gain("AP")
    assert gap is not None
    assert (gap.gap, gap.means) == (pytest.approx(-0.11), 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "facts"),
    [
        pytest.param(
            RISING,
            ("From 60 to 120 images in train AP on test rises by 0.100", "probably help further"),
            id="rises",
        ),
        pytest.param(FLAT, ("rises by 0.003", "cannot be told whether more images"), id="flat"),
        pytest.param(FALLING, ("falls by 0.110", "More images did not help here"), id="falls"),
        pytest.param(
            {share: of_seeds[:1] for share, of_seeds in RISING.items()},
            ("rises by 0.100", "With one seed a share nobody knows"),
            id="one seed",
        ),
    ],
)
def test_whether_more_images_would_help(
    tmp_path: Path, values: Values, facts: tuple[str, ...]
) -> None:
    text = report_text(fake_of(tmp_path, values), draw=True, sweeps=("train_share",))
    assert [fact for fact in ("Would more data help?", *facts) if fact not in text] == []
    assert "One parameter at a time" not in text, "it is no sweep beside that"


def test_each_set_of_other_settings_has_a_curve(tmp_path: Path) -> None:
    settings = {
        f"imgsz={size}+train_share={share:g}": {"imgsz": size, "train_share": share}
        for size in (96, 160)
        for share in (0.5, 1.0)
    } | {"alone": {"imgsz": 640}}
    parts = learning_parts(experiment_of(Fake(tmp_path, settings)))
    assert [part["label"] for part in parts] == ["imgsz 96", "imgsz 160"]
    assert [[row["cells"][0] for row in part["rows"]] for part in parts] == [["0.5", "1"]] * 2
    # 16 images in train, and records that do not say how many were learned from
    assert [row["cells"][1] for row in parts[0]["rows"]] == ["8", "16"]


def test_without_shares_there_is_no_section(tmp_path: Path) -> None:
    fake = Fake(tmp_path, {"a": {"momentum": 0.6}, "b": {"momentum": 0.9}})
    assert learning_parts(experiment_of(fake)) == []
