"""Faults at random moments of a small experiment: is anything lost, repeated, or silently wrong?

    python benchmarks/faults.py [--faults 100] [--seed 0] [--place slurm] [--backend yolo]

Each fault meets a fresh copy of one experiment of two runs, a third of them without its data, at a
moment drawn from the time that it takes undisturbed, or after its end. Then the same command is
typed again, and again after each command that a message names. Counted are

- runs lost: the command does not succeed in the end;
- epochs repeated: finished ones that were trained again, though their state was not damaged;
- wrong numbers: metrics that are not the undisturbed experiment's, after a command that succeeded;
- silent differences: another file of results that is not the undisturbed one's, and of which no
  message speaks.

After damage and a full disk `fairtrial verify` is called, too, and the commands that it names.

Folders live in memory (a tmpfs each), so that a full disk is a real one. Needs root, for mounts.
SLURM is that of tests/slurm.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path[:0] = [str(CHECKOUT / "tests/workflow"), str(CHECKOUT / "tests/slurm")]

from cluster import NODES, Cluster, running_cluster  # noqa: E402

import preloaded  # noqa: E402
from project import Project  # noqa: E402

EPOCHS = {"quick": 6, "yolo": 3}
EXPERIMENT = """\
title: Two runs under fire
base: {{backend: {backend}, epochs: {epochs}{more}}}
runs: {{first: {{imgsz: 32}}, second: {{imgsz: 64}}}}
"""
RUNS = ("first-s0", "second-s0")
COMMANDS = {"local": ("snakemake", "--cores", "2"), "slurm": ("snakemake", "--profile", "slurm")}
MENDING = re.compile(r"`(fairtrial repair[^`…]*|snakemake --(?:unlock|forcerun [^`…]+))`")
TIMES = {"record.json", "speed.json"}  # files that hold times, and may differ
PROVEN = ("store damaged", "results damaged", "data damaged", "metadata damaged", "disk full")
CALLS = 5  # of the same command, after a fault
REFUSED = (
    ("snakemake", "--cores", "2", "--config", "experiment=nosuch"),
    ("snakemake", "--cores", "2", "--until", "validate"),
    ("snakemake", "--cores", "2", "--config", "lr0=1"),
    ("snakemake", "--cores", "2"),
    ("fairtrial", "repair", "nosuch"),
)


@dataclass
class Trial:
    """One fault: the copy of the experiment that it meets, and what became of it."""

    project: Project
    command: tuple[str, ...]
    chance: random.Random
    cluster: Cluster | None
    driver: subprocess.Popen
    undo: Callable[[], None] = lambda: None  # what a person puts back before the next call
    excused: set[str] = field(default_factory=set)  # runs whose training has to be done again
    found: Counter[str] = field(default_factory=Counter)
    what: str = ""


# --------------------------------------------------------------------------- faults


def kill_trainer(trial: Trial) -> str:
    """A stage that runs: a training if there is one."""
    running = processes(trial.project, " train ") or processes(trial.project, "fairtrial ")
    if not running:
        return "nothing ran"
    process = trial.chance.choice(running)
    kill(process)
    return words(process)


def kill_driver(trial: Trial) -> str:
    trial.driver.kill()
    return ""


def kill_all(trial: Trial) -> str:
    with suppress(ProcessLookupError):
        os.killpg(trial.driver.pid, signal.SIGKILL)
    for process in processes(trial.project):
        kill(process)
    return ""


def kill_node(trial: Trial) -> str:
    """On one machine all that works is one node; in SLURM a daemon and the jobs on it."""
    if trial.cluster is None:
        return kill_all(trial)
    jobs = trial.cluster.jobs(WorkDir=str(trial.project.root), JobState="RUNNING")
    node = trial.chance.choice([job["NodeList"] for job in jobs] or list(NODES))
    trial.cluster.kill_node(node)
    return node


def fill_disk(trial: Trial) -> str:
    """Full to the last byte for some seconds."""
    filler = trial.project.root / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(2**20))
    time.sleep(trial.chance.uniform(1, 6))
    trial.undo = lambda: filler.unlink(missing_ok=True)
    if trial.chance.random() < 0.5:
        trial.undo()
    return ""


def edit(name: str, old: str, new: str) -> Callable[[Trial], str]:
    """A file that is edited while jobs run, and put back before the next call."""

    def edit_file(trial: Trial) -> str:
        path = trial.project.root / name
        text = path.read_text()
        trial.project.edit(name, old, new)
        trial.undo = lambda: path.write_text(text)
        return name

    return edit_file


def commit(trial: Trial) -> str:
    trial.project.write("config/experiments/later.yaml", "title: Another question\nruns: {a: {}}\n")
    trial.project.run("git", "add", "-A")
    trial.project.run("git", "commit", "-qm", "later")
    return ""


def damage(*places: str) -> Callable[[Trial], str]:
    """One bit of a random byte of a random file below these folders."""

    def damage_file(trial: Trial) -> str:
        root = trial.project.root
        found = [p for place in places for p in (root / place).rglob("*")]
        files = [p for p in found if p.is_file() and not p.is_symlink() and p.stat().st_size]
        if not files:
            return "nothing was there"
        path = trial.chance.choice(sorted(files))
        content = bytearray(path.read_bytes())
        place = trial.chance.randrange(len(content))
        content[place] ^= 1 << trial.chance.randrange(8)
        with path.open("r+b") as file:  # in place, as a disk does it
            file.write(content)
        name = path.relative_to(root).as_posix()
        if name.startswith("store/"):
            trial.excused |= set(RUNS)
        return f"{name}, byte {place}"

    return damage_file


def refused_call(trial: Trial) -> str:
    """A call that ends with an error and must leave nothing behind."""
    command = trial.chance.choice(REFUSED)
    if trial.driver.poll() is not None and command == REFUSED[3]:
        command = REFUSED[0]  # after the end it would be no refusal
    done = trial.project.run(*command, check=False)
    if done.returncode == 0:
        trial.found["refused calls that succeeded"] += trial.driver.poll() is None
    return " ".join(command)


FAULTS: dict[str, Callable[[Trial], str]] = {
    "trainer killed": kill_trainer,
    "driver killed": kill_driver,
    "node killed": kill_node,
    "all killed": kill_all,
    "disk full": fill_disk,
    "code edited": edit("workflow/fairtrial/stages/validate.py", '"val": val', '"val": test'),
    "settings edited": edit("params.yaml", "lr0: 0.002", "lr0: 0.1"),
    "commit": commit,
    "store damaged": damage("store/runs"),
    "results damaged": damage("results"),
    "data damaged": damage("data"),
    "metadata damaged": damage(".snakemake/metadata", ".snakemake/fairtrial"),
    "call refused": refused_call,
}


# --------------------------------------------------------------------------- processes


def processes(project: Project, named: str = "") -> list[int]:
    """The processes that work in a project, those whose command holds `named`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            inside = (folder / "cwd").readlink().is_relative_to(project.root)
            if inside and named in words(int(folder.name)):
                found.append(int(folder.name))
    return sorted(set(found) - {os.getpid()})


