"""Training through fairtrial beside a bare Ultralytics script with the same settings.

    python benchmarks/overhead.py [--pairs 3] [--only ROW …]

Draws its images, but for the row `demo`, which needs the data of `make demo`. Both run as processes
of their own, in turn, with one thread and an empty store. Printed are the wall time of each pair,
its processor seconds (user and system, of the process and those that it started: what others do on
the machine moves them little), and the medians of the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "workflow"))

from fairtrial.backends._ultralytics_files import write_dataset  # noqa: E402
from fairtrial.backends.ultralytics import Settings  # noqa: E402
from fairtrial.data import dataset as datasets  # noqa: E402
from fairtrial.data.certificate import PlacedDuplicates, SplitCertificate  # noqa: E402
from fairtrial.data.split_dataset import read_split_dataset  # noqa: E402
from fairtrial.files import checksums  # noqa: E402
from fairtrial.files.modelfile import write_model  # noqa: E402
from fairtrial.files.yamlfile import read_yaml  # noqa: E402
from fairtrial.formats import coco  # noqa: E402
from fairtrial.planning.plan import Plan  # noqa: E402
from fairtrial.sources import shapes  # noqa: E402

# On the CPU Ultralytics loads images in the training's own process. Both sides get the processes
# of the row by the same means: set once its trainer has set them to none.
PROCESSES = """
import sys
from ultralytics.engine.trainer import BaseTrainer
begin = BaseTrainer.__init__
def begun(self, *arguments, **named):
    begin(self, *arguments, **named)
    self.args.workers = WORKERS
