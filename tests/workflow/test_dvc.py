"""Under DVC nothing is trained twice, nothing is lost, and every name has its own numbers.

The data, the store and the training stage are real, with a backend that trains nothing; the
stages after it are stand-ins. DVC and Snakemake are real, and typed as a person types them.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import time
from pathlib import Path

import pypdf
import pytest

from facts import missing_facts
from installed import install, quick_project
from project import Project

pytestmark = pytest.mark.slow

DEFAULT, OTHER = 0.002, 0.0001


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project under git and DVC, with the experiment `compare` run and recorded."""
    project = Project.new(tmp_path_factory.mktemp("dvc") / "recorded", quick_backend=True)
    project.preload()
    project.write("config/experiments/other.yaml", OTHER_EXPERIMENT)
    project.run("git", "init", "-q")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "project")
    project.run("dvc", "exp", "run", QUICK_BYTES=str(2 * 2**20))  # as large as real weights
    assert trained(project) == 4
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "compare")
    return project


@pytest.fixture
def project(recorded: Project, tmp_path: Path) -> Project:
    copied = recorded.copy(tmp_path / "project")
    # DVC finds its own files by inode and time, which a copy changes; a look makes it see them
    copied.run("dvc", "status")
    return copied


def trained(project: Project) -> int:
    """How many trainings have begun since the last call of this."""
    count = project.trainings().total()
    project.trained.unlink(missing_ok=True)
    return count


ONE_RUN = "title: One run\nbase: {backend: quick}\nruns: {small: {imgsz: 96}}\nseeds: [0]\n"
OTHER_EXPERIMENT = """\
title: Another question
base: {backend: quick}
runs:
  small: {imgsz: 96}
  slow: {imgsz: 96, momentum: 0.5}
seeds: [0]
"""


def lr0_of(project: Project, run: str, experiment: str = "compare") -> float:
    """The learning rate that the weights under a run's name were trained with."""
    folder = project.root / "results" / experiment / "runs" / run
    return float(json.loads((folder / "weights.pt").read_text())[0]["lr0"])


def right(project: Project, small: float, experiment: str = "compare") -> None:
    """Every run's weights and record are those of its settings."""
    runs = {"small-s0": small, "small-s1": small, "large-s0": 0.01, "large-s1": 0.01}
    if experiment == "other":
        runs = {"small-s0": small, "slow-s0": small}
    for run, lr0 in runs.items():
        assert lr0_of(project, run, experiment) == lr0, run
        record = project.root / "results" / experiment / "runs" / run / "record.json"
        assert json.loads(record.read_text())["settings"]["lr0"] == lr0, run


def test_a_changed_parameter_trains_the_runs_that_use_it(project: Project) -> None:
    project.run("dvc", "exp", "run", "-S", "lr0=1e-4")
    assert trained(project) == 2
    right(project, OTHER)
    assert project.jobs()["train small-s0"] == 1
    table = project.run("dvc", "exp", "show", "--csv").stdout
    assert "lr0" in table and "0.0001" in table
    project.run("dvc", "exp", "run", "-S", "lr0=0.002")
    assert trained(project) == 0, "a setting put back must not train"
    right(project, DEFAULT)


def test_one_experiment_another_and_the_first_again(project: Project) -> None:
    project.run("dvc", "exp", "run", "-S", "experiment=other")
    assert trained(project) == 1, "small-s0 is in both experiments"
    right(project, DEFAULT, "other")
    project.jobs()
    project.run("dvc", "exp", "run", "-S", "experiment=compare")
    assert trained(project) == 0
    assert not [job for job in project.jobs() if job.startswith("train")]
    right(project, DEFAULT)


def test_a_report_that_fails_costs_no_training(project: Project) -> None:
    failed = project.run("dvc", "exp", "run", "-S", "lr0=1e-4", check=False, STUB_FAIL="report")
    assert failed.returncode != 0
    assert trained(project) == 2
    project.run("dvc", "exp", "run", "-S", "lr0=1e-4")
    assert trained(project) == 0, "the same command again trained again"
    right(project, OTHER)


def test_after_a_failure_the_old_setting_has_its_old_numbers(project: Project) -> None:
    project.run("dvc", "exp", "run", "-S", "lr0=1e-4", check=False, STUB_FAIL="report")
    trained(project)
    project.run("dvc", "exp", "run", "-S", "lr0=0.002")
    assert trained(project) == 0
    right(project, DEFAULT)


