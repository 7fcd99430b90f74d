"""Engines of a search, with and without pruning, beside Ultralytics' own `tune`.

    python benchmarks/search.py --weights yolov8n.pt [--jobs 2] [--only tpe tune …] \\
        [--pruning off halving …] [--seeds 0 1 …]

Every study may spend the same number of epochs in all, on the data of `make demo` (another
folder: --data; fewer images to train on: --images). Without --weights, a checkpoint of YOLOv8n,
each trial starts from scratch. Printed, and written to benchmarks/search.csv, is the best
fitness (AP on val) after each trial against the epochs spent; in the end what `tune` had reached
with its whole budget, and after how many epochs each engine was there. What Ultralytics prints
goes to benchmarks/search.log.
`tune` takes no seed of ours: it seeds itself by the clock. Its trials are never pruned.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "workflow"))

from fairtrial.backends._ultralytics_files import workplace, write_dataset  # noqa: E402
from fairtrial.data.dataset import SplitDataset  # noqa: E402
from fairtrial.data.split_dataset import read_split_dataset  # noqa: E402
from fairtrial.planning.plan import Plan  # noqa: E402
from fairtrial.search.journal import Journal, Trial  # noqa: E402
from fairtrial.search.worker import RunningStudy, work  # noqa: E402
from fairtrial.settings.search import Engine, Pruning  # noqa: E402
from fairtrial.settings.study import RangeSpec, SearchStageSettings, Space  # noqa: E402
from fairtrial.training.inputs import TrainingInputs  # noqa: E402

LOG = PROJECT / "benchmarks/search.log"
TABLE = PROJECT / "benchmarks/search.csv"  # study, seed, epochs spent, best so far
RANGES = {  # low, high, whether on a log scale; `tune` knows no scale
    "lr0": (1e-4, 2e-2, True),
    "lrf": (0.01, 1.0, False),
    "momentum": (0.6, 0.98, False),
    "weight_decay": (0.0, 0.001, False),
    "box": (2.0, 12.0, False),
    "cls": (0.2, 2.0, False),
}
ENGINES: tuple[Engine, ...] = ("tpe", "ga", "mutate", "cmaes", "gp", "random")
Point = tuple[int, float]  # epochs spent, best fitness so far

TUNE = """
import json, sys
from ultralytics import YOLO
told = json.loads(sys.argv[1])
model = YOLO(told.pop("model"))
model.tune(plots=False, **told)
"""


@dataclass(frozen=True)
class Setting:
    """What all studies have in common. `start`: the settings of the first trial; `epochs`: the
    budget of a study; `images`: how many there are to train on."""

    start: dict[str, Any]
    weights: Path | None
    data: Path
    images: int
    epochs: int

    def view(self) -> SplitDataset:
        made = self.data / "sets/shapes"
        pictures = self.data / "clean/shapes/images"
        view = read_split_dataset(made / "annotations.json", made / "split.json", pictures)
        return replace(view, splits=view.splits | {"train": view.splits["train"][: self.images]})


@dataclass(frozen=True)
class Study:
    engine: Engine | Literal["tune"]
    pruning: Pruning
    seed: int

    @property
    def name(self) -> str:
        return self.engine if self.pruning == "off" else f"{self.engine} {self.pruning}"

    @property
    def label(self) -> tuple[str, str]:
        return self.name, str(self.seed)


def points(study: Study, setting: Setting) -> list[Point]:
    """Run one study, in a process and a store of its own."""
    run = theirs if study.engine == "tune" else ours
    with LOG.open("ab") as log, tempfile.TemporaryDirectory() as store:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
        os.environ["DVC_ROOT"] = store
        return list(run(study, setting))


def ours(study: Study, setting: Setting) -> Iterator[Point]:
    """One trial more, until the budget of epochs is spent."""
    trials: list[Trial] = []
    spent = 0
    while spent < setting.epochs:
        running = _running(study, setting, len(trials) + 1)
        work(running)
        trials = Journal(running.key).trials()
        spent = sum(len(trial.epochs) for trial in trials)
        yield spent, max(max(t.fitness_by_epoch(None)) for t in trials if t.state == "finished")


def _running(study: Study, setting: Setting, trials: int) -> RunningStudy:
    space: Space = {
        name: RangeSpec(low=low, high=high, log=log, step=None, integer=False)
        for name, (low, high, log) in RANGES.items()
    }
    assert study.engine != "tune"
    return RunningStudy(
        settings=SearchStageSettings(
            backend="ultralytics",
            start=setting.start | {"seed": study.seed},
            space=space,
            engine=study.engine,
            seed=study.seed,
            pruning=study.pruning,
            trials=trials,
            hours=None,
        ),
        code="benchmark",
        inputs=TrainingInputs("a", "b"),
        data=setting.view,
        pretrained=setting.weights,
        threads=1,
    )


def theirs(study: Study, setting: Setting) -> Iterator[Point]:
    """The same budget for `tune`, from the table that it keeps."""
    start, length = setting.start, setting.start["epochs"]
    told = {name: value for name, value in start.items() if name not in ("fitness", "replicate")}
    told["model"] = str(setting.weights or f"{start['model']}.yaml")
    del told["pretrained"]
    with workplace() as place:
        told |= {"data": str(write_dataset(setting.view(), place)), "project": str(place)}
        told |= {"nbs": start["batch"], "device": "cpu", "iterations": setting.epochs // length}
        told |= {"space": {name: (low, high) for name, (low, high, _) in RANGES.items()}}
        told |= {"seed": study.seed, "pretrained": setting.weights is not None}
        subprocess.run([sys.executable, "-c", TUNE, json.dumps(told)], check=True)
        (table,) = place.rglob("tune_results.*")
        best = 0.0
        for number, fitness in enumerate(_fitnesses(table), 1):
            best = max(best, fitness)
            yield number * length, best


def _fitnesses(table: Path) -> list[float]:
    lines = table.read_text(encoding="utf-8").splitlines()
    if table.suffix == ".csv":
        return [float(row["fitness"]) for row in csv.DictReader([x.strip() for x in lines])]
    return [float(json.loads(line)["fitness"]) for line in lines]


def summarise(measured: dict[tuple[str, str], list[Point]]) -> None:
    found: dict[str, list[list[Point]]] = {}
    for (name, _), curve in measured.items():
        found.setdefault(name, []).append(curve)
    for name, studies in found.items():
        ends = [study[-1][1] for study in studies]
        spread = statistics.stdev(ends) if len(ends) > 1 else 0.0
        print(f"{name}: {statistics.fmean(ends):.4f} ± {spread:.4f}")
    if "tune" not in found:
        return
    goal = statistics.fmean(study[-1][1] for study in found["tune"])
    print(f"level of tune with its whole budget: {goal:.4f}; reached after epochs:")
    for name, studies in found.items():
        first = [next((e for e, best in study if best >= goal), None) for study in studies]
        print(f"  {name}: {', '.join('never' if e is None else str(e) for e in first)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=160, help="of a study, in all")
    parser.add_argument("--length", type=int, default=4, help="epochs of a trial")
    parser.add_argument("--images", type=int, default=100, help="to train on")
    parser.add_argument("--imgsz", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--weights", type=Path, help="a checkpoint to start from")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--only", nargs="+", default=["tune", *ENGINES])
    parser.add_argument("--pruning", nargs="+", default=["off", "median", "halving", "hyperband"])
    parser.add_argument("--jobs", type=int, default=1, help="studies at a time")
    parser.add_argument("--data", type=Path, default=PROJECT / "data")
    parser.add_argument("--go-on", action="store_true", help="keep the studies in search.csv")
    options = parser.parse_args()
    weights, data = options.weights and options.weights.resolve(), options.data.resolve()
    os.chdir(PROJECT)
    run = next(iter(Plan.read("quickstart").chosen.runs.values()))
    changed = {"epochs": options.length, "imgsz": options.imgsz, "batch": options.batch}
    setting = Setting(run.settings | changed, weights, data, options.images, options.epochs)
    studies = [
        Study(engine, pruning, seed)
        for seed in options.seeds
        for engine in options.only
        for pruning in (("off",) if engine == "tune" else options.pruning)
    ]
    if not options.go_on:
        TABLE.unlink(missing_ok=True)
    measure([study for study in studies if study.label not in read()], setting, options.jobs)
    summarise(read())


def measure(studies: list[Study], setting: Setting, jobs: int) -> None:
    """Run the studies, and add each to the table when it ends: a benchmark of hours that is
    stopped has shown something."""
    os.environ["OMP_NUM_THREADS"] = "1"  # also for `tune`'s own processes
    spawn = multiprocessing.get_context("spawn")
    with (
        TABLE.open("a", newline="", encoding="utf-8") as file,
        ProcessPoolExecutor(jobs, spawn, max_tasks_per_child=1) as pool,
    ):
        table = csv.writer(file, lineterminator="\n")
        running = {pool.submit(points, study, setting): study for study in studies}
        for done in as_completed(running):
            study, curve = running[done], done.result()
            table.writerows((*study.label, e, f"{best:.6g}") for e, best in curve)
            file.flush()
            end, best = curve[-1]
            print(f"{study.name}, seed {study.seed}: {best:.4f} after {end} epochs", flush=True)


def read() -> dict[tuple[str, str], list[Point]]:
    """The points of each study in the table, by its name and its seed."""
    found: dict[tuple[str, str], list[Point]] = {}
    if TABLE.exists():
        with TABLE.open(newline="", encoding="utf-8") as file:
            for name, seed, epochs, best in csv.reader(file):
                found.setdefault((name, seed), []).append((int(epochs), float(best)))
    return found


if __name__ == "__main__":
    main()
