"""What `compare` copies from revisions, and under which names. (With DVC: test_dvc.py.)"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from tests.report.fake_results import Fake

from facts import missing_facts, refused
from fairtrial import DataError, SettingsError
from fairtrial.__main__ import main
from fairtrial.commands._revisions import Revision, copy_image, copy_runs, open_revision
from fairtrial.commands.compare import _score
from fairtrial.data import dataset
from fairtrial.files.checksums import sha256_of
from fairtrial.files.modelfile import write_model
from fairtrial.lineage.made import MadeRecord
from fairtrial.planning.config_files import read_params
from fairtrial.results.experiment import ExperimentResults, load_experiment
from fairtrial.results.significance import gaps_to

ROOT = Path(__file__).parents[2]


def project(root: Path) -> Revision:
    """A project with two runs and a report, seen as a revision of its folder's name."""
    fake = Fake(root, {"plain": {}, "slow": {"lr0": 0.1}}, seeds=(0,)).build()
    (fake.results / "runs.csv").write_text("\n".join(["run,seed", "slow-s0,0", "plain-s0,0", ""]))
    return Revision(root.name, "compare", root.name, DirFileSystem(str(root), LocalFileSystem()))


def together(tmp_path: Path, *revisions: Revision) -> ExperimentResults:
    root = tmp_path / "together"
    runs = [run for revision in revisions for run in copy_runs(revision, root)]
    for run in runs:  # as scoring anew would
        label, name = run.split(":")
        scored = tmp_path / label / "results/compare/runs" / name / "metrics.json"
        (root / "results/comparison/runs" / run / "metrics.json").write_bytes(scored.read_bytes())
    return load_experiment(root / "results/comparison", root / "data", runs)


def test_runs_are_told_apart_by_revision_and_share_their_data(tmp_path: Path) -> None:
    experiment = together(tmp_path, project(tmp_path / "a"), project(tmp_path / "b"))
    expected = ["a:slow-s0", "a:plain-s0", "b:slow-s0", "b:plain-s0"]
    assert [run.name for run in experiment.runs] == expected, "in the order of each report"
    assert sorted(c.differs["revision"] for c in experiment.configurations) == ["a", "a", "b", "b"]
    assert list(experiment.datasets) == ["shapes"]
    assert len(experiment.comparisons) == 1
    assert experiment.runs[0].history["epoch"] and experiment.runs[0].speed
    assert experiment.datasets["shapes"].quality is not None


def test_runs_of_two_revisions_are_scored_on_equal_resamples(tmp_path: Path) -> None:
    """So that a gap between them has the interval of paired runs."""
    revisions = [project(tmp_path / name) for name in ("a", "b")]
    root = tmp_path / "together"
    runs = [run for revision in revisions for run in copy_runs(revision, root)]
    for run in runs:
        _score(read_params(ROOT / "params.yaml")["validate"], "detect", run, root)
    experiment = load_experiment(root / "results/comparison", root / "data", runs)
    resampled = {run.name: run.resampled("test", "AP") for run in experiment.runs}
    first, second = resampled["a:plain-s0"], resampled["b:plain-s0"]
    assert first is not None and second is not None
    assert len(first) == 1000 and (first == second).all() and first.std() > 0
    (comparison,) = experiment.comparisons
    best, *others = comparison.ranked()
    gaps = gaps_to(best, others, "test", "AP")
    assert len(gaps) == 3 and all(gap.compared == "one seed" for gap in gaps.values())
    slow, plain = (c for c in comparison.configurations if c.differs["revision"] == "a")
    (gap,) = gaps_to(slow, [plain], "test", "AP").values()
    assert gap.low is not None and gap.high is not None and gap.low < gap.gap < gap.high


def test_another_ground_truth_under_the_same_name_stands_apart(tmp_path: Path) -> None:
    first, second = project(tmp_path / "a"), project(tmp_path / "b")
    split = tmp_path / "b/data/sets/shapes/split.json"
    content: dict[str, Any] = json.loads(split.read_text())
    content["test"].pop()
    split.write_text(json.dumps(content))
    experiment = together(tmp_path, first, second)
    assert list(experiment.datasets) == ["shapes", "shapes@b"]
    assert [
        [c.name for c in comparison.configurations] for comparison in experiment.comparisons
    ] == [
        ["a:slow", "a:plain"],
        ["b:slow", "b:plain"],
    ]
    assert experiment.datasets["shapes@b"].source == "drawn@b"


def test_an_image_is_taken_from_the_revision_that_has_it(tmp_path: Path) -> None:
    revision = project(tmp_path / "a")
    together(tmp_path, revision)
    for _ in range(2):
        copy_image(revision, "drawn", "001.png", tmp_path / "together")
    copied = tmp_path / "together/data/clean/drawn/images/001.png"
    assert copied.read_bytes() == (tmp_path / "a/data/clean/drawn/images/001.png").read_bytes()