def words(process: int) -> str:
    """The begin of a process's command."""
    try:
        text = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
    return " ".join(Path(word).name for word in text.split("\0")[:4]) + " "


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


# --------------------------------------------------------------------------- one fault


def meet(trial: Trial, fault: str, moment: float, reference: dict[str, bytes]) -> Trial:
    """Let a fault befall the experiment at its moment, and see what comes of it."""
    end = time.monotonic() + moment
    while time.monotonic() < end and trial.driver.poll() is None:
        time.sleep(0.05)
    meets_a_driver = trial.driver.poll() is None
    trial.what = f"at {moment:.1f} s: {FAULTS[fault](trial)}".removesuffix(": ")
    finish(trial)
    trial.what += f"; exit {trial.driver.returncode}" if meets_a_driver else "; after the end"
    if trial.driver.returncode == 0 and meets_a_driver:
        compare(trial, reference, "in the call that met it: ")
    trial.undo()
    told = call_again(trial)
    if told is None:
        trial.found["runs lost"] += sum(not has_metrics(trial, run) for run in RUNS) or 1
    else:
        if fault in PROVEN:
            told += mended_by_verify(trial)
        compare(trial, reference, "", told)
    count_epochs(trial)
    return trial


def finish(trial: Trial) -> None:
    """Wait for the driver's end, as long as it lives."""
    try:
        trial.driver.wait(300)
    except subprocess.TimeoutExpired:
        trial.found["drivers that hang"] += 1
        os.killpg(trial.driver.pid, signal.SIGKILL)
        trial.driver.wait()


