"""A set like COCO from a server on this machine that fails now and then.

    python benchmarks/downloads.py [--images 3000]

Prints the time of `download` when it is killed halfway and called again, and of a call that
finds everything there; the requests show that nothing whole is fetched twice.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from itertools import cycle
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
COMMAND = str(ROOT / "workflow/fairtrial_command.py")
sys.path[:0] = [str(ROOT / "tests/sources"), str(ROOT / "workflow")]

from web import Web  # noqa: E402

ARCHIVE = "annotations/annotations_trainval2017.zip"


def served(images: int) -> Web:
    """Photographs of 640×480 with some noise (180 kB each) and their annotations."""
    noise = np.random.default_rng(0).normal(128, 24, (480, 640, 3)).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", quality=75)
    names = [f"{number:012}.jpg" for number in range(images)]
    size = {"width": 640, "height": 480}
    content = {
        "images": [{"id": n, "file_name": name, **size} for n, name in enumerate(names)],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 9, 9], "area": 81}
            for n in range(images)
        ],
        "categories": [{"id": 1, "name": "person"}],
    }
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("annotations/instances_train2017.json", json.dumps(content))
    web = Web({f"train2017/{name}": file.getvalue() for name in names})
    web.files[ARCHIVE] = zipped.getvalue()
    web.headers = {"Retry-After": "1"}
    faults = cycle(["cut", 500, "short", 503])
    web.faults = {f"train2017/{name}": [next(faults)] for name in names[::40]}
    return web


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=3000)
    images = parser.parse_args().images
    web = served(images)
    part = {"annotations": "annotations/instances_train2017.json", "images": "train2017"}
    settings = {"name": "coco", "kind": "coco_subset", "base": web.address, "images": images}
    settings |= {"classes": ["person"], "parts": [part]}
    settings["sha256"] = hashlib.sha256(web.files[ARCHIVE]).hexdigest()
    command = [sys.executable, COMMAND, "download", "--settings", json.dumps(settings)]
    command += ["--raw", "raw", "--manifest", "raw.sha256"]
    with tempfile.TemporaryDirectory() as folder:
        call = {"cwd": folder, "env": {}, "stderr": subprocess.DEVNULL}
        start = time.perf_counter()
        killed = subprocess.Popen(command, **call)
        while len(web.asked) < images / 2:
            time.sleep(0.01)
        killed.kill()
        killed.wait()
        print(f"killed after {len(web.asked)} requests, {time.perf_counter() - start:.1f} s")
        for what in ("called again", "called a third time"):
            web.asked.clear()
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **call)
            print(f"{what}: {len(web.asked)} requests, {time.perf_counter() - start:.1f} s")
        there = sum(1 for _ in Path(folder, "raw/train2017").iterdir())
        print(
            f"{there} images of {len(web.files[f'train2017/{0:012}.jpg']) / 1000:.0f} kB are there"
        )
    web.close()


if __name__ == "__main__":
    main()