def test_plain_snakemake_of_another_experiment_then_dvc(project: Project) -> None:
    project.edit("params.yaml", "experiment: compare", "experiment: other")
    project.snakemake("--cores", "2")
    assert trained(project) == 1
    project.run("dvc", "exp", "run", "-S", "lr0=1e-4")
    assert trained(project) == 2
    right(project, OTHER, "other")
    project.run("dvc", "exp", "run", "-S", "experiment=compare", "-S", "lr0=0.002")
    assert trained(project) == 0
    right(project, DEFAULT)


def test_repro_records_what_snakemake_made(project: Project) -> None:
    project.edit("params.yaml", "lr0: 0.002", "lr0: 0.0001")
    project.snakemake("--cores", "2")
    assert trained(project) == 2
    project.jobs()
    project.run("dvc", "repro")
    assert not project.jobs(), "finished results were made again"
    right(project, OTHER)
    assert "up to date" in project.run("dvc", "status").stdout


def test_a_temporary_copy_uses_the_same_store(project: Project) -> None:
    project.run("dvc", "exp", "run", "--temp", "-S", "lr0=1e-4", "--name", "temporary")
    assert trained(project) == 2, "the temporary copy did not find the finished runs"
    right(project, DEFAULT)  # the workspace is as it was
    project.run("dvc", "exp", "apply", "temporary")
    right(project, OTHER)
    project.run("dvc", "repro")
    assert trained(project) == 0
    project.edit("params.yaml", "lr0: 0.0001", "lr0: 0.002")
    project.run("dvc", "repro")
    right(project, DEFAULT)
    assert trained(project) == 0, "what stands under the old setting's name is not what was applied"


def test_a_queue_runs_every_value_and_they_are_compared(project: Project, tmp_path: Path) -> None:
    """Two at a time, in copies that run their own code; the report over them touches nothing."""
    project.run("dvc", "exp", "run", "--queue", "-S", "lr0=1e-3,1e-4,1e-5")
    edited = ("workflow/fairtrial/__main__.py", "import argparse\n", "import missing\n")
    project.edit(*edited)  # in the workspace only, in which no job runs
    project.run("dvc", "queue", "start", "-j2")
    wait_for_queue(project)
    assert trained(project) == 6
    project.edit(edited[0], edited[2], edited[1])
    right(project, DEFAULT)
    names = project.run("dvc", "exp", "list", "--name-only").stdout.split()
    assert len(names) == 3

    before = everything(project)
    pdf = tmp_path / "all.pdf"
    project.run("fairtrial", "compare", "HEAD", *names, "--to", str(pdf))
    assert everything(project) == before
    with pdf.with_suffix(".csv").open() as file:
        rows = {row["configuration"]: row for row in csv.DictReader(file)}
    expected = {f"{rev}:{run}" for rev in ("HEAD", *names) for run in ("small", "large")}
    assert set(rows) == expected
    assert {rows[f"{name}:small"]["setting/lr0"] for name in names} == {"0.001", "0.0001", "1e-05"}
    assert rows["HEAD:small"]["setting/lr0"] == "0.002"
    assert len({row["comparison"] for row in rows.values()}) == 1, "they share their test images"
    text = "".join(page.extract_text() for page in pypdf.PdfReader(pdf).pages)
    text = "".join(text.replace("\u200b", "").split())  # names may wrap
    assert all(name in text for name in names)


def wait_for_queue(project: Project) -> None:
    end = time.monotonic() + 240
    while re.search("Running|Queued", project.run("dvc", "queue", "status").stdout):
        assert time.monotonic() < end, "the queue does not finish"
        time.sleep(0.5)


