"""What `doctor` finds in a project that lacks something, with real files and a fake sinfo."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from facts import missing_facts, refused
from fairtrial import SettingsError
from fairtrial.__main__ import main
from fairtrial.commands._machine_checks import gpu, packages
from fairtrial.commands._profile import evaluated, read_profile
from fairtrial.commands._slurm_checks import _has_gres, minutes
from fairtrial.devices import cards
from fairtrial.planning.drivers import FOLDER, Driver
from fairtrial.planning.plan import Plan
from fairtrial.store import locks

ROOT = Path(__file__).parents[2]
Doctor = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped settings in a folder of their own, in which nothing has run."""
    for name in ("config", "profiles"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    write("requirements.lock", f"pytest=={pytest.__version__} \\\n    --hash=sha256:0\n")
    for name in ("SNAKEMAKE_PROFILE", "FAIRTRIAL_MIRROR", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "torch", torch_with())
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace())
    return tmp_path


def torch_with(*gpus: str) -> Any:
    cuda = SimpleNamespace(
        is_available=lambda: bool(gpus),
        device_count=lambda: len(gpus),
        get_device_name=gpus.__getitem__,
    )
    return SimpleNamespace(cuda=cuda, __version__="2")


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Its exit status, and what it prints."""

    def doctor(*arguments: str) -> tuple[int, str]:
        status = main(["doctor", *arguments])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return doctor


def write(path: str, text: str | bytes) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(text if isinstance(text, bytes) else text.encode())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --------------------------------------------------------------------------- as a whole


def test_the_demo_lacks_nothing_and_nothing_is_changed(project: Path, doctor: Doctor) -> None:
    before = sorted(project.rglob("*"))
    status, output = doctor()
    assert status == 0
    assert output.startswith("experiment quickstart: 6 runs\nok       source shapes: is drawn")
    assert "missing" not in output
    assert "ok       time: still to train: unknown for 6 runs" in output
    assert {line.split()[0] for line in output.splitlines()[1:]} == {"ok", "warning"}
    assert sorted(project.rglob("*")) == before


def test_something_missing_is_an_exit_status_of_one(doctor: Doctor) -> None:
    status, output = doctor("--experiment", "coco_tiny")
    assert status == 1
    assert "missing  source coco_tiny: there is no datasets/coco_tiny; put the data" in output
    assert "fairtrial doctor: the experiment cannot succeed: see the line `missing`" in output


def test_wrong_settings_are_reported_first(doctor: Doctor) -> None:
    status, output = doctor("--experiment", "bbcd")
    assert (status, missing_facts(output, "`bbcd`", "`bccd`")) == (1, [])
    status, output = doctor("--profile", "slrum")
    assert (status, missing_facts(output, "slrum", "profiles/slrum/config.yaml")) == (1, [])


# --------------------------------------------------------------------------- data


def test_a_local_folder(doctor: Doctor, tmp_path: Path) -> None:
    write("elsewhere/annotations/a.json", "{}")
    Path("datasets").mkdir()
    Path("datasets/coco_tiny").symlink_to(tmp_path / "elsewhere")
    assert (
        "ok       source coco_tiny: comes from datasets/coco_tiny"
        in doctor("--experiment", "coco_tiny")[1]
    )


def test_raw_files_that_are_there_and_one_that_is_not(doctor: Doctor) -> None:
    write("data/raw/shapes/a.jpg", "a")
    write("data/raw/shapes.sha256", f"{sha256(b'a')}  a.jpg\n{sha256(b'b')}  b.jpg\n")
    status, output = doctor()
    assert status == 1
    assert (
        "missing  source shapes: 1 of 2 files are not in data/raw/shapes, such as b.jpg" in output
    )
    write("data/raw/shapes/b.jpg", "b")
    assert "ok       source shapes: 2 files in data/raw/shapes" in doctor()[1]


@pytest.fixture
def served(project: Path) -> str:
    """The experiment bccd with two files of a server on this machine, and its address."""
    lines = f"{sha256(b'here')}  here.xml\n{sha256(b'b')}  gone.xml\n"
    write("config/sources/bccd.sha256", lines)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/x/here.xml" else 404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    source = project / "config/sources/bccd.yaml"
    text = source.read_text()
    start = text.index("base: ")
    address = f"http://127.0.0.1:{server.server_port}"
    source.write_text(f"{text[:start]}base: {address}/x{text[text.index(chr(10), start) :]}")
    return address


BCCD = ("--experiment", "bccd")


def test_files_of_a_server_that_are_still_to_come(served: str, doctor: Doctor) -> None:
    host = served.removeprefix("http://")
    output = doctor(*BCCD)[1]
    assert f"warning  source bccd: 2 of 2 files are to be fetched from {host}; `snakemake" in output
    write(f"store/downloads/{host}/x/here.xml", "here")
    assert f"source bccd: 1 of 2 files are to be fetched from {host}" in doctor(*BCCD)[1]
    write(f"store/downloads/{host}/x/gone.xml", "b")
    line = "ok       source bccd: the files that it is made from are in store/downloads"
    assert line in doctor(*BCCD)[1]


def test_a_server_is_asked_only_with_online(
    served: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("config/sources/weights.sha256", f"{sha256(b'w')}  yolov8n.pt\n")
    source = Path("config/sources/weights.yaml")
    source.write_text(f"kind: http\nbase: {served}/no\nmanifest: config/sources/weights.sha256\n")
    status, output = doctor(*BCCD, "--online")
    assert status == 1
    assert "2 of 2 files are to be fetched from 127" in output and "which answers" in output
    assert (
        f"missing  source weights: 1 of 1 files are to be fetched from {served[7:]}, and " in output
    )
    assert "yolov8n.pt answers 404; see FAIRTRIAL_MIRROR" in output
    source.write_text(source.read_text().replace(served, "http://127.0.0.1:1"))
    assert "yolov8n.pt does not answer (" in doctor(*BCCD, "--online")[1]
    monkeypatch.setenv("FAIRTRIAL_MIRROR", "http://host:80a")
    assert "yolov8n.pt is no address (" in doctor(*BCCD, "--online")[1]
    monkeypatch.delenv("FAIRTRIAL_MIRROR")
    monkeypatch.setitem(sys.modules, "httpx", None)
    assert "source bccd" in doctor(*BCCD)[1]


@pytest.mark.usefixtures("served")
def test_a_mirror_that_has_it_or_not(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRTRIAL_MIRROR", str(tmp_path / "mirror"))
    write("mirror/bccd/here.xml", "here")
    assert "source bccd: 1 of 2 files are not in the mirror: no " in doctor(*BCCD)[1]
    write("mirror/bccd/gone.xml", "b")
    assert "ok       source bccd: 2 of 2 files come from the mirror" in doctor(*BCCD)[1]


def test_weights_of_another_experiment_are_no_checkpoint_of_a_source(
    project: Path, doctor: Doctor
) -> None:
    write("config/experiments/first.yaml", "title: t\n")
    write("config/experiments/on.yaml", "title: t\nbase: {pretrained: {from: first}}\n")
    assert "checkpoint" not in doctor("--experiment", "on")[1]


@pytest.mark.usefixtures("served")
def test_a_checkpoint(doctor: Doctor) -> None:
    assert (
        "warning  checkpoint weights/yolov8n.pt: comes with the source weights" in doctor(*BCCD)[1]
    )
    write("data/raw/weights/yolov8n.pt", "weights")
    write("data/raw/weights.sha256", f"{sha256(b'weights')}  yolov8n.pt\n")
    assert (
        "ok       checkpoint weights/yolov8n.pt: data/raw/weights/yolov8n.pt is" in doctor(*BCCD)[1]
    )
    write("data/raw/weights/yolov8n.pt", "others")
    assert "missing  checkpoint weights/yolov8n.pt: data/raw/weights/y" in doctor(*BCCD)[1]


# --------------------------------------------------------------------------- machine


def package_lines(*lines: str) -> list[str]:
    write("some.lock", "# a lock\n" + "".join(f"{x} \\\n    --hash=sha256:0\n" for x in lines))
    return [str(finding) for finding in packages(Path("some.lock"))]


def test_packages_against_the_lock() -> None:
    pinned = f"pytest=={pytest.__version__}"
    assert package_lines(pinned) == ["ok       packages: all 1 as in some.lock"]
    assert package_lines(pinned, "nowhere==1 ; sys_platform == 'plan9'") == [
        "ok       packages: all 1 as in some.lock"
    ]
    absent, other = package_lines("pytest==0.1", *(f"nowhere-{n}==1" for n in range(6)))
    assert absent == (
        "missing  packages: not installed: nowhere-0, nowhere-1, nowhere-2, nowhere-3 and 2 more; "
        "`make venv` installs them"
    )
    assert f"other versions: pytest {pytest.__version__} (locked 0.1); `make venv`" in other


def test_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(*gpu(False)).startswith("warning  GPU: torch finds none here")
    assert str(*gpu(True)).startswith("ok       GPU: none on this machine; the profile asks")
    monkeypatch.setitem(sys.modules, "torch", torch_with("H100", "H100"))
    assert str(*gpu(False)) == "ok       GPU: H100, H100 (torch 2)"
    have = [{"uuid": f"GPU-{n}", "index": n, "total": 4 << 20, "free": n << 20} for n in (2, 3)]
    (tmp_path / "cards.json").write_text(json.dumps(have))
    monkeypatch.setenv(cards.FAKE, str(tmp_path / "cards.json"))
    _, used = gpu(False)
    assert str(used).startswith("warning  GPU: GPU 2 has 2 of 4 MiB free; trainings wait")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert str(*gpu(False)).startswith("missing  torch: cannot be imported")


def test_room_on_the_disk(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=900_000_000))
    status, output = doctor()
    assert status == 1
    # six runs of 0.2 GB each, and a byte for each pixel of 400 images in two places
    assert (
        "missing  disk for store, data, results, .dvc: 0.9 GB are free, and about 1.2 GB are needed"
    ) in output
    assert "missing  disk for temporary files: 0.9 GB are free, and about 1.0 GB" in output
    for name in Plan.read().chosen.runs:
        Path("results/quickstart/runs", name).mkdir(parents=True)
    assert "ok       disk for store, data, results, .dvc" in doctor()[1]


def test_runs_that_the_experiment_no_longer_has_are_named(doctor: Doctor) -> None:
    present = next(iter(Plan.read().chosen.runs))
    Path("results/quickstart/runs", present).mkdir(parents=True)
    assert "no longer has" not in doctor()[1]
    Path("results/quickstart/runs/renamed-s0").mkdir()
    lines = doctor()[1].splitlines()
    (line,) = [line for line in lines if "no longer has" in line]
    assert line.startswith("warning  results: results/quickstart/runs")
    assert "renamed-s0" in line and present not in line


def test_where_snakemake_keeps_its_cache_must_be_writable(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it ends with a traceback before it reads the Snakefile."""
    monkeypatch.setattr("snakemake.common.APPDIRS", None)
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    monkeypatch.setattr("os.access", lambda path, mode: not str(path).startswith("/proc"))
    status, output = doctor()
    assert status == 1
    assert "missing  Snakemake's cache: /proc/nowhere/snakemake" in output
    assert "XDG_CACHE_HOME" in output


