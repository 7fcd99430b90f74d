"""How long Snakemake plans: nothing to do, and a dry run, with many runs configured.

    python benchmarks/planning.py [--runs 300]

In a copy of the project, with stand-ins for the stages so that the runs can be finished.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/workflow"))

from project import Project

EXPERIMENT = "title: many\nsweep: {{lr0: [{}]}}\n"


def median(project: Project, *command: str) -> float:
    times = []
    for _ in range(3):
        start = time.monotonic()
        project.run(*command)
        times.append(time.monotonic() - start)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    runs = parser.parse_args().runs
    project = Project.new(Path(tempfile.mkdtemp()) / "many")
    one = EXPERIMENT.format("0.5")
    project.write("config/experiments/trial.yaml", one)
    project.run("snakemake", "--cores", "2")
    print(f"nothing to do, 1 run: {median(project, 'snakemake', '--cores', '2'):.1f} s")
    many = EXPERIMENT.format(", ".join(f"{0.001 * (n + 1):.3f}" for n in range(runs)))
    project.write("config/experiments/trial.yaml", many)
    print(f"dry run, {runs} new runs: {median(project, 'snakemake', '-n', '--quiet'):.1f} s")
    project.run("snakemake", "--cores", "2", "--quiet")
    done = median(project, "snakemake", "--cores", "2")
    print(f"nothing to do, {runs} finished runs: {done:.1f} s")


if __name__ == "__main__":
    main()
