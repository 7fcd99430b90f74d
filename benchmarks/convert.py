"""From COCO JSON to ready-to-train at the size of COCO, against two public converters.

    python benchmarks/convert.py [--images 118000] [--boxes 850000] [--photos 10000]
                                 [--supervision PYTHON]

Draws a set of small JPEGs with one COCO file (polygons of 20 points, 80 classes with gaps in
their ids) and, each in a process of its own, one after the other:

- converts, splits and lays it out for Ultralytics as the workflow does, in three processes: every
  image checked against its SHA-256, decoded, linked and compared with all others;
- looks whether the images are still those that `convert` wrote, as every training does, when no
  record is there and again when there is one;
- does what the other converters do: the JSON file to text files of boxes, images not looked at;
- calls Ultralytics' `convert_coco`;
- calls supervision's `DetectionDataset.from_coco(…).as_yolo(…)`, where `--supervision` names the
  Python of an environment that has it (supervision is no part of this project).

Then converts photographs of 640×480 pixels, of which none needs repair, for images a second.
Printed: seconds by the clock, seconds of CPU, and the most memory used.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "workflow"))

AFTER = ("split", "laid")
TOLD = "  "  # begins a line of a step that is shown
IDS = [number for number in range(1, 91) if number % 9]  # 80 of them, with gaps
SIZE = (64, 48)
SUPERVISION = """
import sys, supervision as sv
folder, to = sys.argv[1:]
found = sv.DetectionDataset.from_coco(f"{folder}/raw/images", f"{folder}/raw/annotations.json")
found.as_yolo(annotations_directory_path=to)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=118_000)
    parser.add_argument("--boxes", type=int, default=850_000)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--supervision", help="Python of an environment with supervision")
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        name, folder = asked.step
        STEPS[name](Path(folder))
        return
    with tempfile.TemporaryDirectory(prefix="fairtrial-convert-") as place:
        folder = Path(place)
        draw(folder / "coco", asked.images, asked.boxes)
        whole = [measure(f"ours, {step}", step, folder / "coco") for step in ("convert", *AFTER)]
        print(f"ours, the three together: {sum(whole):.1f} s")
        measure("ours, images unchanged", "unchanged", folder / "coco")
        measure("ours, labels only", "labels", folder / "coco")
        measure("Ultralytics' convert_coco", "ultralytics", folder / "coco")
        if asked.supervision:
            to = str(folder / "supervision")
            command = [asked.supervision, "-c", SUPERVISION, str(folder / "coco"), to]
            run("supervision", command, Path(to))
        draw_photos(folder / "photos", asked.photos)
        seconds = measure(f"{asked.photos} photographs", "convert", folder / "photos")
        print(f"{asked.photos / seconds:.0f} photographs/s")


def measure(title: str, step: str, folder: Path) -> float:
    """Run one step in a process of its own; seconds by the clock."""
    out = folder / step
    command = [sys.executable, __file__, "--step", step, str(folder)]
    return run(title, command, out)


def run(title: str, command: list[str], out: Path) -> float:
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = child.stdout.read() if child.stdout else ""
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    files = sum(1 for path in out.rglob("*.txt")) if out.exists() else 0
    if status:
        print(said)
    for line in said.splitlines():
        if line.startswith(TOLD):
            print(line)
    print(
        f"{title}: {seconds:.1f} s, CPU {used.ru_utime + used.ru_stime:.1f} s, "
        f"{used.ru_maxrss / 1024:.0f} MiB, {files} text files",
        flush=True,
    )
    return seconds


def draw(folder: Path, images: int, boxes: int) -> None:
    """Small JPEGs of noise, all different, and one COCO file."""
    import io

    from PIL import Image

    from fairtrial.files import checksums

    rng = random.Random(0)  # noqa: S311 - pictures, no secrets
    (folder / "raw" / "images").mkdir(parents=True)
    rows = []
    for number in range(images):
        name = f"{number:012d}.jpg"
        file = io.BytesIO()
        small = Image.frombytes("RGB", (8, 6), rng.randbytes(144))
        small.resize(SIZE).save(file, "JPEG", quality=75)
        (folder / "raw" / "images" / name).write_bytes(file.getvalue())
        size = {"width": SIZE[0], "height": SIZE[1]}
        rows.append({"id": 3 * number + 7, "file_name": name, **size})
    with (folder / "raw" / "annotations.json").open("w") as out:
        out.write(f'{{"info": {{}}, "images": {json.dumps(rows)}, "annotations": [')
        for number in range(boxes):
            owner = rows[number % images]["id"]
            out.write(",\n" * bool(number) + json.dumps(annotation(rng, number + 1, owner)))
        names = [{"id": number, "name": f"class {number}"} for number in IDS]
        out.write(f'], "categories": {json.dumps(names)}}}')
    names = [f"images/{row['file_name']}" for row in rows]
    sums = checksums.sha256_of(folder / "raw", [*names, "annotations.json"])
    checksums.write_manifest(sums, folder / "raw.sha256")