def test_data_of_coco_are_counted_before_they_are_there(doctor: Doctor) -> None:
    write("config/experiments/big.yaml", "title: t\nbase: {dataset: coco_person_motorcycle}\n")
    output = doctor("--experiment", "big")[1]
    assert "1 of 1 files, and then up to 15,000 more, are to be fetched from images.co" in output
    assert "about 5.2 GB are needed" in output  # 15,000 × 165 kB × 2, and a run
    zip_ = "store/downloads/images.cocodataset.org/annotations/annotations_trainval2017.zip"
    write(zip_, "")
    output = doctor("--experiment", "big")[1]
    assert "0 of 1 files, and then up to 15,000 more, are to be fetched from images.co" in output


def test_results_that_are_not_recorded(doctor: Doctor) -> None:
    Path(".dvc").mkdir()
    write("results/quickstart/report.pdf", "")
    assert "warning  DVC: results are newer than dvc.lock; `dvc repro` records" in doctor()[1]
    write("dvc.lock", "")
    os.utime("results/quickstart/report.pdf", (0, 0))
    assert "ok       DVC: nothing under results/ is newer" in doctor()[1]


def test_locks_and_unfinished_trainings(doctor: Doctor) -> None:
    write(".snakemake/locks/0.input.lock", "")
    Path("store/runs/abc.part").mkdir(parents=True)
    write("store/runs/alive.lock", locks.holder().model_dump_json())
    Path("store/runs/alive.part").mkdir()
    write(
        "store/runs/dead.lock",
        json.dumps(locks.holder().model_dump() | {"started": "1", "process": 1}),
    )
    status, output = doctor()
    assert status == 0
    assert "warning  snakemake: this folder is locked" in output
    assert "ok       store: alive is held by process" in output
    assert "warning  store: dead is held by process 1 on" in output
    assert "warning  store: 1 unfinished trainings" in output