def everything(project: Project) -> dict[str, str]:
    """Every file of the workspace that a person or a tool would miss, by content."""
    left_out = {".git", "tmp", "__pycache__", "matplotlib"}  # DVC's and matplotlib's notes
    digests = {}
    for path in sorted(project.root.rglob("*")):
        if path.is_file() and not left_out & set(path.relative_to(project.root).parts):
            digests[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    head = project.run("git", "status", "--porcelain").stdout
    return digests | {"git": head + project.run("git", "rev-parse", "HEAD").stdout}


def test_a_clone_pulls_everything_and_has_nothing_to_do(project: Project, tmp_path: Path) -> None:
    project.run("dvc", "remote", "add", "-d", "shelf", str(tmp_path / "shelf"))
    project.run("dvc", "push", "-q")
    project.run("git", "commit", "-qam", "a remote")
    project.run("git", "clone", "-q", str(project.root), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.run("dvc", "pull", "-q")
    assert "Nothing to be done" in clone.snakemake("-n", "--cores", "2")
    right(clone, DEFAULT)


def test_a_clone_gets_the_promoted_winner_from_the_remote(project: Project, tmp_path: Path) -> None:
    """By DVC's own command, without a pull: of the last version, whatever has come since."""
    winner = "results/compare/winner.pt"
    project.run("dvc", "remote", "add", "-d", "shelf", str(tmp_path / "shelf"))
    refused = project.fairtrial("promote", check=False)
    assert not missing_facts(refused, "commit first", ".dvc/config")
    project.run("git", "commit", "-qam", "a remote")
    said = project.fairtrial("promote")
    assert not missing_facts(said, "winner@v1.0.0", "small-s0", "git push origin winner@v1.0.0")
    assert "already" in project.fairtrial("promote", check=False)
    shown = project.run("git", "show", "winner@v1.0.0").stdout
    assert not missing_facts(shown, "small-s0 is best.", "Chosen by AP on val")
    first = (project.root / winner).read_bytes()
    project.run("dvc", "push", "-q")
    project.run("git", "clone", "-q", str(project.root), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.run("dvc", "artifacts", "get", ".", "winner")
    assert (clone.root / "winner.pt").read_bytes() == first

    project.run("dvc", "exp", "run", "-S", "lr0=1e-4")
    assert (project.root / winner).read_bytes() != first
    assert "commit first" in project.fairtrial("promote", check=False)
    project.run("git", "commit", "-qam", "another learning rate")
    assert "winner@v2.0.0" in project.fairtrial("promote")
    project.run("dvc", "push", "-q")
    clone.run("git", "fetch", "-q", "--tags")
    clone.run("dvc", "artifacts", "get", ".", "winner", "--out", "second.pt")
    assert (clone.root / "second.pt").read_bytes() == (project.root / winner).read_bytes()
    clone.run("dvc", "artifacts", "get", ".", "winner", "--rev", "v1.0.0", "--out", "old.pt")
    assert (clone.root / "old.pt").read_bytes() == first


def test_a_parameter_that_no_run_uses_is_refused(project: Project) -> None:
    call = project.run("dvc", "exp", "run", "-S", "imgsz=320", check=False)
    assert call.returncode != 0
    output = call.stderr + call.stdout
    facts = ("params.yaml: `imgsz`", "320", "config/experiments/compare.yaml sets it")
    assert missing_facts(output, *facts) == []
    assert "Traceback" not in output


@pytest.mark.parametrize("name", ["by a job", "before Snakemake"])
def test_the_value_of_a_call_that_failed_is_seen_by_git(name: str, project: Project) -> None:
    """DVC leaves it in params.yaml: as long as the old one, and written in the same second."""
    project.run("dvc", "exp", "run", "-S", f"lr0={DEFAULT}")  # DVC writes the file its own way
    project.run("git", "commit", "-qam", "as DVC writes it")
    params = project.root / "params.yaml"
    before = params.stat()
    if name == "by a job":
        (project.root / "fail").touch()
        env = {"QUICK_FAIL": str(project.root / "fail")}
    else:
        hidden = project.root.parent / "hidden"
        hidden.mkdir()
        (hidden / "snakemake").write_text("#!/bin/sh\nexit 1\n")
        (hidden / "snakemake").chmod(0o755)
        env = {"PATH": f"{hidden}:{project.env['PATH']}"}
    assert project.run("dvc", "exp", "run", "-S", "lr0=0.003", check=False, **env).returncode
    assert params.stat().st_size == before.st_size
    assert "params.yaml" in project.run("git", "status", "--porcelain").stdout
    listed = project.snakemake("-n")
    assert "params.yaml: lr0: 0.003 (0.002 in the last commit)" in listed
    project.run("git", "checkout", "params.yaml", "dvc.lock")
    project.run("dvc", "checkout", "--force")  # drops what the call had finished
    assert "in the last commit" not in project.snakemake("-n")
    right(project, DEFAULT)


def test_a_project_in_a_subfolder_of_a_repository(recorded: Project, tmp_path: Path) -> None:
    """The guard against a key that no run uses reads params.yaml of the revision there, too."""
    project = Project.new(tmp_path / "outer/project", quick_backend=True)
    outer = Project(tmp_path / "outer")
    outer.run("git", "init", "-q")
    project.run("dvc", "init", "--subdir", "-fq")
    outer.run("git", "add", "-A")
    outer.run("git", "commit", "-qm", "outer")
    call = project.run("dvc", "exp", "run", "-S", "imgsz=320", check=False)
    assert call.returncode != 0
    assert not missing_facts(call.stderr + call.stdout, "params.yaml: `imgsz`", "320")


def test_a_change_that_would_be_another_one_is_refused(project: Project) -> None:
    """Several values without a queue; a misspelt key, and one that `+` makes DVC add."""
    changes = {
        "lr0=1e-4,1e-5": "can't be used without `--queue`",
        "lro=1e-4": "Could not override 'lro'",
        "+lro=1e-4": "params.yaml: `lro`: ",
    }
    for change, fact in changes.items():
        call = project.run("dvc", "exp", "run", "-S", change, check=False)
        assert call.returncode != 0
        assert fact in call.stderr + call.stdout
    assert trained(project) == 0


def test_a_run_that_leaves_the_experiment_leaves_results(project: Project) -> None:
    """And comes back without a training."""
    whole = (project.root / "config/experiments/compare.yaml").read_text()
    project.edit("config/experiments/compare.yaml", "  large: {imgsz: 160, lr0: 0.01}\n", "")
    said = project.snakemake("--cores", "2")
    assert not missing_facts(said, "No longer in compare", "large-s0, large-s1")
    results = project.root / "results/compare"
    assert sorted(path.name for path in (results / "runs").iterdir()) == ["small-s0", "small-s1"]
    assert not list(results.rglob("*large*"))
    project.write("config/experiments/compare.yaml", whole)
    project.run("dvc", "repro")
    assert trained(project) == 0
    right(project, DEFAULT)


def test_another_way_to_write_the_record_trains_nothing(project: Project) -> None:
    """The job of every run runs, and finds its training finished."""
    old, new = '"adopted": adopted', '"adopted": bool(adopted)'
    project.edit("workflow/fairtrial/stages/train.py", old, new)
    project.snakemake("--cores", "2")
    assert project.jobs()["train small-s0"] == 1
    assert trained(project) == 0


def test_nothing_is_trained_on_an_image_that_dvc_restored_damaged(project: Project) -> None:
    images = project.root / "data/clean/shapes/images"
    image = sorted(path for path in images.rglob("*.*") if path.is_file())[3]
    content = image.read_bytes()
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    cached = project.root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    mode = cached.stat().st_mode
    cached.chmod(0o644)
    cached.write_bytes(b"x" * len(content))
    cached.chmod(mode)
    image.unlink()
    project.run("dvc", "checkout", "data")
    assert image.read_bytes() == b"x" * len(content), "DVC believes its cache"
    failed = project.run("dvc", "exp", "run", "-S", "lr0=1e-4", check=False)
    assert failed.returncode != 0
    log = (project.root / "logs/compare/train/small-s0.log").read_text()
    assert not missing_facts(log, image.relative_to(images).as_posix(), "snakemake --forcerun data")
    assert trained(project) == 0


def test_an_update_of_the_package_runs_what_it_changes(tmp_path: Path) -> None:
    """A project of `fairtrial init`: DVC cannot see the package, and asks Snakemake each time."""
    site = install(tmp_path)
    project = quick_project(tmp_path / "project", site)
    project.write("config/experiments/compare.yaml", ONE_RUN)
    for command in (["add", "-A"], ["commit", "-qm", "project"]):
        project.run("git", *command)
    project.run("dvc", "exp", "run")
    assert trained(project) == 1
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "compare")
    project.jobs()
    updated(site / "fairtrial/stages/train.py", '"adopted": adopted', '"adopted": bool(adopted)')
    project.run("dvc", "repro")
    assert project.jobs()["train small-s0"] == 1, "DVC did not notice the update"
    assert trained(project) == 0
    updated(site / "fairtrial/backends/quick.py", '_log("end"', '_log("ended"')
    project.run("dvc", "exp", "run")
    assert trained(project) == 1, "other code of the backend trains anew"
    project.run("git", "checkout", "-q", "dvc.lock")
    assert project.run("git", "status", "--short").stdout == "", "a file of the user's was changed"


def updated(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