def annotation(rng: random.Random, number: int, image: int) -> dict[str, Any]:
    x, y = round(rng.uniform(0, 40), 2), round(rng.uniform(0, 30), 2)
    w, h = round(rng.uniform(2, 24), 2), round(rng.uniform(2, 18), 2)
    polygon = [round(v, 2) for _ in range(20) for v in (x + rng.random() * w, y + rng.random() * h)]
    return {
        "id": number,
        "image_id": image,
        "category_id": rng.choice(IDS),
        "bbox": [x, y, w, h],
        "area": round(w * h * 0.7, 4),
        "iscrowd": 0,
        "segmentation": [polygon],
    }


def draw_photos(folder: Path, count: int) -> None:
    """JPEGs of 640×480 pixels, about 50 kB each: smooth scenes with grain, all different."""
    import io

    import numpy as np
    from PIL import Image

    from fairtrial.files import checksums

    rng = np.random.default_rng(0)
    grain = Image.fromarray(rng.integers(0, 40, (960, 1280, 3), np.uint8))
    (folder / "raw" / "images").mkdir(parents=True)
    rows = []
    for number in range(count):
        scene = Image.fromarray(rng.integers(0, 200, (12, 16, 3), np.uint8)).resize((640, 480))
        x, y = (int(v) for v in rng.integers(0, 480, 2))
        file = io.BytesIO()
        Image.blend(scene, grain.crop((x, y, x + 640, y + 480)), 0.2).save(file, "JPEG", quality=92)
        (folder / "raw" / "images" / f"{number}.jpg").write_bytes(file.getvalue())
        rows.append({"id": number, "file_name": f"{number}.jpg", "width": 640, "height": 480})
    box = {"id": 1, "image_id": 0, "category_id": 1, "bbox": [1, 1, 9, 9]}
    names = [{"id": 1, "name": "thing"}]
    content = {"images": rows, "annotations": [box], "categories": names}
    (folder / "raw" / "annotations.json").write_text(json.dumps(content))
    files = [f"images/{row['file_name']}" for row in rows]
    sums = checksums.sha256_of(folder / "raw", [*files, "annotations.json"])
    checksums.write_manifest(sums, folder / "raw.sha256")
    size = sum((folder / "raw" / file).stat().st_size for file in files) / max(1, count)
    print(f"{count} photographs of {size / 1000:.0f} kB", flush=True)


def convert(folder: Path) -> None:
    from fairtrial.settings.stages import ConvertSettings
    from fairtrial.stages.convert import convert as stage

    clean = folder / "convert"
    stage(
        settings=ConvertSettings(format="coco"),
        raw=folder / "raw",
        manifest=folder / "raw.sha256",
        images=clean / "images",
        annotations=clean / "annotations.json",
        quality=clean / "quality.json",
        duplicates=clean / "duplicates.json",
        source_ids=clean / "source_ids.json",
    )


def split(folder: Path) -> None:
    from fairtrial.settings.dataset import DatasetSettings
    from fairtrial.stages.split import split as stage

    clean = folder / "convert"
    asked = {"method": "random", "val": 0.05, "test": 0.0}
    chosen = DatasetSettings.model_validate({"source": "coco", "split": asked})
    stage(
        settings=chosen.of_split,
        source=clean / "annotations.json",
        duplicates=clean / "duplicates.json",
        annotations=folder / "split" / "annotations.json",
        certificate=folder / "split" / "split.json",
    )


def laid(folder: Path) -> None:
    """What a training does before its first epoch, with its check for leaks."""
    from fairtrial.backends._ultralytics_files import write_dataset
    from fairtrial.data.split_dataset import read_leak_free_dataset

    made = folder / "split"
    files = made / "annotations.json", made / "split.json"
    write_dataset(read_leak_free_dataset(*files, folder / "convert" / "images"), folder / "laid")


def unchanged(folder: Path) -> None:
    """The check of all images that a training begins with, twice."""
    from fairtrial.data.seen_images import with_unchanged_images
    from fairtrial.data.split_dataset import read_split_dataset

    os.environ["DVC_ROOT"] = str(folder)
    files = folder / "split" / "annotations.json", folder / "split" / "split.json"
    data = read_split_dataset(*files, folder / "convert" / "images")
    for how in ("without a record", "with one"):
        start, used = time.monotonic(), time.process_time()
        with_unchanged_images(data)
        seconds, used = time.monotonic() - start, time.process_time() - used
        print(f"{TOLD}{how}: {seconds:.1f} s, CPU {used:.1f} s")


def labels(folder: Path) -> None:
    """The JSON file to text files of boxes, as the other converters do."""
    from fairtrial.backends._ultralytics_files import write_labels
    from fairtrial.data.dataset import SplitDataset
    from fairtrial.formats import coco

    found, _ = coco.read(folder / "raw", coco.Settings())
    found = found.canonical()
    view = SplitDataset(found, {"train": [i.id for i in found.images], "val": []}, folder / "raw")
    write_labels(view, "train", folder / "labels")


def ultralytics(folder: Path) -> None:
    from fairtrial.backends._ultralytics_files import workplace

    with workplace():
        from ultralytics.data.converter import convert_coco

        only = folder / "json"
        only.mkdir()
        (only / "annotations.json").symlink_to(folder / "raw" / "annotations.json")
        convert_coco(str(only), str(folder / "ultralytics"), cls91to80=False)


STEPS = {step.__name__: step for step in (convert, split, laid, unchanged, labels, ultralytics)}

if __name__ == "__main__":
    main()
