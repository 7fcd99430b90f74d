"""The states that a run and a study can be in, from the files that real ones leave."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fairtrial.__main__ import main
from fairtrial.commands import _slurm_queue
from fairtrial.commands._run_states import Row
from fairtrial.commands.status import COLOURS, render
from fairtrial.lineage.alive import shown_alive
from fairtrial.planning.drivers import FOLDER, Driver
from fairtrial.planning.plan import Plan
from fairtrial.search.progress import StudyProgress
from fairtrial.settings.choice import ChosenSettings, Reference
from fairtrial.settings.stages import TrainSettings
from fairtrial.store import locks
from fairtrial.training.progress import (
    TrainingProgress,
    progress_file,
    read_progress,
    reported,
    settings_hash,
)
from fairtrial.training.provenance import SlurmJob
from records import a_record

ROOT = Path(__file__).parents[2]
EXPERIMENT = """\
title: Does it matter?
base: {epochs: 4}
runs: {one: {imgsz: 96}, two: {imgsz: 128}}
seeds: [0]
"""
ONE = "one-s0"
ELSEWHERE = {"host": "n1", "process_ids": None, "process": 7, "started": None, "slurm_job": "41"}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "config/experiments/compare.yaml").write_text(EXPERIMENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # no SLURM, unless a test has one
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return tmp_path


@pytest.fixture
def settings() -> TrainSettings:
    """The settings of the training of run one."""
    return Plan.read("compare").chosen.runs[ONE].train_settings


RUN = Path("results/compare/runs/one-s0")
PROGRESS = Path("logs/compare/train/one-s0.json")
LOG = Path("logs/compare/train/one-s0.log")


def write(path: str | Path, content: Any, age: float = 0) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def board(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert main(["status", "--experiment", "compare", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    return {row["run"]: row for row in content["runs"]} | {"": content}


def state_of_one(capsys: pytest.CaptureFixture[str]) -> tuple[str, str, str]:
    row = board(capsys)[ONE]
    return row["state"], row["stage"], row["note"]


def trained(settings: TrainSettings, **changed: Any) -> None:
    """The run's training is finished, on another machine, with these of its settings changed."""
    record = a_record(
        run=ONE,
        dataset="shapes",
        backend=settings.backend,
        settings=settings.settings | changed,
        epochs_run=4,
        best_epoch=3,
        slurm={"job": "41", "node": "n1"},
    )
    write(RUN / "record.json", record, age=5)
    rows = ["epoch,val/AP,val/fitness", "1,0.1,0.1", "2,0.1,0.1", "3,0.2,0.5", "4,0.3,0.3", ""]
    write("results/compare/history/one-s0.csv", "\n".join(rows))


# --------------------------------------------------------------------------- states


def test_before_anything_has_run_all_wait(capsys: pytest.CaptureFixture[str]) -> None:
    rows = board(capsys)
    assert [rows[run]["state"] for run in (ONE, "two-s0")] == ["waiting", "waiting"]
    assert rows[""]["totals"] == {
        "runs": 2, "done": 0, "running": 0, "waiting": 2, "failed": 0,
        "epochs_done": 0, "epochs": 8, "left": None,
    }  # fmt: skip


def test_a_running_training_reports_itself(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "41")
    monkeypatch.setenv("SLURMD_NODENAME", "n1")
    with reported(PROGRESS, settings, "key") as live:
        assert board(capsys)[ONE]["state"] == "running", "no epoch is done yet"
        live.after_epoch({"epoch": 1, "val/fitness": 0.5})
        live.after_epoch({"epoch": 2, "val/fitness": 0.25})
        live.write(seconds=20.0, began=time.time() - 20)
        row = board(capsys)[ONE]
    assert [row[k] for k in ("state", "stage", "epoch", "epochs", "best", "job", "node")] == [
        *("running", "train", 2, 4, 0.5, "41", "n1"),
    ]
    assert row["left"] == pytest.approx(20, abs=2), "two epochs of ten seconds"
    assert not PROGRESS.exists()