BaseTrainer.__init__ = begun
"""
BARE = """
import json, os, sys
chosen, place = json.loads(sys.argv[1]), sys.argv[2]
os.environ.update(YOLO_OFFLINE="1", YOLO_AUTOINSTALL="false", YOLO_CONFIG_DIR=place)
PROCESSES
sys.modules["mlflow"] = None  # to which Ultralytics else logs where it is installed, as we do not
import torch
from ultralytics import YOLO, settings as reports
reports.update({"sync": False, "dvc": False})
model = YOLO(chosen.pop("model") + ".yaml")
model.add_callback("on_train_start", lambda _: torch.set_num_threads(1))
model.train(data=place + "/data.yaml", pretrained=False, plots=False, project=place, **chosen)
"""
THROUGH = """
import os, runpy, sys, tempfile
os.environ.update(YOLO_OFFLINE="1", YOLO_AUTOINSTALL="false", YOLO_CONFIG_DIR=tempfile.mkdtemp())
PROCESSES
sys.argv[0] = "fairtrial"
runpy.run_path("workflow/fairtrial_command.py", run_name="__main__")
"""


@dataclass(frozen=True)
class Row:
    """What is trained: how many drawn images, of how many pixels (none: those of the demo), with
    which settings, by how many loading processes."""

    images: int
    size: int
    settings: dict[str, Any]
    workers: int = 0


ROWS = {
    "demo": Row(0, 160, {}),
    "short": Row(36, 64, {"model": "yolov8n", "epochs": 40}),
    "medium": Row(36, 64, {"model": "yolov8m", "epochs": 12}),
    "loaded": Row(300, 64, {"model": "yolov8n", "epochs": 20, "mosaic": 1.0}, workers=2),
    "large": Row(6, 64, {"model": "yolov8l", "epochs": 50, "mosaic": 1.0}, workers=2),
}


@dataclass(frozen=True)
class DataSet:
    """The files of a data set: a folder of images, annotations, the certificate of the split."""

    images: Path
    annotations: Path
    split: Path


def drawn(row: Row) -> DataSet:
    """Drawn images, every third of them val, every ninth test."""
    place = Path(tempfile.mkdtemp(prefix="drawn-"))
    found = DataSet(place / "images", place / "annotations.json", place / "split.json")
    chosen = shapes.Settings(
        images=row.images, size=row.size, per_scene=1, objects=3, clutter=0, seed=0
    )
    found.images.mkdir()
    shapes.fetch(chosen, "drawn", found.images, found.images)
    dataset, _ = coco.read(found.images, coco.Settings())
    dataset = dataset.canonical()
    for image in dataset.images:
        image.sha256 = checksums.sha256(found.images / image.file_name)
    datasets.write(dataset, found.annotations)
    numbers = [image.id for image in dataset.images]
    write_model(found.split, _certificate(numbers))
    return found


def _certificate(numbers: list[int]) -> SplitCertificate:
    val = numbers[2::3]
    return SplitCertificate(
        source="drawn",
        method="given",
        seed=0,
        asked={},
        allow=[],
        class_map={},
        summary={},
        duplicates=PlacedDuplicates(exact=[], near=[], doubtful=0, doubtful_across=[]),
        leaks={},
        without_split=0,
        balance=None,
        train=[n for n in numbers if n not in set(val)],
        val=val,
        test=[],
    )


def of_demo() -> DataSet:
    sets = PROJECT / "data/sets/shapes"
    images = PROJECT / "data/clean/shapes/images"
    return DataSet(images, sets / "annotations.json", sets / "split.json")


def job_settings(row: Row) -> dict[str, Any]:
    """What the stage `train` is given."""
    if not row.images:
        of_run: dict[str, Any] = json.loads(Plan.read("quickstart").settings("train", "size160-s0"))
        return of_run
    params = read_yaml(PROJECT / "params.yaml")
    values = {name: params[name] for name in Settings.model_fields if name in params}
    values |= {"imgsz": row.size, "patience": 0, "workers": row.workers} | row.settings
    return {"backend": "ultralytics", "settings": values, "trusted": None}


def code(text: str, row: Row) -> list[str]:
    processes = PROCESSES.replace("WORKERS", str(row.workers)) if row.workers else ""
    return [sys.executable, "-c", text.replace("PROCESSES", processes)]


def bare(row: Row, data: DataSet, settings: dict[str, Any]) -> list[str]:
    place = Path(tempfile.mkdtemp(prefix="bare-"))
    fonts = place / "Ultralytics"
    fonts.mkdir()
    import matplotlib

    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        source = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")
        (fonts / name).write_bytes(source.read_bytes())
    write_dataset(read_split_dataset(data.annotations, data.split, data.images), place)
    ours = {"pretrained", "fitness", "replicate", "train_share"}
    own = {k: v for k, v in settings["settings"].items() if k not in ours}
    own |= {"nbs": own["nbs"] or own["batch"], "device": "cpu"}
    return [*code(BARE, row), json.dumps(own), str(place)]


def through(row: Row, data: DataSet, settings: dict[str, Any]) -> list[str]:
    out = Path(tempfile.mkdtemp(prefix="through-"))
    flags = {
        "settings": json.dumps(settings),
        "run": "run-s0",
        "dataset": "shapes",
        "code": "benchmark",
        "images": data.images,
        "annotations": data.annotations,
        "split": data.split,
        "threads": 1,
        "lost-minutes": 5,
        "progress": out / "progress.json",
        "weights": out / "run-s0" / "weights.pt",
        "record": out / "record.json",
        "history": out / "history.csv",
    }
    named = [str(part) for name, value in flags.items() for part in (f"--{name}", value)]
    empty = ["--pretrained", "", "--continues", "", "--chosen-weights", "", "--start"]
    return [*code(THROUGH, row), "train", *named, *empty]


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and of processors."""

    wall: float
    processor: float


def cost(command: list[str]) -> Cost:
    env = os.environ | {
        "PYTHONPATH": str(PROJECT / "workflow"),
        "OMP_NUM_THREADS": "1",
        "DVC_ROOT": tempfile.mkdtemp(prefix="store-"),
    }
    start = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            log.seek(0)
            sys.exit(log.read().decode()[-4000:])
    return Cost(time.monotonic() - start, used.ru_utime + used.ru_stime)


def compare(name: str, pairs: int) -> None:
    row = ROWS[name]
    data = drawn(row) if row.images else of_demo()
    settings = job_settings(row)
    walls, processors = [], []
    for number in range(pairs):
        ours, theirs = cost(through(row, data, settings)), cost(bare(row, data, settings))
        walls.append(ours.wall / theirs.wall)
        processors.append(ours.processor / theirs.processor)
        print(
            f"{name} {number}: wall {ours.wall:.1f} : {theirs.wall:.1f} s = {walls[-1]:.3f}, "
            f"processor {ours.processor:.1f} : {theirs.processor:.1f} s = {processors[-1]:.3f}",
            flush=True,
        )
    wall, processor = statistics.median(walls), statistics.median(processors)
    print(f"{name}: median ratio {wall:.3f} of wall time, {processor:.3f} of processor seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=ROWS, default=list(ROWS))
    arguments = parser.parse_args()
    os.chdir(PROJECT)
    for name in arguments.only:
        compare(name, arguments.pairs)


if __name__ == "__main__":
    main()
