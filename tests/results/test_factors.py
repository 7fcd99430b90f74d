"""Means, gaps and interactions of the factors of a grid, against sums by hand."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from fairtrial.report.factors import grid_parts
from fairtrial.results.experiment import load_experiment
from fairtrial.results.factors import FactorGrid, factor_grid
from fairtrial.scoring.intervals import contrast_interval
from fairtrial.scoring.verdict import Sample
from fairtrial.settings.factors import factors_of
from tests.report.fake_results import Fake
from tests.report.test_report import report_text

GRID: dict[str, Any] = {
    "lr0": [0.001, 0.01],
    "size": {"small": {"imgsz": 96}, "large": {"imgsz": 160, "batch": 4}, "plain": None},
}
SIZES: dict[str, dict[str, Any]] = {"small": {"imgsz": 96}, "large": {"imgsz": 160, "batch": 4}}
# AP of (lr0, size) without noise; the step of lr0 is larger for `large` by 0.1
APS = {
    (0.001, "small"): 0.40, (0.001, "large"): 0.50, (0.001, "plain"): 0.45,
    (0.01, "small"): 0.42, (0.01, "large"): 0.62, (0.01, "plain"): 0.47,
}  # fmt: skip
NOISE = {0: 0.004, 1: -0.004, 2: 0.0}


def grid_of(
    root: Path, left_out: set[tuple[float, str]] = frozenset(), **more: Any
) -> FactorGrid | None:
    configurations, ap = {}, {}
    for lr0, size in itertools.product(GRID["lr0"], GRID["size"]):
        if (lr0, size) in left_out:
            continue
        name = f"lr0={lr0}+size={size}"
        configurations[name] = {"lr0": lr0} | SIZES.get(size, {})
        for seed, split in itertools.product((0, 1, 2), ("val", "test")):
            ap[name, seed, split] = APS[lr0, size] + NOISE[seed]
    configurations |= more
    fake = Fake(root, configurations, ap=ap, image_noise=0.0005).build()
    (comparison,) = load_experiment(fake.results, fake.data, fake.runs).comparisons
    return factor_grid(comparison, factors_of(GRID))


def test_from_scratch_is_no_start_from_a_checkpoint(tmp_path: Path) -> None:
    """A start that names the model's own checkpoint is told from one that names none."""
    starts: dict[str, dict[str, Any]] = {
        "scratch": {},
        "finetuned": {"pretrained": "yolov8/{model}.pt"},
        "frozen": {"pretrained": "yolov8/{model}.pt", "freeze": 10},
    }
    configurations = {
        f"model={model}+start={start}": {"pretrained": None, "freeze": None, "model": model}
        | {key: str(v).format(model=model) if key != "freeze" else v for key, v in own.items()}
        for model in ("yolov8n", "yolov8s")
        for start, own in starts.items()
    }
    fake = Fake(tmp_path, configurations, seeds=(0,)).build()
    (comparison,) = load_experiment(fake.results, fake.data, fake.runs).comparisons
    grid = factor_grid(comparison, factors_of({"model": ["yolov8n", "yolov8s"], "start": starts}))
    assert grid is not None
    assert grid.levels["start"] == ("scratch", "finetuned", "frozen")
    assert {cell: c.name for cell, c in grid.cells.items()} == {
        (model, start): f"model={model}+start={start}"
        for model in ("yolov8n", "yolov8s")
        for start in starts
    }


def test_a_level_is_the_mean_over_the_others(tmp_path: Path) -> None:
    grid = grid_of(tmp_path)
    assert grid is not None
    assert grid.levels == {"lr0": ("0.001", "0.01"), "size": ("small", "large", "plain")}
    samples = grid.samples("test", "lr0")
    assert samples["0.001",].mean == pytest.approx(np.mean([0.40, 0.50, 0.45]))
    assert samples["0.01",].scores == pytest.approx([0.5033333 + NOISE[s] for s in (0, 1, 2)])
    assert grid.best("size") == "large"
    gaps = grid.gaps("size")
    assert {level: round(gap.gap, 9) for level, gap in gaps.items()} == {
        "small": 0.15,
        "plain": 0.1,
    }
    assert all(gap.apart for gap in gaps.values())