def test_a_training_says_for_which_gpu_it_waits_and_which_it_has(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    with reported(PROGRESS, settings, "key") as live:
        live.on_gpu("", "waiting for a GPU: GPU 0 is used by train shop/b")
        row = board(capsys)[ONE]
        assert (row["state"], row["gpu"]) == ("running", None)
        assert row["note"] == "waiting for a GPU: GPU 0 is used by train shop/b"
        live.on_gpu("GPU 0", "")
        live.after_epoch({"epoch": 1, "val/fitness": 0.5})
        row = board(capsys)[ONE]
        assert (row["note"], row["gpu"]) == ("", "GPU 0")


def test_an_error_is_shown_with_its_log(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(OSError), reported(PROGRESS, settings, "key") as live:
        live.after_epoch({"epoch": 1, "val/AP": 0.5})
        raise OSError("the disk is on fire")
    assert state_of_one(capsys) == ("failed", "train", "the disk is on fire")
    assert board(capsys)[ONE]["log"] == str(LOG)


def test_a_failure_under_other_settings_is_past(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    other = settings.model_copy(update={"settings": settings.settings | {"lr0": 1e6}})
    with pytest.raises(OSError), reported(PROGRESS, other, "key"):
        raise OSError("diverged")
    assert state_of_one(capsys)[0] == "waiting"


def test_an_attempt_continues_the_progress_of_the_one_before_it(settings: TrainSettings) -> None:
    assert progress_file("compare", ONE) == PROGRESS
    with pytest.raises(KeyboardInterrupt), reported(PROGRESS, settings, "key") as live:
        live.after_epoch({"epoch": 1, "val/AP": 0.5})
        raise KeyboardInterrupt
    with reported(PROGRESS, settings, "key") as live:
        live.after_epoch({"epoch": 2, "val/AP": 0.25})
        state = read_progress(PROGRESS)
        assert state and (state.epoch, state.best, state.attempt) == (2, 0.5, 1)
        assert state.error is None
    with reported(PROGRESS, settings, "another key"):
        state = read_progress(PROGRESS)
        assert state and (state.epoch, state.best) == (0, None)


KILLED = """
import sys
from pathlib import Path
from fairtrial.settings.stages import TrainSettings
from fairtrial.store import locks
from fairtrial.training.progress import reported
settings = TrainSettings.model_validate_json(sys.argv[1])
Path("store/runs").mkdir(parents=True)
with reported(Path("logs/compare/train/one-s0.json"), settings, "key"):
    with locks.acquired(Path("store/runs/key.lock"), lambda: False):
        print("ready", flush=True)
        sys.stdin.read()
"""


def test_a_training_that_was_killed_has_failed_at_once(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    write(LOG, "Epoch 1: 30%\rEpoch 1: 60%\r\n\n")
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, settings.model_dump_json()],
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout and child.stdout.readline() == b"ready\n"
    assert state_of_one(capsys)[0] == "running"
    child.kill()
    child.wait()
    state, stage, note = state_of_one(capsys)
    assert (state, stage) == ("failed", "train")
    assert note.endswith(": Epoch 1: 60%")


def live_elsewhere(settings: TrainSettings) -> None:
    """The progress of a training on another machine."""
    progress = TrainingProgress(
        run=ONE,
        settings=settings_hash(settings),
        key="key",
        epochs=4,
        epoch=1,
        attempt=1,
        began=time.time() - 9,
        seconds=9.0,
        best=0.5,
        best_epoch=1,
        holder=locks.Holder.model_validate(ELSEWHERE),
        slurm=SlurmJob(job="41", node="n1"),
        error=None,
    )
    write(PROGRESS, progress.model_dump_json())


def test_one_elsewhere_is_believed_while_its_lock_is_touched(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    live_elsewhere(settings)
    write("store/runs/key.lock", ELSEWHERE, age=locks.STALE_AFTER - 20)
    assert state_of_one(capsys) == ("running", "train", "")
    write("store/runs/key.lock", ELSEWHERE, age=locks.STALE_AFTER + 20)
    assert state_of_one(capsys) == ("failed", "train", "was killed")
    write(
        ".snakemake/slurm_logs/group_run/41.log",
        "slurmstepd: error: *** JOB 41 ON n1 CANCELLED AT 2026-11-21 DUE TO TIME LIMIT ***\nbye\n",
    )
    assert state_of_one(capsys)[2] == "JOB 41 ON n1 CANCELLED AT 2026-11-21 DUE TO TIME LIMIT"


def test_one_that_waits_for_an_equal_training_says_for_whom(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    write("store/runs/key.lock", ELSEWHERE | {"process": 8, "host": "n2"})
    with reported(PROGRESS, settings, "key"):
        note = "the same training is run by process 8 on n2, SLURM job 41"
        assert state_of_one(capsys) == ("waiting", "train", note)


def test_one_that_died_between_store_and_results_is_trained(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    live_elsewhere(settings)
    Path("store/runs/key").mkdir(parents=True)
    state, _, note = state_of_one(capsys)
    assert state == "waiting"
    assert "trained already" in note


def test_one_that_did_not_begin_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    write(LOG, "")
    assert state_of_one(capsys)[0] == "waiting"
    write(LOG, "Traceback (most recent call last):\n  File\nImportError: no torch\n")
    assert state_of_one(capsys) == ("failed", "train", "ImportError: no torch")


def test_after_the_training_predict_and_validate_are_followed(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(settings)
    row = board(capsys)[ONE]
    assert (row["state"], row["stage"], row["best"], row["job"]) == (
        "waiting",
        "predict",
        0.5,
        "41",
    )
    write("logs/compare/predict/one-s0.log", "val: 3 images\n")
    assert state_of_one(capsys) == ("waiting", "predict", ""), "a log is no sign of life"
    with shown_alive(Path("results/compare/made/predict/one-s0.json")):
        assert state_of_one(capsys) == ("running", "predict", "")
        write("logs/compare/predict/one-s0.log", "waiting for a GPU: GPU 0 is used\n")
        assert state_of_one(capsys) == ("running", "predict", "waiting for a GPU: GPU 0 is used")
        write("logs/compare/predict/one-s0.log", "waiting for a GPU: GPU 0 is used\non GPU 0\n")
        assert state_of_one(capsys) == ("running", "predict", "")
    write("logs/compare/predict/one-s0.log", "fairtrial predict: this is wrong\n")
    assert state_of_one(capsys) == ("failed", "predict", "fairtrial predict: this is wrong")
    write(RUN / "speed.json", {})
    assert state_of_one(capsys)[:2] == ("waiting", "validate")
    write(RUN / "metrics.json", {})
    assert state_of_one(capsys) == ("done", "", "")


ALIVE = "logs/compare/predict/one-s0.alive"


def test_a_stage_that_was_killed_has_failed(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(settings)
    child = subprocess.Popen(["/bin/sleep", "600"])
    own = {"process": child.pid, "started": locks.process_start(child.pid)}
    write(ALIVE, locks.holder().model_copy(update=own).model_dump_json(), age=3600)
    write("logs/compare/predict/one-s0.log", "val: 3 images\n", age=3600)
    assert state_of_one(capsys) == ("running", "predict", ""), "it may be silent for long"
    child.kill()
    child.wait()
    note = "ended without an error message; its last line: val: 3 images"
    assert state_of_one(capsys) == ("failed", "predict", note)


def test_a_stage_elsewhere_shows_its_node_and_its_signs_of_life(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(settings)
    write(ALIVE, ELSEWHERE | {"slurm_job": "52"}, age=locks.STALE_AFTER - 20)
    row = board(capsys)[ONE]
    assert [row[k] for k in ("state", "stage", "job", "node")] == ["running", "predict", "52", "n1"]
    write(ALIVE, ELSEWHERE, age=locks.STALE_AFTER + 20)
    assert state_of_one(capsys) == ("failed", "predict", "was killed")


def submitted(output: str, job: str) -> None:
    """Snakemake's note of a job that it has submitted."""
    name = base64.urlsafe_b64encode(output.encode()).decode()
    write(f".snakemake/incomplete/{name}", {"external_jobid": job})


def test_a_job_in_the_queue_waits_there(
    place: Path,
    settings: TrainSettings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_slurm_queue, "MAX_AGE", 0.0)
    submitted("results/compare/runs/one-s0/weights.pt", "41")
    squeue(place, f"41|PENDING||{place}\n")
    row = board(capsys)[ONE]
    assert [row[k] for k in ("state", "stage", "job")] == ["waiting", "", "41"]
    assert "pending" in row["note"]
    squeue(place, f"41|RUNNING|n1|{place}\n")
    note = "its SLURM job runs, and comes to it"
    assert state_of_one(capsys) == ("waiting", "", note), "it has not begun"
    squeue(place, f"42|RUNNING|n1|{place}\n")
    assert state_of_one(capsys) == ("waiting", "", ""), "the job is gone"
    trained(settings)
    write(RUN / "speed.json", {})
    submitted("results/compare/runs/one-s0/metrics.json", "42")
    assert state_of_one(capsys) == ("waiting", "validate", note), "its batch is at another run"


def test_who_drives_is_told_until_all_is_done(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    def last_line() -> str:
        main(["status", "--experiment", "compare"])
        return capsys.readouterr().out.splitlines()[-1]

    assert last_line() == "no Snakemake works here; the same command goes on"
    left = Driver(holder=locks.holder(), began=time.time()).model_dump_json()
    write(FOLDER / "a.json", left)
    assert last_line().startswith(f"Snakemake: process {os.getpid()} on {socket.gethostname()}")
    Path("config/experiments/compare.yaml").write_text(
        EXPERIMENT.replace(", two: {imgsz: 128}", "")
    )
    trained(settings)
    write(RUN / "speed.json", {})
    write(RUN / "metrics.json", {})
    assert last_line() == "1 run: 1 done; 4 of 4 epochs"


# --------------------------------------------------------------------------- hours


def left(capsys: pytest.CaptureFixture[str]) -> Any:
    return board(capsys)[""]["left"]


def test_hours_are_unknown_before_the_first_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    assert (left(capsys)["unknown"], left(capsys)["seconds"]) == (2, [0.0, 0.0])
    main(["status", "--experiment", "compare"])
    assert "still to train: unknown for 2 runs" in capsys.readouterr().out


def test_hours_follow_from_the_first_epochs_of_this_and_of_similar_runs(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    with reported(PROGRESS, settings, "key") as live:
        live.after_epoch({"epoch": 1, "val/AP": 0.5})
        live.write(seconds=3600.0)
        found = left(capsys)
    assert found["seconds"] == [3 * 3600 + 4 * 3600] * 2, "3 epochs of one, 4 of two"
    assert (found["own"], found["similar"], found["like"], found["unknown"]) == (1, 1, 0, 0)


def test_hours_follow_from_like_runs_first(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two finished runs of equal settings, a fast and a slow one; GPUs as they had them."""
    write(
        "config/experiments/compare.yaml",
        EXPERIMENT.replace("seeds: [0]", "seeds: [0, 1, 2]").replace(", two: {imgsz: 128}", ""),
    )
    for seed, seconds in enumerate((400.0, 800.0)):
        attempt = {"from_epoch": 1, "epochs": 4, "seconds": seconds, "host": "n1", "slurm": None}
        record = a_record(
            run=f"one-s{seed}",
            dataset="shapes",
            backend=settings.backend,
            settings=settings.settings | {"seed": seed},
            epochs_run=4,
            attempts=[attempt],
            seconds=seconds,
            gpu_seconds=2 * seconds,
        )
        write(f"results/compare/runs/one-s{seed}/record.json", record)
    found = left(capsys)
    assert (found["seconds"], found["gpu_seconds"]) == ([400.0, 800.0], [800.0, 1600.0])
    assert (found["like"], found["own"], found["similar"]) == (1, 0, 0)
    write("config/experiments/other.yaml", EXPERIMENT)
    assert main(["status", "--experiment", "other", "--json"]) == 0
    other = json.loads(capsys.readouterr().out)["left"]
    assert (other["like"], other["similar"]) == (1, 1), "runs of another experiment count, too"


def test_results_of_other_settings_are_not_done(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(settings, lr0=0.5)
    write(RUN / "speed.json", {})
    write(RUN / "metrics.json", {})
    assert state_of_one(capsys)[0] == "waiting"


# --------------------------------------------------------------------------- SLURM


def squeue(place: Path, text: str) -> Path:
    """A squeue that counts its calls."""
    calls = place / "calls"
    (place / "bin").mkdir(exist_ok=True)
    script = write(
        place / "bin/squeue", f'#!/bin/sh\necho "$@" >> {calls}\n/bin/cat {place}/queue\n'
    )
    script.chmod(0o755)
    write(place / "queue", text)
    return calls


def test_slurm_is_asked_once_a_minute_whoever_looks(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = squeue(place, f"41|RUNNING|n1|{place}\n42|PENDING||{place}\n43|PENDING||/other\n")
    for _ in range(3):
        queue = board(capsys)[""]["slurm"]
    assert queue["jobs"] == {"PENDING": 1, "RUNNING": 1}
    assert len(calls.read_text().splitlines()) == 1
    monkeypatch.setattr(_slurm_queue, "MAX_AGE", 0.0)
    board(capsys)
    assert len(calls.read_text().splitlines()) == 2


def test_a_job_that_runs_keeps_its_training_running(
    place: Path, settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A node whose disk is slow touches no lock for a while."""
    squeue(place, f"41|RUNNING|n1|{place}\n")
    live_elsewhere(settings)
    write("store/runs/key.lock", ELSEWHERE, age=locks.STALE_AFTER + 20)
    assert state_of_one(capsys) == ("running", "train", "")


def test_a_queue_that_does_not_answer_is_no_answer(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    squeue(place, "")
    (place / "bin/squeue").write_text("#!/bin/sh\nexit 1\n")
    assert board(capsys)[""]["slurm"] == {"asked": None, "jobs": {}}


# --------------------------------------------------------------------------- the text


def test_the_text_has_colours_on_a_terminal_only(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OSError), reported(PROGRESS, settings, "key"):
        raise OSError("of\n two lines")

    def text() -> str:
        main(["status", "--experiment", "compare"])
        return capsys.readouterr().out

    plain = text()
    assert "\033" not in plain
    assert "    of two lines\n    logs/compare/train/one-s0.log\n" in plain
    assert "2 runs: 1 waiting, 1 failed; 0 of 8 epochs" in plain.splitlines()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert f"{COLOURS['failed']}one-s0" in text()
    monkeypatch.setenv("NO_COLOR", "1")
    assert text() == plain


def test_a_short_terminal_shows_what_is_urgent(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [Row(f"r{n}", "done") for n in range(50)] + [Row("bad", "failed", note="why", log="l")]
    text = render("title", rows, _slurm_queue.NO_QUEUE, height=10)
    assert len(text.splitlines()) <= 10
    assert "bad" in text and "and 49 more" in text


def test_watching_ends_when_all_is_done(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("config/experiments/compare.yaml").write_text(
        EXPERIMENT.replace(", two: {imgsz: 128}", "")
    )
    looks = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        trained(settings)
        write(RUN / "speed.json", {})
        write(RUN / "metrics.json", {})

    monkeypatch.setattr(time, "sleep", sleep)
    assert main(["status", "--experiment", "compare", "--watch"]) == 0
    assert looks == [5.0]
    assert capsys.readouterr().out.splitlines()[-1] == "1 run: 1 done; 4 of 4 epochs"


def test_a_progress_that_cannot_be_written_ends_no_training(settings: TrainSettings) -> None:
    write("logs", "a file where the folder should be")
    with reported(PROGRESS, settings, "key") as live:
        live.after_epoch({"epoch": 1, "val/AP": 0.5})


def test_outside_of_slurm_the_node_is_this_machine(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    with reported(PROGRESS, settings, "key"):
        assert board(capsys)[ONE]["node"] == socket.gethostname()


SEARCH = (
    EXPERIMENT
    + """\
search: {space: {lr0: {min: 1e-4, max: 1e-2, log: true}}, trials: 9, engine: tpe}
"""
)
CHOICE = Reference("compare", "tpe-seed0").start
STUDY_PROGRESS = Path("logs/compare/search/tpe-seed0.json")


@pytest.fixture
def study(place: Path) -> StudyProgress:
    """The progress of a study of 9 trials after 5."""
    (place / "config/experiments/compare.yaml").write_text(SEARCH)
    settings = Plan.read("compare").chosen.studies["tpe-seed0"].of_worker()
    return StudyProgress(
        settings=settings_hash(settings),
        key="k",
        trials=9,
        hours=None,
        states={"finished": 3, "pruned": 1, "unfinished": 1},
        seconds=5400.0,
        best=0.75,
        over=False,
    )


def study_row(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["status", "--experiment", "compare", "--json"]) == 0
    row: dict[str, Any]
    (row,) = json.loads(capsys.readouterr().out)["studies"]
    return row


@pytest.mark.usefixtures("study")
def test_a_search_that_has_not_begun_waits(capsys: pytest.CaptureFixture[str]) -> None:
    assert study_row(capsys)["state"] == "waiting"


def test_a_search_runs_while_a_worker_holds_a_trial(
    study: StudyProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    write(STUDY_PROGRESS, study.model_dump_json())
    assert study_row(capsys)["state"] == "waiting", "its workers are gone"
    write("store/searches/k/trial-4.lock", ELSEWHERE)
    row = study_row(capsys)
    assert (row["state"], row["best"]) == ("running", 0.75)
    assert row["note"] == "5 of 9 trials: 3 finished, 1 pruned, 1 unfinished; 1.5 h"


def test_a_search_whose_worker_failed_says_why(
    study: StudyProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    write(STUDY_PROGRESS, study.model_dump_json())
    log = write("logs/compare/search/tpe-seed0-1.log", "fairtrial search: the disk is full\n")
    row = study_row(capsys)
    assert (row["state"], row["log"]) == ("failed", str(log))
    assert row["note"] == "fairtrial search: the disk is full"


def test_the_progress_of_another_search_is_ignored(
    study: StudyProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    other = study.model_copy(update={"settings": "another", "over": True})
    write(STUDY_PROGRESS, other.model_dump_json())
    assert study_row(capsys)["state"] == "waiting"


def tuned(place: Path) -> TrainSettings:
    """A training that is finished with a trial's settings, but not scored; returns those planned
    before the search."""
    experiment = place / "config/experiments/compare.yaml"
    experiment.write_text(
        SEARCH.replace("runs: {one: {imgsz: 96}", "runs: {one: {from: compare/tpe-seed0}")
    )
    CHOICE.unlink(missing_ok=True)
    settings = Plan.read("compare").chosen.runs[ONE].train_settings
    values = settings.settings | {"lr0": 0.0025}
    best = ChosenSettings(
        experiment="compare", name="tpe-seed0", trial=3, backend=settings.backend, settings=values
    )
    write(CHOICE, best.model_dump_json())
    write(CHOICE.with_name("weights.json"), {"experiment": "compare", "runs": []})
    trained(settings, lr0=0.0025)
    return settings


def test_a_run_with_the_settings_of_a_trial_is_followed_to_its_end(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned(place)
    assert state_of_one(capsys)[:2] == ("waiting", "predict")
    write("logs/compare/predict/one-s0.log", "fairtrial predict: this is wrong\n")
    assert state_of_one(capsys)[0] == "failed"
    write(RUN / "speed.json", {})
    write(RUN / "metrics.json", {})
    assert state_of_one(capsys) == ("done", "", "")


def test_a_run_with_the_settings_of_another_trial_is_not_done(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tuned(place)
    for name in ("speed.json", "metrics.json"):
        write(RUN / name, {})
    trained(settings)
    assert state_of_one(capsys)[0] == "waiting", (
        "trained with the settings at which the search begins"
    )
    tuned(place)
    CHOICE.unlink()
    assert state_of_one(capsys)[0] == "waiting", "no trial has been chosen yet"


def test_watching_goes_on_while_a_search_runs(
    study: StudyProgress,
    settings: TrainSettings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = SEARCH.replace(", two: {imgsz: 128}", "")
    Path("config/experiments/compare.yaml").write_text(text)
    trained(settings)
    for name in ("speed.json", "metrics.json"):
        write(RUN / name, {})
    write(STUDY_PROGRESS, study.model_dump_json())
    lock = write("store/searches/k/trial-4.lock", ELSEWHERE)
    looks: list[float] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: (looks.append(seconds), lock.unlink()))
    assert main(["status", "--experiment", "compare", "--watch"]) == 0
    assert looks == [5.0]


def test_looking_writes_nothing_where_nothing_may_be_written(
    settings: TrainSettings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    live_elsewhere(settings)
    write("store/runs/key.lock", ELSEWHERE, age=locks.STALE_AFTER - 20)
    monkeypatch.setattr(Path, "touch", refuse)
    assert state_of_one(capsys)[0] == "running"
    write("store/runs/key.lock", ELSEWHERE, age=locks.STALE_AFTER + 20)
    assert state_of_one(capsys)[0] == "failed"
    Path("store/runs/key.lock").unlink()
    assert state_of_one(capsys)[0] == "failed"
