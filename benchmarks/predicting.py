"""Predicting real images alone and several at once: processor seconds, memory, and whether boxes
are equal.

    python benchmarks/predicting.py [--data ../shared/data] [--images 87] [--batches 1 8]

Images are those of BCCD (640 × 480): yolov8n with COCO's weights at 640 pixels, RetinaNet-18 with
drawn weights at 320, and ResNet-18 at 64. One thread, each batch in a process of its own, in turn;
without the start of Python. On a GPU times are wall times.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow"))
MODELS = {"ultralytics": 640, "retinanet": 320, "networks": 64}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--images", type=int, default=87)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        backend, batch = arguments.one
        print(json.dumps(predicted(arguments.data, arguments.images, backend, int(batch))))
        return
    print(f"{'model':<12} {'batch':>5} {'seconds':>8} {'images/s':>9} {'peak MB':>8}  predictions")
    for backend in MODELS:
        for batch in arguments.batches:
            flags = ["--data", str(arguments.data), "--images", str(arguments.images)]
            call = [sys.executable, __file__, *flags, "--one", backend, str(batch)]
            answer = subprocess.run(call, check=True, capture_output=True, text=True)
            seen = json.loads(answer.stdout.splitlines()[-1])
            rate = arguments.images / seen["seconds"]
            print(
                f"{backend:<12} {batch:>5} {seen['seconds']:>8.2f} {rate:>9.1f} "
                f"{seen['peak']:>8.0f}  {seen['sha256'][:12]} {seen['said']}",
                flush=True,
            )


def predicted(data: Path, count: int, backend: str, batch: int) -> dict[str, Any]:
    """Predict once to warm up, then measured; the file's checksum, and what was said."""
    import contextlib
    import io

    import torch

    from fairtrial.data.dataset import Dataset, Image, SplitDataset
    from fairtrial.files import memory
    from fairtrial.settings.stages import predict_settings
    from fairtrial.stages.predict import predict_split, predictor

    torch.set_num_threads(1)
    files = sorted((data / "bccd").rglob("*.jpg"))[:count]
    images = [Image(n, path.name, 640, 480) for n, path in enumerate(files, 1)]
    splits = {"train": [], "val": [image.id for image in images], "test": []}
    section = {"conf": 0.001, "iou": 0.7, "max_det": 300, "speed_images": 100}
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        weights, names = made_weights(backend, data, Path(folder))
        dataset = Dataset(images, [], names)
        split = SplitDataset(dataset, splits, files[0].parent)
        task = "classify" if backend == "networks" else "detect"
        settings = predict_settings(task, section, backend, MODELS[backend])
        out = Path(folder, "val.json")
        with predictor(settings, weights, split, 1) as model, contextlib.redirect_stderr(said):
            first = SplitDataset(
                dataset, splits | {"val": splits["val"][: 2 * batch]}, split.folder
            )
            predict_split(model, first, "val", batch, out)
            memory.forget_peak()
            clock = time.perf_counter if torch.cuda.is_available() else time.process_time
            start = clock()
            predict_split(model, split, "val", batch, out)
            seconds = clock() - start
        sha256 = hashlib.sha256(out.read_bytes()).hexdigest()
    alone = "each alone" if "predicted alone" in said.getvalue() else ""
    return {"seconds": seconds, "peak": memory.peak() / 1e6, "sha256": sha256, "said": alone}


def made_weights(backend: str, data: Path, folder: Path) -> tuple[Path, dict[int, str]]:
    """A weights file and the names of its classes; drawn ones where there are no real ones."""
    import torch

    if backend == "ultralytics":
        from fairtrial.backends._ultralytics_files import load, workplace

        path = data / "weights/yolov8n_coco.pt"
        with workplace():
            names = load(path).model.names
        return path, {number + 1: name for number, name in names.items()}
    names = {n: f"class {n}" for n in range(1, 11)}
    torch.manual_seed(0)
    path = folder / "weights.pt"
    if backend == "retinanet":
        from fairtrial.backends import _retinanet_model as model

        net = model.build(model.ModelSpec(18, 320, frozen_norm=True, prior=0.02), 10)
        content = {"depth": 18, "names": [*names.values()], "model": net.state_dict()}
        model.save(content, path)
        return path, names
    from fairtrial.backends import _networks_model as networks
    from fairtrial.backends._networks_settings import Settings, architecture_of
    from fairtrial.files.yamlfile import read_yaml

    own = read_yaml(ROOT / "params.yaml") | {"model": "resnet18", "imgsz": 64}
    chosen = Settings.model_validate({k: v for k, v in own.items() if k in Settings.model_fields})
    mean = torch.full((3,), 128.0)
    network = networks.build(architecture_of(chosen), 10, mean, mean / 2)
    networks.save(path, chosen, [*names.values()], network.state_dict())
    return path, names


if __name__ == "__main__":
    main()
