"""Only what the plan's settings, code and inputs have made is published; damage is told with the
command that mends it, and is mended from the store."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from facts import missing_facts
from fairtrial.lineage.outputs import OUTPUTS
from project import Project

pytestmark = pytest.mark.slow

TWO_RUNS = """\
title: An experiment of two runs
base: {backend: quick, epochs: 1}
runs:
  first: {imgsz: 32}
  second: {imgsz: 64}
"""
RUN = "results/compare/runs/first-s0"
PREDICTED = ("predictions/val.json", "predictions/test.json")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("guard") / "finished"
    project = Project.new(root, stubs=("none",), quick_backend=True).preload()
    project.write("config/experiments/compare.yaml", TWO_RUNS)
    project.edit("params.yaml", "timings: true", "timings: false")
    project.edit("params.yaml", "gallery: 4 ", "gallery: 0 ")  # drawing takes most of the time
    project.edit("params.yaml", "html_mb: 20 ", "html_mb: 0 ")
    project.snakemake("--cores", "2")
    project.jobs()
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    return finished.copy(tmp_path / "project")


def change_a_digit(path: Path) -> None:
    """The last digit of a text, the last byte of anything else."""
    content = path.read_bytes()
    try:
        text = content.decode()
        place = max(found.start() for found in re.finditer("[0-9]", text))
    except ValueError:
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        return
    path.write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])


def files(project: Project) -> dict[str, bytes]:
    """All results that hold no times."""
    paths = [p for p in (project.root / "results").rglob("*") if p.is_file()]
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes()
        for path in paths
        if not path.name.startswith(".") and "made" not in path.parts
        if path.name not in {"record.json", "speed.json"}
    }


def test_lost_and_garbled_metadata_hide_no_change_of_settings(project: Project) -> None:
    for number, path in enumerate(sorted((project.root / ".snakemake/metadata").iterdir())):
        path.write_text("{") if number % 2 else path.unlink()
    assert not project.plan(), "nothing has changed"
    project.edit("params.yaml", "lr0: 0.002", "lr0: 0.001")
    text = project.snakemake("-n", check=False)
    facts = (f"{RUN}/weights.pt", "other settings", "fairtrial repair compare")
    assert missing_facts(text, *facts) == []
    project.fairtrial("repair")
    assert {job.partition(" ")[0] for job in project.plan()} >= {"train", "report"}


def test_a_result_without_its_record_is_told_before_anything_runs(project: Project) -> None:
    """Not after a night of trainings, when plot refuses it."""
    record = project.root / "results/compare/made/predict/first-s0.json"
    record.unlink()
    text = project.snakemake("-n", check=False)
    facts = ("made/predict/first-s0.json", "no such file", "fairtrial repair compare")
    assert missing_facts(text, *facts) == []
    # as a driver that was killed leaves a job: Snakemake makes that again by itself
    unfinished = base64.urlsafe_b64encode(f"{RUN}/predictions/val.json".encode()).decode()
    (project.root / ".snakemake/incomplete" / unfinished).write_text("{}")
    assert project.plan()["predict first-s0"] == 1


def test_a_change_of_code_is_not_hidden_by_touch(project: Project) -> None:
    project.edit("workflow/fairtrial/stages/validate.py", '"val": val', '"val": Path(val)')
    assert project.plan()["validate first-s0"] == 1
    project.snakemake("--touch", "--cores", "1")
    text = project.snakemake("-n", check=False)
    facts = (f"{RUN}/metrics.json", "other code", "repair compare", "fairtrial accept compare")
    assert missing_facts(text, *facts) == []


def test_a_number_changed_by_hand_is_not_published_and_is_mended(project: Project) -> None:
    change_a_digit(project.root / RUN / "metrics.json")
    assert project.snakemake("--cores", "1", check=False)
    log = (project.root / "logs/compare/plot.log").read_text()
    facts = (f"{RUN}/metrics.json: was changed", "fairtrial repair compare")
    assert missing_facts(log, *facts) == []
    assert "second-s0" not in log
    project.fairtrial("repair")
    assert project.plan() == Counter({"validate first-s0": 1, "plot": 1, "report": 1})


def test_no_training_begins_with_labels_that_were_changed(project: Project) -> None:
    change_a_digit(project.root / "data/sets/shapes/annotations.json")
    project.edit(
        "config/experiments/compare.yaml", "{imgsz: 64}", "{imgsz: 64}\n  new: {imgsz: 96}"
    )
    before = project.trainings()
    assert project.snakemake("--cores", "1", "trained", check=False)
    log = (project.root / "logs/compare/train/new-s0.log").read_text()
    facts = ("data/sets/shapes/annotations.json: was changed", "`fairtrial repair compare`")
    assert missing_facts(log, *facts) == []
    assert project.trainings() == before
    project.fairtrial("repair")
    project.snakemake("--cores", "1", "trained")
    assert (project.trainings() - before).total() == 1


def test_every_kind_of_damage_is_mended_from_the_store(project: Project) -> None:
    before, trained = files(project), project.trainings()
    damaged = sorted({**before, f"{RUN}/record.json": b"", f"{RUN}/speed.json": b""})
    for number, name in enumerate(damaged):
        path = project.root / name
        if number % 3 == 0:
            change_a_digit(path)
        elif number % 3 == 1:
            path.write_bytes(path.read_bytes()[:10])
        else:
            path.unlink()
    (project.root / "results/compare/made/predict/second-s0.json").write_text("{")
    listed = project.fairtrial("repair")
    unproven = {f"results/compare/runs/second-s0/{name}" for name in PREDICTED}
    assert [name for name in damaged if name not in listed and name not in unproven] == []
    assert "made/predict/second-s0.json" in listed
    project.snakemake("--cores", "2")
    assert files(project) == before
    assert project.trainings() == trained
    assert not project.plan()
    assert "nothing is damaged" in project.fairtrial("repair")


def test_a_deleted_file_is_missed_though_the_report_is_there(project: Project) -> None:
    (project.root / RUN / "weights.pt").unlink()
    assert project.plan()["train first-s0"] == 1


def test_what_the_store_lacks_is_said_before_anything_is_removed(project: Project) -> None:
    for path in (project.root / "store/runs").iterdir():
        shutil.rmtree(path)
    change_a_digit(project.root / RUN / "weights.pt")
    before = files(project)
    refusal = project.fairtrial("repair", check=False)
    assert missing_facts(refusal, "no training of first-s0", "dvc checkout") == []
    assert files(project) == before


def one_of_each_kind(project: Project) -> list[str]:
    """The files of a run, of a source, of a data set and of the report; of folders with many files
    of one suffix only the first."""
    kinds = {}
    for path in sorted((project.root / "data").rglob("*")) + sorted(
        (project.root / "results").rglob("*")
    ):
        name = path.relative_to(project.root).as_posix()
        if path.is_file() and not path.name.startswith(".") and "second-s0" not in name:
            many = path.parent.name in {"images", "figures"}
            kinds.setdefault((path.parent, path.suffix if many else path.name), name)
    return [*kinds.values()]


def verify_each(names: tuple[str, ...]) -> None:
    """Print what `verify` says when a digit of each file is another, and what it says before."""
    from fairtrial import DataError
    from fairtrial.commands.verify import verify

    said = {}
    for name in names:
        content = Path(name).read_bytes()
        change_a_digit(Path(name))
        try:
            verify()
        except DataError as error:
            said[name] = str(error)
        Path(name).write_bytes(content)
    print(json.dumps(said))


def test_a_changed_digit_is_found_in_each_kind_of_file(finished: Project) -> None:
    text = finished.fairtrial("verify")
    count = 2 * len(OUTPUTS["validate"]) + len(OUTPUTS["report"])
    facts = ("compare: all holds", f"{count} files computed anew with the same bytes")
    assert missing_facts(text, *facts) == [] and "not compared" not in text
    names = one_of_each_kind(finished)
    said = json.loads(finished.forked(verify_each, tuple(names), True, {}))
    assert len(names) > 40
    assert [name for name in names if f"  {name}: " not in said.get(name, "")] == []
    mends = {name: set(re.findall("mended by `(.*)`", said[name])) for name in names}
    again = "snakemake --forcerun data/raw/shapes.sha256"
    image = {again, "snakemake --forcerun data/clean/shapes/annotations.json"}
    assert mends.pop("data/raw/shapes/annotations.json") == {again}
    assert mends.pop("data/raw/shapes/images/00001.jpg") == image, "a hard link"
    assert mends.pop("data/clean/shapes/images/images/00001.jpg") == image
    assert [n for n, found in mends.items() if found != {"fairtrial repair compare"}] == []


def test_scores_that_do_not_follow_from_the_predictions_are_found(project: Project) -> None:
    """Also where the record was made to agree, as after an edit of code that is said to change
    nothing."""
    change_a_digit(project.root / RUN / "metrics.json")
    project.forked(record_as_it_is, (f"{RUN}/metrics.json",), True, {})
    text = project.fairtrial("verify", check=False)
    facts = (f"{RUN}/metrics.json: does not follow", f"snakemake --forcerun {RUN}/metrics.json")
    assert missing_facts(text, *facts) == []


def record_as_it_is(names: tuple[str, ...]) -> None:
    from fairtrial.files.checksums import sha256_of
    from fairtrial.files.modelfile import write_model
    from fairtrial.lineage.made import read_made

    path = Path("results/compare/made/validate/first-s0.json")
    record = read_made(path)
    outputs = record.outputs | sha256_of(Path(), names)
    write_model(path, record.model_copy(update={"outputs": outputs}).sealed())


def test_an_edit_that_is_accepted_runs_nothing_again_and_is_told(project: Project) -> None:
    project.edit("workflow/fairtrial/backends/quick.py", '_log("end"', '_log("ended"')
    project.edit("workflow/fairtrial/stages/validate.py", '"val": val', '"val": Path(val)')
    assert {"train first-s0", "validate first-s0"} <= set(project.plan())
    project.fairtrial("accept")
    project.edit(
        "config/experiments/compare.yaml", "{imgsz: 64}", "{imgsz: 64}\n  new: {imgsz: 96}"
    )
    new = {f"{stage} new-s0": 1 for stage in ("train", "predict", "validate")}
    assert project.plan() == Counter(new | {"plot": 1, "report": 1})
    project.write("config/experiments/compare.yaml", TWO_RUNS)
    project.jobs()
    project.snakemake("--cores", "2")
    assert project.jobs() == Counter({"report": 1})
    page = (project.root / "results/compare/report.html").read_text()
    assert "validate was edited after results were made" in page
    assert "compare: all holds" in project.fairtrial("verify")
    refusal = project.fairtrial("accept", check=False)
    assert missing_facts(refusal, "nothing is to be accepted") == []
    (project.root / "config/accepted/compare.json").unlink()
    assert project.plan()["train first-s0"] == 1


def test_settings_are_never_accepted(project: Project) -> None:
    project.edit("params.yaml", "lr0: 0.002", "lr0: 0.001")
    refusal = project.fairtrial("accept", check=False)
    assert missing_facts(refusal, "train/first-s0.json", "settings are never accepted") == []
    assert not (project.root / "config/accepted").exists()
    assert project.plan()["train first-s0"] == 1