def call_again(trial: Trial) -> str | None:
    """Type the command until it succeeds, and what its messages name; all that was told, or None
    where it never succeeds."""
    told = ""
    for _ in range(CALLS):
        done = trial.project.run(*trial.command, check=False)
        text = done.stdout + done.stderr
        told += text
        if done.returncode == 0:
            return told
        for command in dict.fromkeys(MENDING.findall(text)):
            mended = trial.project.run(*command.split(), check=False)
            told += mended.stdout + mended.stderr
            trial.what += f"; {command}"
    trial.what += f"\n{told[-3000:]}"
    return None


def mended_by_verify(trial: Trial) -> str:
    """Damage that the command does not meet is found by `fairtrial verify`, which names the command
    that mends it; what was told then."""
    told = verified(trial)
    if not told:
        return ""
    trial.found["damage that verify alone finds"] += 1
    for command in dict.fromkeys(MENDING.findall(told)):
        trial.what += f"; {command}"
        trial.project.run(*command.split(), check=False)
    told += call_again(trial) or ""
    trial.found["damage that stays"] += bool(verified(trial))
    return told


def verified(trial: Trial) -> str:
    """What `fairtrial verify` finds."""
    done = trial.project.run("fairtrial", "verify", check=False)
    return done.stdout + done.stderr if done.returncode else ""


def has_metrics(trial: Trial, run: str) -> bool:
    return (trial.project.root / f"results/compare/runs/{run}/metrics.json").exists()


def results(project: Project) -> dict[str, bytes]:
    """All results that hold no times."""
    paths = [p for p in (project.root / "results").rglob("*") if p.is_file()]
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes()
        for path in paths
        if not path.name.startswith(".") and "made" not in path.parts and path.name not in TIMES
    }


def compare(trial: Trial, reference: dict[str, bytes], when: str, told: str = "") -> None:
    """Count the files of results that differ from the undisturbed ones."""
    present = results(trial.project)
    names = reference.keys() | present.keys()
    different = sorted(name for name in names if present.get(name) != reference.get(name))
    for name in different:
        wrong = Path(name).name in {"metrics.json", "per_class.csv", "runs.csv", "report.pdf"}
        kind = "wrong numbers" if wrong else "silent differences"
        if name not in told:
            trial.found[kind] += 1
            trial.what += f"; {when}{name}{difference(reference.get(name), present.get(name))}"


def difference(old: bytes | None, new: bytes | None) -> str:
    """The first lines in which two texts differ."""
    if old is None or new is None:
        return " (missing)" if new is None else " (foreign)"
    before, after = (text.decode(errors="replace").split("\n") for text in (old, new))
    added = [re.sub(r"<[^>]+>", " ", line) for line in after if line not in before]
    return f" ({' / '.join(line.strip()[-300:] for line in added[-3:])})"


def count_epochs(trial: Trial) -> None:
    """Finished epochs that were trained again."""
    if "yolo" in trial.project.root.name:
        return count_attempts(trial)
    trained = trial.project.trainings("epoch")
    for size, run in (("32 s0", RUNS[0]), ("64 s0", RUNS[1])):
        repeated = max(0, trained[size] - EPOCHS["quick"])
        trial.found["epochs repeated"] += 0 if run in trial.excused else repeated
    return None


def count_attempts(trial: Trial) -> None:
    """The same from what the records say of attempts."""
    for run in RUNS:
        with suppress(OSError):
            text = (trial.project.root / f"results/compare/runs/{run}/record.json").read_text()
            epochs = sum(attempt["epochs"] for attempt in json.loads(text)["attempts"])
            repeated = 0 if run in trial.excused else max(0, epochs - EPOCHS["yolo"])
            trial.found["epochs repeated"] += repeated


# --------------------------------------------------------------------------- all of them


def prepared(folder: Path, backend: str) -> Project:
    """The experiment before any job."""
    project = Project.new(folder / f"prepared-{backend}", stubs=("none",), quick_backend=True)
    name = "quick" if backend == "quick" else "ultralytics"
    more = "" if backend == "quick" else ", batch: 4"
    text = EXPERIMENT.format(backend=name, epochs=EPOCHS[backend], more=more)
    project.write("config/experiments/compare.yaml", text)
    project.edit("params.yaml", "timings: true", "timings: false")
    project.run("git", "init", "-q")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "project")
    return project


