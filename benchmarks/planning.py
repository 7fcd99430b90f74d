"""What planning costs: ours, and a bare Snakemake workflow of as many jobs and files, in turn.

    python benchmarks/planning.py [--runs 1000] [--times 3] [--only new|finished|status|check]

In a copy of the project, whose outputs are written at once (nothing is trained), and in a folder
with bare_workflow.smk. Processor seconds, user's and system's, hold on a busy machine, too; the
times by the clock beside them on an idle one only.

`snakemake --touch` would take longer than all measurements (a tenth of a second for each job), so
Snakemake's records of the outputs are written by its own function for that as soon as it has
planned. `--only check` compares them with those that `--touch` writes; of few runs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/workflow"))

from project import CHECKOUT, Project

BARE = Path(__file__).with_name("bare_workflow.smk")
EXPERIMENT = "title: many\nsweep: {{lr0: [{}]}}\n"
DRY = ("snakemake", "-n", "--quiet")
DONE = ("snakemake", "--cores", "2", "--quiet")

Seconds = tuple[float, float]  # of the processor, by the clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", choices=("new", "finished", "status", "check"))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = projects(Path(folder), chosen.runs)
        measure(ours, bare, chosen)


def measure(ours: Project, bare: Project, chosen: argparse.Namespace) -> None:
    """Print a row as soon as it is measured."""
    if chosen.only in (None, "new"):
        jobs = compare_jobs(ours, bare)
        show(f"dry run, {chosen.runs} new runs ({jobs} jobs)", ours, bare, DRY, chosen.times)
    if chosen.only == "new":
        return
    if chosen.only in (None, "status"):
        in_package(ours, RUNNING)
        figures = [cost(ours, ("fairtrial", "status")) for _ in range(chosen.times)]
        print(f"status while {chosen.runs} runs are trained: {text(figures)}", flush=True)
    names = finish(ours)
    copy_files(ours, bare, names)
    if chosen.only in (None, "finished", "check"):
        print(f"{len(names)} files", flush=True)
        for project in (ours, bare):
            record(project, chosen.only == "check")
    if chosen.only in (None, "finished"):
        show(f"nothing to do, {chosen.runs} finished", ours, bare, DONE, chosen.times)
    if chosen.only in (None, "status"):
        figures = [cost(ours, ("fairtrial", "status")) for _ in range(chosen.times)]
        print(f"status of {chosen.runs} finished runs: {text(figures)}")


def projects(folder: Path, runs: int) -> tuple[Project, Project]:
    """The two workflows; the bare one has the profile and the settings of ours."""
    ours = Project.new(folder / "ours")
    many = ", ".join(f"{0.0001 * (n + 1):.4f}" for n in range(runs))
    ours.write("config/experiments/compare.yaml", EXPERIMENT.format(many))
    (folder / "bare").mkdir()
    bare = Project(folder / "bare")
    shutil.copytree(CHECKOUT / "profiles", bare.root / "profiles")
    shutil.copy(BARE, bare.root / "Snakefile")
    bare.write("settings.json", in_package(ours, SETTINGS_OF_PLAN))
    return ours, bare


SETTINGS_OF_PLAN = """
import json
from fairtrial.planning.finished import jobs_of
from fairtrial.planning.plan import Plan
plan, found = Plan.read(), {}
for job in jobs_of(plan):
    settings = plan.settings(job.stage, job.name, job.experiment)
    found.setdefault(job.stage, {})[job.name] = settings
