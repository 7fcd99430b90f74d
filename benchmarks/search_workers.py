"""How much sooner four workers of a search are done than one, on SLURM.

    python benchmarks/search_workers.py [--trials 32] [--seconds 5]

Trials only wait, so that the cores of this machine are no limit; SLURM is that of tests/slurm,
started for the purpose (needs root). Printed is the time from the first trial's beginning to the
last one's end, and that of the whole command.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path[:0] = [str(CHECKOUT / "tests/workflow"), str(CHECKOUT / "tests/slurm")]

from cluster import Cluster, missing  # noqa: E402

from project import Project  # noqa: E402

EXPERIMENT = """\
title: A search
base: {{backend: quick, epochs: 1}}
search:
  space: {{lr0: {{min: 1e-4, max: 1, log: true}}, momentum: {{min: 0.5, max: 0.99}}}}
  trials: {trials}
  workers: {workers}
  engine: random
"""


def timed(cluster: Cluster, folder: Path, workers: int, trials: int, seconds: float) -> list[float]:
    """Seconds between the first beginning and the last end, and of the whole command."""
    project = Project.new(folder / str(workers), quick_backend=True)
    project.env["PATH"] = f"{cluster.bin}:{project.env['PATH']}"
    project.env |= {"STUB_HURRY": "1", "QUICK_SECONDS": str(seconds)}
    text = EXPERIMENT.format(trials=trials, workers=workers)
    project.write("config/experiments/compare.yaml", text)
    project.snakemake("--cores", "1", "data/sets/shapes/split.json")
    start = time.monotonic()
    # Not on the nodes with a GPU, as the profile says: the cluster of the tests has two GPUs.
    elsewhere = ("--set-resources", "search:slurm_partition=cpu")
    target = "results/compare/search/random-seed0/trials.csv"
    driver = project.start("snakemake", target, "--profile", "slurm", *elsewhere)
    begun = ended = 0.0
    while driver.poll() is None:
        begun = begun or (project.trainings().total() and time.monotonic()) or 0.0
        if not ended and project.trainings("end").total() == trials:
            ended = time.monotonic()
        time.sleep(0.1)
    whole = time.monotonic() - start
    assert driver.returncode == 0, project.output.read_text()
    assert project.trainings("begin").total() == trials, "a trial was trained twice, or never"
    return [ended - begun, whole]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    if missing():
        sys.exit(missing())
    with tempfile.TemporaryDirectory(prefix="fairtrial-slurm-", dir="/tmp") as folder:
        cluster = Cluster(Path(folder, "slurm"))
        cluster.root.mkdir()
        cluster.start()
        try:
            one, four = (
                timed(cluster, Path(folder), workers, options.trials, options.seconds)
                for workers in (1, 4)
            )
        finally:
            cluster.stop()
    for name, first, second in zip(("trials", "command"), one, four, strict=True):
        print(f"{name}: 1 worker {first:.1f} s, 4 workers {second:.1f} s, {second / first:.2f}")


if __name__ == "__main__":
    main()