@contextmanager
def copied(prepared_project: Project, folder: Path, name: str) -> Iterator[Project]:
    """A copy of it on a disk of its own."""
    place = folder / name
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", place], check=True)
    try:
        project = prepared_project.copy(place / prepared_project.root.name)
        project.env |= prepared_project.env | {
            key: project.env[key] for key in ("PATH", "STUB_LOG", "STUB_PLACES", "QUICK_LOG")
        }
        outside = folder / f"{name}.log"  # what is counted must not be lost on a full disk
        project.trained, project.output = outside, folder / f"{name}.output"
        project.env["QUICK_LOG"] = str(outside)
        project.env["STUB_LOG"] = str(folder / f"{name}.jobs")
        yield project
    finally:
        for process in processes(project):
            kill(process)
        subprocess.run(["umount", "--lazy", place], check=True)


def on(cluster: Cluster | None, project: Project) -> Project:
    first = os.environ["PATH"].partition(":")[0]
    if (Path(first) / "socket").exists():
        project.env["PATH"] = f"{first}:{project.env['PATH']}"
    if cluster is not None:
        project.env["PATH"] = f"{cluster.bin}:{project.env['PATH']}"
        project.env["STUB_HURRY"] = "1"
    project.env["QUICK_SECONDS"] = "3"
    return project


@contextmanager
def a_cluster(place: str) -> Iterator[Cluster | None]:
    if place == "local":
        yield None
        return
    with running_cluster() as cluster:
        yield cluster


def run_faults(options: argparse.Namespace, cluster: Cluster | None, folder: Path) -> list[Trial]:
    """Meet all faults, and print a line each."""
    command = COMMANDS[options.place]
    project = prepared(folder, options.backend)
    with copied(project, folder, "undisturbed") as undisturbed:
        start = time.monotonic()
        on(cluster, undisturbed).run(*command)
        length = time.monotonic() - start
        reference = results(undisturbed)
    print(f"undisturbed: {length:.0f} s, {len(reference)} files", flush=True)
    with_data = project.copy(folder / f"with-data-{options.backend}")
    with_data.env = project.env
    with_data.run(*COMMANDS["local"], "data/sets/shapes/split.json")
    trials = []
    names = [name for name in FAULTS if not options.only or name in options.only]
    for number in range(options.first, options.first + options.faults):
        chance = random.Random(f"{options.seed}-{number}")  # noqa: S311, no secret
        fault = names[number % len(names)]
        moment = chance.uniform(0, 1.1 * length)
        begin = project if number % 3 == 0 else with_data
        with copied(begin, folder, f"fault-{number}") as copy:
            driver = on(cluster, copy).start(*command)
            trial = Trial(copy, command, chance, cluster, driver)
            meet(trial, fault, moment, reference)
        found = ", ".join(f"{n} {kind}" for kind, n in trial.found.items() if n) or "nothing"
        print(f"{number} {fault} {trial.what} -> {found}", flush=True)
        trials.append(trial)
    return trials


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the number of the first one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--place", choices=sorted(COMMANDS), default="local")
    parser.add_argument("--backend", choices=sorted(EPOCHS), default="quick")
    parser.add_argument("--only", nargs="*", choices=sorted(FAULTS))
    parser.add_argument("--preloaded", action="store_true", help="fork commands; not on SLURM")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fairtrial-faults-"))
    if options.preloaded:
        (folder / "bin").mkdir()
        os.environ["PATH"] = f"{preloaded.serve(folder / 'bin')}:{os.environ['PATH']}"
    with a_cluster(options.place) as cluster:
        trials = run_faults(options, cluster, folder)
    total: Counter[str] = sum((trial.found for trial in trials), Counter())
    kinds = ("runs lost", "epochs repeated", "wrong numbers", "silent differences")
    print(f"{len(trials)} faults: " + ", ".join(f"{total[kind]} {kind}" for kind in kinds))
    others = {kind: n for kind, n in total.items() if kind not in kinds and n}
    print(f"beside: {others}" if others else "nothing beside")
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
