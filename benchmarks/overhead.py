"""Training through fairtrial beside a bare Ultralytics script with the same settings.

    python benchmarks/overhead.py [--pairs 3]

Needs the data of `make demo`. Both run as processes of their own, in turn, with one thread and
an empty store; printed is each pair's wall time and the median of the ratios.
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
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "workflow"))

from fairtrial.backends._ultralytics_files import write_dataset  # noqa: E402
from fairtrial.data.split_dataset import read_split_dataset  # noqa: E402
from fairtrial.planning.plan import Plan  # noqa: E402

IMAGES = PROJECT / "data/clean/shapes/images"
ANNOTATIONS = PROJECT / "data/sets/shapes/annotations.json"
SPLIT = PROJECT / "data/sets/shapes/split.json"

BARE = """
import json, os, sys
settings, place = json.loads(sys.argv[1]), sys.argv[2]
os.environ.update(YOLO_OFFLINE="1", YOLO_AUTOINSTALL="false", YOLO_CONFIG_DIR=place)
import torch
from ultralytics import YOLO
model = YOLO(settings.pop("model") + ".yaml")
model.add_callback("on_train_start", lambda _: torch.set_num_threads(1))
model.train(data=place + "/data.yaml", pretrained=False, plots=False, project=place, **settings)
"""


def bare(settings: dict[str, Any]) -> list[str]:
    place = Path(tempfile.mkdtemp(prefix="bare-"))
    fonts = place / "Ultralytics"
    fonts.mkdir()
    import matplotlib

    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        source = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")
        (fonts / name).write_bytes(source.read_bytes())
    write_dataset(read_split_dataset(ANNOTATIONS, SPLIT, IMAGES), place)
    ours = {"pretrained", "fitness", "replicate"}
    own = {k: v for k, v in settings["settings"].items() if k not in ours}
    own |= {"nbs": settings["batch"], "device": "cpu"}
    return [sys.executable, "-c", BARE, json.dumps(own), str(place)]


def through(settings: dict[str, object]) -> list[str]:
    out = Path(tempfile.mkdtemp(prefix="through-"))
    flags = {
        "settings": json.dumps(settings),
        "run": "run-s0",
        "dataset": "shapes",
        "code": "benchmark",
        "images": IMAGES,
        "annotations": ANNOTATIONS,
        "split": SPLIT,
        "pretrained": "",
        "continues": "",
        "trial": "",
        "threads": 1,
        "lost_minutes": 5,
        "progress": out / "progress.json",
        "weights": out / "run-s0" / "weights.pt",
        "record": out / "record.json",
        "history": out / "history.csv",
    }
    command = [sys.executable, "workflow/fairtrial_command.py", "train"]
    return command + [str(part) for name, value in flags.items() for part in (f"--{name}", value)]


def seconds(command: list[str]) -> float:
    env = os.environ | {
        "PYTHONPATH": str(PROJECT / "workflow"),
        "OMP_NUM_THREADS": "1",
        "DVC_ROOT": tempfile.mkdtemp(prefix="store-"),
    }
    start = time.monotonic()
    subprocess.run(command, check=True, env=env, capture_output=True)
    return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    pairs = parser.parse_args().pairs
    os.chdir(PROJECT)
    settings = json.loads(Plan.read("quickstart").settings("train", "size160-s0"))
    ratios = []
    for number in range(pairs):
        ours, theirs = seconds(through(settings)), seconds(bare(settings["settings"]))
        ratios.append(ours / theirs)
        print(f"pair {number}: fairtrial {ours:.1f} s, bare {theirs:.1f} s, ratio {ratios[-1]:.3f}")
    print(f"median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