found["code"] = plan.code("report", "", plan.chosen.name)
print(json.dumps(found))
"""
RUNNING = """
from pathlib import Path
from fairtrial.files.modelfile import write_model
from fairtrial.planning.plan import Plan
from fairtrial.store import entries, locks
from fairtrial.training.progress import ProgressReport, progress_file
plan = Plan.read().chosen
for number, run in enumerate(plan.runs.values()):
    key = f"{number:064x}"
    report = ProgressReport(progress_file(plan.name, run.name), run.train_settings, key)
    holder = report.state.holder.model_copy(update={"host": "node"})
    report.write(epoch=1, attempt=1, seconds=60.0, best=0.5, best_epoch=1, holder=holder)
    lock = Path(entries.root(), "runs", f"{key}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    write_model(lock, holder)
"""
FINISH = """
import hashlib
from pathlib import Path
from fairtrial.files.modelfile import write_model
from fairtrial.lineage.made import MadeRecord, settings_sha256
from fairtrial.planning.finished import jobs_of
from fairtrial.planning.plan import Plan
plan = Plan.read()
for job in jobs_of(plan):
    settings = plan.settings(job.stage, job.name, job.experiment)
    for name in job.outputs:
        if name.endswith(("images", "figures")) or name.startswith("data/raw/") and "." not in name:
            Path(name).mkdir(parents=True, exist_ok=True)
        else:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text("")
        print(name)
    record = MadeRecord(
        stage=job.stage,
        settings_sha256=settings_sha256(settings),
        code=plan.code(job.stage, job.name, job.experiment),
        inputs={},
        outputs=dict.fromkeys(job.outputs, hashlib.sha256(b"").hexdigest()),
    )
    write_model(Path(job.made), record.sealed(), sync=False)
"""
RECORD = """
import sys
import snakemake.cli
from snakemake.workflow import Workflow
build = Workflow._build_dag
def build_and_record(workflow):
    async def record():
        for job in workflow.dag.jobs:
            await workflow.persistence.finished(job)
    build(workflow)
    workflow.async_run(record())
Workflow._build_dag = build_and_record
snakemake.cli.main(["-n", "--quiet"])
"""


def in_package(ours: Project, program: str) -> str:
    """What a program prints that imports the project's own package."""
    return ours.run(sys.executable, "-c", program, PYTHONPATH="workflow").stdout


def finish(ours: Project) -> list[str]:
    """Write every output, as the stages would; returns their names."""
    return in_package(ours, FINISH).split()


def copy_files(ours: Project, bare: Project, names: list[str]) -> None:
    """The same outputs in the bare workflow."""
    for name in names:
        path = bare.root / name
        if (ours.root / name).is_dir():
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")


def record(project: Project, is_compared: bool) -> None:
    """Let Snakemake record that all outputs are there; fails where it has something to do then.

    is_compared: with what `--touch` records, too.
    """
    project.run(sys.executable, "-c", RECORD)
    assert "missing provenance" not in (told := project.run("snakemake", "-n").stdout), told
    assert "Nothing to be done" in told, told
    if is_compared:
        found = records(project)
        project.run("snakemake", "--touch", "--forceall", "--cores", "2", "--quiet")
        assert found == records(project)
        print(f"{len(found)} records are those of --touch", flush=True)


def records(project: Project) -> dict[str, dict[str, object]]:
    """Snakemake's records of all outputs, without what is another in each call."""
    folder = project.root / ".snakemake/metadata"
    found = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        content = json.loads(path.read_text())
        of_call = ("starttime", "endtime", "job_hash")  # the last is an address in memory
        found[path.name] = {key: value for key, value in content.items() if key not in of_call}
    return found


def compare_jobs(ours: Project, bare: Project) -> int:
    """How many jobs each has to do; fails where they differ in rules, inputs or outputs."""
    first, second = (shape(project.run("snakemake", "-n").stdout) for project in (ours, bare))
    assert first == second, first - second | second - first
    return first.total()


def shape(told: str) -> Counter[str]:
    """The jobs of a dry run: rule, number of inputs and of outputs."""
    found: Counter[str] = Counter()
    for block in re.split(r"\n(?=\[|(?:local)?(?:rule|checkpoint) )", told):
        rule = re.match(r"(?:local)?(?:rule|checkpoint) (\w+):", block)
        files = [re.search(rf"^    {kind}: (.*)$", block, re.M) for kind in ("input", "output")]
        if rule:
            found[f"{rule[1]} {[f[1].count(', ') + 1 if f else 0 for f in files]}"] += 1
    return found


def show(what: str, ours: Project, bare: Project, command: tuple[str, ...], times: int) -> None:
    """Measure both in turn, and print the medians and their ratio."""
    figures: tuple[list[Seconds], list[Seconds]] = ([], [])
    for _ in range(times):
        figures[0].append(cost(ours, command))
        figures[1].append(cost(bare, command))
    ratio = statistics.median(a[0] / b[0] for a, b in zip(*figures, strict=True))
    print(f"{what}: {text(figures[0])}, bare {text(figures[1])}; ratio {ratio:.3f}", flush=True)


def cost(project: Project, command: tuple[str, ...]) -> Seconds:
    """Seconds of the processor and by the clock of one call."""
    start, before = time.monotonic(), os.times()
    project.run(*command)
    after = os.times()
    used = after.children_user + after.children_system
    return used - before.children_user - before.children_system, time.monotonic() - start


def text(figures: list[Seconds]) -> str:
    processor, clock = (statistics.median(values) for values in zip(*figures, strict=True))
    return f"{processor:.2f} s of CPU ({clock:.1f} s)"


if __name__ == "__main__":
    main()
