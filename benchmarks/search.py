"""Engines of a search, with and without pruning, beside Ultralytics' own `tune`.

    python benchmarks/search.py [--epochs 480] [--length 8] [--seeds 3] [--only tpe tune …]

Every study may spend the same number of epochs in all, on the data of `make demo` (another
folder: --data). Printed, and written to benchmarks/search.csv, is the best fitness (AP on val)
after each trial against the epochs spent; in the end what `tune` had reached with its whole
budget, and after how many epochs each engine was there.
`tune` takes no seed of ours: it seeds itself by the clock. Its trials are never pruned.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "workflow"))

from fairtrial.backends._ultralytics_files import lay_out, workplace  # noqa: E402
from fairtrial.data.dataset import read_view  # noqa: E402
from fairtrial.planning.plan import Plan  # noqa: E402
from fairtrial.search.journal import Journal  # noqa: E402
from fairtrial.search.worker import Task, work  # noqa: E402

RANGES = {  # low, high, whether on a log scale; `tune` knows no scale
    "lr0": (1e-4, 2e-2, True),
    "lrf": (0.01, 1.0, False),
    "momentum": (0.6, 0.98, False),
    "weight_decay": (0.0, 0.001, False),
    "box": (2.0, 12.0, False),
    "cls": (0.2, 2.0, False),
}
ENGINES = ("tpe", "ga", "cmaes", "gp", "random")
Point = tuple[int, float]  # epochs spent, best fitness so far

TUNE = """
import json, sys
from ultralytics import YOLO
told = json.loads(sys.argv[1])
model = YOLO(told.pop("model") + ".yaml")
model.tune(plots=False, save=False, pretrained=False, **told)
"""


def task(engine: str, pruning: str, seed: int, data: Path, start: dict[str, Any]) -> Task:
    view = read_view(
        data / "sets/shapes/annotations.json",
        data / "sets/shapes/split.json",
        data / "clean/shapes/images",
    )
    space = {
        name: {"low": low, "high": high, "log": log, "step": None, "integer": False}
        for name, (low, high, log) in RANGES.items()
    }
    return Task(
        framework="ultralytics",
        start=start | {"seed": seed},
        space=space,
        engine=engine,
        seed=seed,
        pruning=pruning,
        trials=1,
        hours=None,
        code="benchmark",
        inputs={},
        view=lambda: view,
        initial=None,
        threads=1,
    )


def ours(study: Task, budget: int) -> Iterator[Point]:
    """One trial more, until the budget of epochs is spent. Needs a store of its own."""
    while True:
        work(study)
        trials = Journal(study.key).trials()
        spent = sum(len(trial.epochs) for trial in trials)
        yield spent, max(max(t.judged(None)) for t in trials if t.state == "finished")
        if spent >= budget:
            return
        study = replace(study, trials=len(trials) + 1)


def theirs(data: Path, start: dict[str, Any], seed: int, budget: int) -> Iterator[Point]:
    """The same budget for `tune`, from the table that it keeps."""
    view = read_view(
        data / "sets/shapes/annotations.json",
        data / "sets/shapes/split.json",
        data / "clean/shapes/images",
    )
    left_out = {"weights", "fitness", "replicate", *RANGES}
    own = {name: value for name, value in start.items() if name not in left_out}
    with workplace() as place:
        told = own | {name: start[name] for name in RANGES}
        told |= {"data": str(lay_out(view, place)), "project": str(place), "seed": seed}
        told |= {"nbs": start["batch"], "device": "cpu", "iterations": budget // start["epochs"]}
        told |= {"space": {name: (low, high) for name, (low, high, _) in RANGES.items()}}
        subprocess.run([sys.executable, "-c", TUNE, json.dumps(told)], check=True)
        (table,) = place.rglob("tune_results.*")
        best = 0.0
        for number, fitness in enumerate(_fitnesses(table), 1):
            best = max(best, fitness)
            yield number * start["epochs"], best


def _fitnesses(table: Path) -> list[float]:
    lines = table.read_text(encoding="utf-8").splitlines()
    if table.suffix == ".csv":
        return [float(row["fitness"]) for row in csv.DictReader([x.strip() for x in lines])]
    return [float(json.loads(line)["fitness"]) for line in lines]


def summarise(points: dict[str, list[list[Point]]]) -> None:
    for name, studies in points.items():
        ends = [study[-1][1] for study in studies]
        spread = statistics.stdev(ends) if len(ends) > 1 else 0.0
        print(f"{name}: {statistics.fmean(ends):.4f} ± {spread:.4f}")
    if "tune" not in points:
        return
    goal = statistics.fmean(study[-1][1] for study in points["tune"])
    print(f"level of tune with its whole budget: {goal:.4f}; reached after epochs:")
    for name, studies in points.items():
        first = [next((e for e, best in study if best >= goal), None) for study in studies]
        print(f"  {name}: {', '.join('never' if e is None else str(e) for e in first)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=480, help="of a study, in all")
    parser.add_argument("--length", type=int, default=8, help="epochs of a trial")
    parser.add_argument("--imgsz", type=int, default=96)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[*ENGINES, "tune"])
    parser.add_argument("--data", type=Path, default=PROJECT / "data")
    options = parser.parse_args()
    os.chdir(PROJECT)
    run = next(iter(Plan.read("quickstart").runs.values()))
    start = {**run.settings, "epochs": options.length, "imgsz": options.imgsz}
    data = options.data.resolve()
    points: dict[str, list[list[Point]]] = {}
    rows = []
    for seed in range(options.seeds):
        for engine in options.only:
            for pruning in ("off", "median") if engine != "tune" else ("off",):
                name = engine if pruning == "off" else f"{engine} pruned"
                with tempfile.TemporaryDirectory() as store:
                    os.environ["DVC_ROOT"] = store
                    study = (
                        theirs(data, start, seed, options.epochs)
                        if engine == "tune"
                        else ours(task(engine, pruning, seed, data, start), options.epochs)
                    )
                    found = list(study)
                points.setdefault(name, []).append(found)
                rows += [(name, seed, spent, f"{best:.6g}") for spent, best in found]
                write(rows)
                end, best = found[-1]
                print(f"{name}, seed {seed}: {best:.4f} after {end} epochs", flush=True)
    summarise(points)


def write(rows: list[tuple[Any, ...]]) -> None:
    """All points so far: a benchmark of hours that is stopped has shown something."""
    with (PROJECT / "benchmarks/search.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerows([("study", "seed", "epochs", "best"), *rows])


if __name__ == "__main__":
    main()