def test_what_is_not_recorded_is_refused(tmp_path: Path) -> None:
    revision = project(tmp_path / "a")
    (tmp_path / "a/results/compare/runs/slow-s0/predictions/val.json").unlink()
    with refused(DataError, "a: results/compare/runs/slow-s0/predictions/val.json"):
        copy_runs(revision, tmp_path / "together")
    with refused(DataError, "a: no report", "results/other/runs.csv", "dvc repro"):
        replace(revision, experiment="other").runs()


def test_the_experiment_is_that_of_params_or_the_one_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path / "a")
    monkeypatch.chdir(tmp_path / "a")
    with refused(SettingsError, "workspace", "params.yaml"), open_revision("workspace"):
        pass
    Path("params.yaml").write_text("experiment: compare\n")
    with open_revision("workspace") as revision:
        assert (revision.experiment, revision.label) == ("compare", "workspace")
        assert revision.runs() == ["slow-s0", "plain-s0"]
    with open_revision("workspace:other") as revision:
        assert (revision.experiment, revision.label) == ("other", "workspace.other")


def test_a_revision_is_not_compared_with_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "HEAD", "HEAD"]) == 1
    assert missing_facts(capsys.readouterr().err, "revision", "twice") == []


def alone(
    root: Path, monkeypatch: pytest.MonkeyPatch, shared: bool = False, **fitness: dict[str, float]
) -> None:
    """A project whose recorded runs have these fitnesses and a data set each, unless it is shared,
    and whose params.yaml names another experiment, which is not even there."""
    runs: dict[str, dict[str, Any]] = {}
    for number, (name, weights) in enumerate(fitness.items()):
        runs[name] = {"fitness": weights} | ({"lr0": number} if shared else {})
    sets = {name: 0 if shared else number for number, name in enumerate(runs)}
    fake = Fake(root, runs, seeds=(0,), shared={"epochs": 8, "imgsz": 32}, sets=sets).build()
    names = "".join(f"{run}\n" for run in fake.runs)
    (fake.results / "runs.csv").write_text(f"run\n{names}")
    shutil.copy(ROOT / "params.yaml", root)
    monkeypatch.chdir(root)


@pytest.mark.slow
def test_the_compared_runs_say_how_they_are_ranked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(tmp_path, monkeypatch, shared=True, one={"recall": 1.0}, other={"recall": 1.0})
    assert main(["compare", "workspace:compare"]) == 0
    assert "sorted by recall on val" in Path("comparison.md").read_text()


def test_runs_of_several_fitnesses_are_not_ranked_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alone(tmp_path, monkeypatch, one={"recall": 1.0}, two={"f1": 1.0})
    assert main(["compare", "workspace:compare"]) == 1
    message = capsys.readouterr().err
    runs = ("workspace.compare:one-s0: recall", "workspace.compare:two-s0: f1")
    assert missing_facts(message, "`rank_by`", "one metric", *runs) == []
    assert not Path("comparison.pdf").exists()


def test_boxes_and_classes_are_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alone(tmp_path, monkeypatch, one={"f1": 1.0}, two={"f1": 1.0})
    path = tmp_path / "data/sets/shapes1/annotations.json"
    data = dataset.read(path)
    data.annotations = [dataset.Annotation(image.id, 1, None) for image in data.images]
    dataset.write(data, path)
    assert main(["compare", "workspace:compare"]) == 1
    assert "workspace.compare:two-s0: classify" in capsys.readouterr().err


def recorded(root: Path, stage: str, made: str, files: list[str]) -> None:
    """The record of a job that has written these files."""
    record = MadeRecord(
        stage=stage, settings_sha256="", code="", inputs={}, outputs=sha256_of(root, files)
    )
    (root / made).parent.mkdir(parents=True, exist_ok=True)
    write_model(root / made, record.sealed())


@pytest.mark.parametrize(
    "changed",
    ["results/compare/runs/slow-s0/predictions/test.json", "data/sets/shapes/annotations.json"],
    ids=["predictions", "ground truth"],
)
def test_what_was_changed_since_it_was_made_is_not_compared(tmp_path: Path, changed: str) -> None:
    revision, root = project(tmp_path / "a"), tmp_path / "a"
    run = "results/compare/runs/slow-s0"
    predictions = [f"{run}/predictions/val.json", f"{run}/predictions/test.json"]
    recorded(root, "predict", "results/compare/made/predict/slow-s0.json", predictions)
    data = ["data/sets/shapes/annotations.json", "data/sets/shapes/split.json"]
    recorded(root, "split", "data/made/split/shapes.json", data)
    copy_runs(revision, tmp_path / "together")
    (root / changed).write_text((root / changed).read_text() + " ")
    with refused(DataError, f"{changed}: was changed"):
        copy_runs(revision, tmp_path / "again")