@pytest.mark.parametrize(
    ("process", "started", "line"),
    [
        (None, None, "warning  snakemake: this folder is locked: process {} on "),
        (1, "1", "ok       snakemake: process {} on "),
    ],
    ids=["works", "was killed"],
)
def test_whose_lock_it_is(
    doctor: Doctor, process: int | None, started: str | None, line: str
) -> None:
    write(".snakemake/locks/0.input.lock", "")
    holder = locks.holder()
    if process is not None:
        holder = holder.model_copy(update={"process": process, "started": started})
    driver = Driver(holder=holder, began=time.time())
    write(FOLDER / "a.json", driver.model_dump_json())
    assert line.format(holder.process) in doctor()[1]


# --------------------------------------------------------------------------- SLURM

CPU = "cpu*|up|4-00:00:00|(null)|200000|16|(null)"
GPU = "gpu|up|2-00:00:00|gpu:a100:4(S:0-1)|500000+|64|dgx,big"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A sinfo and a scontrol that say what a test tells them to say."""

    def says(*lines: str, age: int = 300, status: int = 0) -> None:
        answers = {"sinfo": "\n".join(lines), "scontrol": f"MinJobAge               = {age} sec"}
        for name, answer in answers.items():
            write(f"bin/{name}", f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\nexit {status}\n")
            Path("bin", name).chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return says


def lines_on_slurm(output: str) -> list[str]:
    return [line for line in output.splitlines() if "SLURM" in line and "GPU:" not in line]


def test_the_shipped_profile_fits(cluster: Callable[..., None], doctor: Doctor) -> None:
    cluster(CPU, GPU)
    status, output = doctor("--profile", "slurm")
    assert status == 0
    assert lines_on_slurm(output) == [
        "ok       SLURM, convert: partition cpu has 1 h, 8,000 MB, 4 CPUs",
        "ok       SLURM, split: partition cpu has 1 h, 4,000 MB",
        "ok       SLURM, search: partition gpu has gpu:1, 24 h, 32,000 MB, 8 CPUs",
        "ok       SLURM, study: partition cpu has 1 h, 4,000 MB",
        "ok       SLURM, train and predict: partition gpu has gpu:1, 13 h, 32,000 MB, 8 CPUs",
        "ok       SLURM, validate: partition cpu has 1 h, 4,000 MB",
        "ok       SLURM, batch: partition gpu has gpu:1, 1 h, 32,000 MB, 8 CPUs",
        "ok       SLURM, probe: partition gpu has gpu:1, 1 h, 32,000 MB, 8 CPUs",
        "ok       SLURM, plot: partition cpu has 1 h, 4,000 MB",
    ]
    assert "ok       GPU: none on this machine; the profile asks SLURM" in output


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("gpu|", "long|", "missing  {}: there is no partition `gpu`; there are cpu, long (slu"),
        ("gpu|up", "gpu|down", "missing  {}: partition gpu is down"),
        ("gpu:a100:4(S:0-1)", "(null)", "missing  {}: partition gpu: no node has gpu:1 (gres)"),
        ("2-00", "0-12", "missing  {}: partition gpu: 13 h are requested (runtime), and at most 1"),
        ("500000", "64000", "ok       {}: partition gpu has"),
        (
            "500000",
            "63999",
            "warning  {}: partition gpu: a further attempt would be refused: no such",
        ),
        ("|64|", "|4|", "missing  {}: partition gpu: no such node has the 8 CPUs that are req"),
    ],
    ids=[
        "no partition",
        "down",
        "no gpu",
        "too short",
        "memory",
        "less memory at last",
        "few CPUs",
    ],
)
def test_what_a_partition_lacks(
    cluster: Callable[..., None], doctor: Doctor, old: str, new: str, line: str
) -> None:
    cluster(CPU, GPU.replace(old, new))
    status, output = doctor("--profile", "slurm")
    assert line.format("SLURM, train and predict") in output
    assert status == line.startswith("missing")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("# constraint: dgx", "constraint: dgx", "ok       {}: partition gpu has gpu:1, dgx, 13 h"),
        ("# constraint: dgx", "constraint: mi300", "missing  {}: partition gpu: no node is mi300"),
        ("# constraint: dgx", "constraint: a|b", "ok       {}: partition gpu has gpu:1, a|b, 13 h"),
        ("\"'gpu:1'\"", "\"'gpu:a100:2'\"", "ok       {}: partition gpu has gpu:a100:2, 13 h"),
        ("\"'gpu:1'\"", "\"'gpu:h100:1'\"", "missing  {}: partition gpu: no node has gpu:h100:1"),
        ("\"'gpu:1'\"", "\"'gpu:8'\"", "missing  {}: partition gpu: no node has gpu:8 (gres)"),
        ("720", "min(720 * attempt, 1440)", "ok       {}: partition gpu has gpu:1, 13 h"),
        (
            "720",
            "1500 * attempt",
            "warning  {}: partition gpu: a further attempt would be refused: 276 h",
        ),
        ("720", "'1d'", "ok       {}: partition gpu has gpu:1, 25 h"),
        (
            "720",
            "hours(3)",
            "missing  SLURM: profiles/slurm/config.v9+.yaml: `runtime` of",
        ),
        ("slurm_partition: cpu", "qos: long", "ok       SLURM, plot: partition cpu has 1 h"),
    ],
    ids=[
        *("constraint", "unknown constraint", "combined constraint"),
        *("gpu kind", "unknown gpu kind", "many gpus"),
        *("arithmetic", "too long at last", "days", "no arithmetic", "default partition"),
    ],
)
def test_what_a_profile_of_a_site_asks_for(
    cluster: Callable[..., None], doctor: Doctor, old: str, new: str, line: str
) -> None:
    """It stands in config.v9+.yaml, which Snakemake reads instead of config.yaml."""
    cluster(CPU, GPU)
    text = Path("profiles/slurm/config.yaml").read_text().replace(f"    {old}", f"    {new}")
    text = text.replace(f": {old}", f": {new}").replace(f"  {old}", f"  {new}")
    write("profiles/slurm/config.v9+.yaml", text)
    status, output = doctor("--profile", "profiles/slurm")
    assert line.format("SLURM, train and predict") in output
    assert status == line.startswith("missing")


def test_a_cluster_that_forgets_jobs_soon(cluster: Callable[..., None], doctor: Doctor) -> None:
    cluster(CPU, GPU, age=60)
    output = doctor("--profile", "slurm")[1]
    assert "warning  SLURM: squeue forgets jobs after 60 s; in profiles/slurm/config.yaml" in output


def test_no_cluster(
    cluster: Callable[..., None], doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster("slurm_load_partitions: Unable to contact slurm controller", status=1)
    assert "missing  SLURM: sinfo fails (exit status 1)" in doctor("--profile", "slurm")[1]
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("SNAKEMAKE_PROFILE", str(Path("profiles/slurm").absolute()))
    assert "missing  SLURM: sinfo fails ([Errno 2] No such file" in doctor()[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4-00:00:00", 5760),
        ("1-12", 2160),
        ("12:30:00", 750),
        ("30:00", 30),
        ("90", 90),
        ("infinite", math.inf),
    ],
    ids=["days", "days and hours", "hours", "minutes", "plain minutes", "infinite"],
)
def test_times_of_slurm(text: str, expected: float) -> None:
    assert minutes(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (60, 60),
        ("60 * attempt", 120),
        ("1000 * 2 ** (attempt - 1)", 2000),
        ("min(720 * attempt, 1000)", 1000),
        ("2d", 2880),
        ("1.5h", 90),
        ("4000", 4000),
    ],
    ids=["number", "attempt", "power", "minimum", "days", "hours", "text of a number"],
)
def test_values_of_profiles(value: Any, expected: float) -> None:
    assert evaluated(value, 2, "x") == expected


@pytest.mark.parametrize(
    "value",
    ["__import__('os')", "attempt.x", "f(1)", "1 / 0", "a b", "[1]"],
    ids=["import", "attribute", "function", "division by zero", "no expression", "list"],
)
def test_a_profile_is_not_run(value: str) -> None:
    with refused(SettingsError, "config.yaml", repr(value)):
        evaluated(value, 1, "config.yaml")


@pytest.mark.parametrize(
    ("available", "gres", "expected"),
    [
        ("gpu:2", "gpu:1", True),
        ("gpu:2", "gpu", True),
        ("gpu", "gpu:1", True),
        ("gpu:2", "gpu:3", False),
        ("gpu:a100:2", "gpu:2", True),
        ("gpu:a100:2,gpu:h100:4", "gpu:h100:4", True),
        ("gpu:2", "gpu:a100:1", False),
        ("(null)", "gpu:1", False),
        ("(null)", None, True),
        ("shard:8", "gpu:1", False),
    ],
    ids=[
        *("fewer", "any number", "one of unknown number", "too many", "any type"),
        *("one of two types", "another type", "no GPU", "none is needed", "no GPU but shards"),
    ],
)
def test_generic_resources(available: str, gres: str | None, expected: bool) -> None:
    assert _has_gres(available, gres) is expected


def test_the_last_attempt_of_a_job_is_that_of_its_rule() -> None:
    default = "default-resources: {mem_mb: 1000 * attempt}\ngroups: {train: run, predict: run}\n"
    write("profiles/own/config.yaml", f"retries: 1\n{default}")
    assert {job.memory for job in read_profile("own").jobs(last=True)} == {2000}
    more = "preemptible-rules: [train, search]\npreemptible-retries: 4\n"
    write("profiles/own/config.yaml", f"retries: 1\n{default}{more}")
    tried = {job.rules: job.memory for job in read_profile("own").jobs(last=True)}
    assert {rules for rules, memory in tried.items() if memory == 5000} == {
        "search",
        "train and predict",
    }
    assert tried["study"] == 2000


def test_the_newest_file_of_a_profile_is_read() -> None:
    write("profiles/slurm/config.v8+.yaml", "jobs: 8\n")
    write("profiles/slurm/config.v10+.yaml", "jobs: 10\n")
    write("profiles/slurm/config.v9+.yaml", "jobs: 9\n")
    assert read_profile("slurm").content == {"jobs": 9}