def test_combinations_that_lack_a_level_do_not_count(tmp_path: Path) -> None:
    """Else the lr0 that `large` was not trained with would look worse for that."""
    grid = grid_of(tmp_path, left_out={(0.001, "large")})
    assert grid is not None
    samples = grid.samples("test", "lr0")
    assert samples["0.001",].mean == pytest.approx(np.mean([0.40, 0.45]))
    assert samples["0.01",].mean == pytest.approx(np.mean([0.42, 0.47]))
    sizes = grid.samples("test", "size")
    assert sizes["large",].mean == pytest.approx(0.62)
    assert grid.interaction("lr0", "size") is None


def test_the_largest_departure_from_adding_up(tmp_path: Path) -> None:
    grid = grid_of(tmp_path)
    assert grid is not None
    found = grid.interaction("lr0", "size")
    assert found is not None
    assert abs(found.value) == pytest.approx((0.62 - 0.50) - (0.42 - 0.40))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high


def test_a_run_beside_the_grid_takes_no_place_in_it(tmp_path: Path) -> None:
    beside = {"extra": {"lr0": 0.001, "imgsz": 96, "momentum": 0.1}, "other": {"lr0": 0.5}}
    grid = grid_of(tmp_path, **beside)
    assert grid is not None
    assert {c.name for c in grid.cells.values()}.isdisjoint(beside)
    assert len(grid.cells) == 6


def test_one_factor_is_no_grid(tmp_path: Path) -> None:
    assert grid_of(tmp_path, left_out={(0.01, size) for size in GRID["size"]}) is None


def test_the_section_has_a_table_by_factors(tmp_path: Path) -> None:
    grid = grid_of(tmp_path, left_out={(0.01, "plain")})
    assert grid is not None
    fake_experiment = load_experiment(
        tmp_path / "results" / "compare",
        tmp_path / "data",
        [run.name for c in grid.comparison.configurations for run in c.runs],
    )
    (part,) = grid_parts(fake_experiment, factors_of(GRID))
    assert part["headings"] == ["lr0", "size small", "size large", "size plain"]
    assert [row[0] for row in part["rows"]] == ["0.001", "0.01"]
    assert part["rows"][1][1:] == ["0.420 ± 0.004", "0.620 ± 0.004", "–"]
    assert part["factors"][1]["answer"].startswith(
        "size: large is best on val; its mean AP on test lies 0.1"
    )


def test_the_interval_of_a_contrast_is_students() -> None:
    """Without resamples, one contrast: the t interval of a mean."""
    scores = (0.1, 0.14, 0.09, 0.12)
    sample = Sample(scores, (0, 1, 2, 3))
    found = contrast_interval(sample, None, 1)
    expected = stats.t.interval(0.95, 3, loc=np.mean(scores), scale=stats.sem(scores))
    assert found == pytest.approx(expected)
    wider = contrast_interval(sample, None, 5)
    corrected = stats.t.interval(0.99, 3, loc=np.mean(scores), scale=stats.sem(scores))
    assert wider == pytest.approx(corrected)
    assert contrast_interval(Sample((0.1,), (0,)), None, 1) is None


@pytest.mark.slow
def test_a_grid_has_its_section_in_the_pdf(tmp_path: Path) -> None:
    assert grid_of(tmp_path) is not None
    runs = sorted(path.name for path in (tmp_path / "results/compare/runs").iterdir())
    fake = Fake(tmp_path, {name.rpartition("-s")[0]: {} for name in runs})
    text = report_text(fake, build=False, factors=factors_of(GRID))
    for fact in ("Factors of the grid", "size: large is best on val", "lr0 and size: what size"):
        assert fact in text
