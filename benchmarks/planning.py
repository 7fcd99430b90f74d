"""How long Snakemake plans and `status` looks, with many runs configured.

    python benchmarks/planning.py [--runs 1000]

In a copy of the project, with stand-ins for the stages so that the runs can be finished: three
jobs a run, which take most of the time of this script. Wall-clock times on an idle machine; the
processor's seconds beside them hold on a busy one, too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/workflow"))

from project import Project

EXPERIMENT = "title: many\nsweep: {{lr0: [{}]}}\n"


def median(project: Project, *command: str, **env: str) -> str:
    """Seconds of three calls, by the clock and of the processor."""
    clock, processor = [], []
    for _ in range(3):
        start, before = time.monotonic(), os.times()
        project.run(*command, **env)
        after = os.times()
        clock.append(time.monotonic() - start)
        used = after.children_user + after.children_system
        processor.append(used - before.children_user - before.children_system)
    return f"{statistics.median(clock):.1f} s ({statistics.median(processor):.1f} s of CPU)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    project = Project.new(Path(tempfile.mkdtemp()) / "many")
    one = EXPERIMENT.format("0.5")
    project.write("config/experiments/compare.yaml", one)
    project.run("snakemake", "--cores", "2")
    print(f"nothing to do, 1 run: {median(project, 'snakemake', '--cores', '2')}")
    many = EXPERIMENT.format(", ".join(f"{0.001 * (n + 1):.3f}" for n in range(runs)))
    project.write("config/experiments/compare.yaml", many)
    print(f"dry run, {runs} new runs: {median(project, 'snakemake', '-n', '--quiet')}")
    project.run("snakemake", "--cores", "2", "--quiet")
    done = median(project, "snakemake", "--cores", "2")
    board = median(project, "fairtrial", "status")
    print(f"nothing to do, {runs} finished runs: {done}")
    print(f"status of {runs} runs: {board}")


if __name__ == "__main__":
    main()
