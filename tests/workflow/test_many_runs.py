"""An experiment of very many runs: no command becomes too long for the system."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairtrial.planning.housekeeping import INLINE, settings_argument
from project import Project

CONFIGURATIONS, SEEDS, LENGTH = 210, 2, 80
NAMES = CONFIGURATIONS * SEEDS * (LENGTH + len('"",'))
assert NAMES > INLINE
OF_RUN = ("weights.pt", "record.json", "predictions/val.json", "predictions/test.json")
OF_RUN += ("speed.json", "metrics.json", "per_class.csv", "curves.csv", "confusion.csv")
OF_RUN += ("resamples.npz", "error_kinds.csv", "by_size.csv", "by_group.csv", "class_curves.csv")
OF_RUN += ("operating_points.csv", "calibration.csv")


def test_short_settings_are_given_as_they_are(tmp_path: Path) -> None:
    assert settings_argument('{"a":1}', tmp_path) == '{"a":1}'
    assert settings_argument("x" * INLINE, tmp_path) == "x" * INLINE
    assert list(tmp_path.iterdir()) == []


def test_long_settings_are_a_file_named_after_their_content(tmp_path: Path) -> None:
    first, second = ("é" + letter * INLINE for letter in "ab")
    arguments = [settings_argument(text, tmp_path / "new") for text in (first, second, first)]
    assert arguments[0] == arguments[2] != arguments[1]
    for argument, text in zip(arguments, (first, second, first), strict=True):
        assert argument[0] == "@"
        assert Path(argument[1:]).read_text(encoding="utf-8") == text
    assert len(list((tmp_path / "new").iterdir())) == 2


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose data are made and whose runs are finished, all by stand-ins."""
    project = Project.new(tmp_path_factory.mktemp("many") / "project")
    project.snakemake("--cores", "2", "data/sets/shapes/split.json")
    configurations = [f"{'c' * (LENGTH - len('0000-s0'))}{n:04}" for n in range(CONFIGURATIONS)]
    project.write(
        "config/experiments/compare.yaml",
        "title: Hundreds of runs\n"
        f"seeds: {list(range(SEEDS))}\n"
        "runs:\n"
        + "".join(f"  {c}: {{lr0: 0.{n + 1:04}}}\n" for n, c in enumerate(configurations)),
    )
    for run in (f"{c}-s{seed}" for c in configurations for seed in range(SEEDS)):
        assert len(run) == LENGTH
        for name in OF_RUN:
            project.write(f"results/compare/runs/{run}/{name}", "")
        project.write(f"results/compare/history/{run}.csv", "")
    project.jobs()
    return project


@pytest.mark.slow
def test_hundreds_of_runs_with_long_names_are_plotted_and_reported(project: Project) -> None:
    """No command holds the names of all runs: thousands of them are more than Linux lets it.

    Their outputs have no record in Snakemake, so that only times count here.
    """
    lengths = project.root.parent / "lengths"
    call = ("--rerun-triggers", "mtime", "--cores", "2")
    project.snakemake(*call, STUB_LENGTHS=str(lengths))
    assert project.jobs() == {"plot": 1, "report": 1}
    names = (project.root / "results/compare/runs.csv").read_text().split()
    assert len(names) == 1 + CONFIGURATIONS * SEEDS
    plot, report = (int(line) for line in lengths.read_text().splitlines())
    assert max(plot, report) < NAMES / 2
