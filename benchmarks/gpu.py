"""Training and prediction on a GPU, beside bare Ultralytics: one run of at most five minutes.

    python benchmarks/gpu.py [--only ROW …] [--small]

Runs from the checkout, without installation, on drawn images, and prints a row of a Markdown table
as soon as it is measured. `--small` does the same on a CPU with tiny models, so that the run on a
GPU cannot fail for a reason that has nothing to do with GPUs; its figures mean nothing. Packages
that the machine lacks are carried as wheels: docs/benchmarks.md says which, and how.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
import traceback
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "workflow"))

from fairtrial.data.dataset import SplitDataset  # noqa: E402
from fairtrial.files.yamlfile import read_yaml  # noqa: E402
from fairtrial.formats import coco  # noqa: E402
from fairtrial.plugins import plugin  # noqa: E402
from fairtrial.sources import shapes  # noqa: E402
from fairtrial.training.cached_training import Training, train_or_adopt  # noqa: E402
from fairtrial.training.inputs import TrainingInputs  # noqa: E402

THREADS = 1
MOST_LOST = 300  # seconds, as the rule `train` has it


@dataclass(frozen=True)
class Scale:
    """How large everything is: on a GPU, or `--small` on a CPU.

    short, long: settings of trainings with epochs of about one second, and of ten.
    """

    images: int
    size: int
    short: dict[str, Any]
    long: dict[str, Any]
    retinanet: dict[str, Any]
    networks: dict[str, Any]
    batches: tuple[int, ...]


GPU = Scale(
    images=240,
    size=320,
    short={"model": "yolov8n", "imgsz": 320, "batch": 16, "epochs": 12},
    long={"model": "yolov8l", "imgsz": 1280, "batch": 16, "epochs": 3},
    retinanet={"depth": 50, "imgsz": 640, "batch": 8, "epochs": 3},
    networks={"model": "resnet50", "imgsz": 224, "batch": 64, "epochs": 4},
    batches=(1, 16),
)
SMALL = Scale(
    images=18,
    size=64,
    short={"model": "yolov8n", "imgsz": 64, "batch": 4, "epochs": 3},
    long={"model": "yolov8n", "imgsz": 96, "batch": 4, "epochs": 3},
    retinanet={"depth": 18, "imgsz": 64, "batch": 4, "epochs": 2},
    networks={"model": "cnn", "imgsz": 32, "batch": 4, "epochs": 2},
    batches=(1, 4),
)


# ---------------------------------------------------------------------------- data and settings


def draw(place: Path, scale: Scale) -> None:
    """Draw the images of all rows into `place`."""
    chosen = shapes.Settings(
        images=scale.images, size=scale.size, per_scene=1, objects=6, clutter=4, seed=0
    )
    shapes.fetch(chosen, "drawn", place, place)


def view(place: Path, task: str) -> SplitDataset:
    """Two thirds train, the rest val and test at once; classes of images are those of their first
    objects."""
    dataset, _ = coco.read(place, coco.Settings())
    dataset = dataset.canonical()
    if task == "classify":
        first = {a.image_id: a for a in reversed(dataset.annotations)}
        dataset.annotations[:] = first.values()
        for annotation in dataset.annotations:
            annotation.bbox = None
    numbers = [image.id for image in dataset.images]
    rest = numbers[2::3]
    train = [number for number in numbers if number not in set(rest)]
    return SplitDataset(dataset, {"train": train, "val": rest, "test": rest}, place)


def settings_of(backend: str, chosen: dict[str, Any]) -> Any:
    """The settings of params.yaml, changed as chosen."""
    model = plugin("backends", backend).Settings
    params = read_yaml(PROJECT / "params.yaml") | {"patience": 0, "optimizer": "SGD", "lr0": 0.01}
    values = {name: params[name] for name in model.model_fields if name in params}
    return model.model_validate(values | chosen)


# ---------------------------------------------------------------------------- in a process each


@dataclass
class Trained:
    """seconds: from the start to the end; ends: of the epochs, from the start; peak_mib: of the
    GPU's memory; weights: where they are."""

    seconds: float = 0.0
    ends: list[float] = field(default_factory=list)
    peak_mib: float | None = None
    weights: Path = Path()

    @property
    def epoch(self) -> float:
        """The median time of an epoch after the first."""
        return statistics.median(b - a for a, b in zip(self.ends, self.ends[1:], strict=False))


def ours(place: Path, store: Path, backend: str, chosen: dict[str, Any], kill: int = 0) -> Trained:
    """A training through the store, killed after epoch `kill`."""
    _stand_in_for_polars()
    os.environ["DVC_ROOT"] = str(store)
    settings = settings_of(backend, chosen)
    data = view(place, settings.task)
    began, found = time.monotonic(), Trained()

    def after_epoch(row: dict[str, float]) -> None:
        found.ends.append(time.monotonic() - began)
        if row["epoch"] == kill:
            os._exit(9)

    inputs = TrainingInputs("drawn", "drawn")
    training = Training(
        backend, settings, "benchmark", inputs, lambda: data, None, THREADS, float(MOST_LOST)
    )
    entry, _ = train_or_adopt(training, after_epoch)
    found.seconds, found.peak_mib = time.monotonic() - began, _peak_mib()
    found.weights = entry / "weights.pt"
    return found


def bare(place: Path, store: Path, backend: str, chosen: dict[str, Any]) -> Trained:
    """The same training by Ultralytics alone."""
    _stand_in_for_polars()
    from fairtrial.backends._ultralytics_files import workplace, write_dataset

    settings = settings_of(backend, chosen)
    own = settings.model_dump(exclude={"pretrained", "fitness", "replicate", "train_share"})
    own["nbs"] = own["nbs"] or own["batch"]
    with workplace() as work:
        data_yaml = write_dataset(view(place, "detect"), work)
        import torch
        from ultralytics import YOLO
        from ultralytics.engine import trainer

        sys.modules["mlflow"] = None  # type: ignore[assignment]  # else it logs there, as we do not
        began, found = time.monotonic(), Trained()
        model = YOLO(f"{own.pop('model')}.yaml")
        model.add_callback("on_train_start", lambda _: torch.set_num_threads(THREADS))
        model.add_callback(
            "on_fit_epoch_end", lambda _: found.ends.append(time.monotonic() - began)
        )
        on_gpu = torch.cuda.is_available()
        with mock.patch.object(trainer, "check_amp", lambda _: on_gpu):  # else it downloads
            model.train(
                data=str(data_yaml),
                pretrained=False,
                plots=False,
                project=str(work),
                device=0 if on_gpu else "cpu",
                **own,
            )
        found.ends = found.ends[: settings.epochs]
        found.seconds, found.peak_mib = time.monotonic() - began, _peak_mib()
    return found


def predicted(place: Path, weights: Path, imgsz: int, batch: int) -> tuple[float, bool]:
    """Milliseconds an image by our `predict`, reading included, and whether the boxes on the first
    batch are those on its images alone."""
    from fairtrial.settings.stages import predict_settings
    from fairtrial.training.batches import agree

    data = view(place, "detect")
    files = [data.folder / image.file_name for image in data.split("test")]
    section = read_yaml(PROJECT / "params.yaml")["predict"] | {"batches": ()}
    settings = predict_settings("detect", section, "ultralytics", imgsz)
    backend, categories = plugin("backends", "ultralytics"), data.dataset.categories
    with backend.detector(weights, categories, settings, THREADS) as model:
        first = [model.read(file) for file in files[:batch]]
        together = model.several(first)
        alone = [model.several([item])[0] for item in first]
        sides = [max(model.size(item)) for item in first]
        pairs = zip(together, alone, sides, strict=True)
        equal = all(agree(one, other, side) for (one, _), (other, _), side in pairs)
        began = time.monotonic()
        for start in range(0, len(files), batch):
            model.several([model.read(file) for file in files[start : start + batch]])
        return 1000 * (time.monotonic() - began) / len(files), equal


def _peak_mib() -> float | None:
    import torch

    return torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None


def _stand_in_for_polars() -> None:
    """Where polars is not installed: the one call that Ultralytics makes of it as it saves a
    checkpoint. Its wheel alone has 50 MB."""
    try:
        import polars  # noqa: F401
    except ImportError:
        import io

        import pandas as pd

        class Frame:
            def __init__(self, content: bytes) -> None:
                self.table = pd.read_csv(io.BytesIO(content))

            def to_dict(self, as_series: bool = False) -> dict[str, list[Any]]:
                return {str(k): v for k, v in self.table.to_dict(orient="list").items()}

        module = types.ModuleType("polars")
        module.__dict__["read_csv"] = lambda content, infer_schema_length=None: Frame(content)
        sys.modules["polars"] = module


# ---------------------------------------------------------------------------- measuring


class Meter:
    """What NVML says of the first GPU while a block runs; nothing without it."""

    def __init__(self) -> None:
        self.idle: float | None = None  # share of samples in which no kernel ran
        self.joules: float | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        try:
            import pynvml

            pynvml.nvmlInit()
            handle = pynvml.nvmlDeviceGetHandleByIndex(0)
            before = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
        except Exception as error:  # no package, no driver, no GPU, no counter
            print(f"no NVML: {error}", file=sys.stderr)
            yield
            return
        samples, over = [], threading.Event()

        def sample() -> None:
            while not over.wait(0.05):
                samples.append(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.joules = (pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) - before) / 1000
            self.idle = sum(100 - s for s in samples) / 100 / len(samples) if samples else None


def apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """The result of `work`, in a process of its own, with its output in a file."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_quiet) as pool:
        return pool.submit(work, *arguments).result()


LOG = Path(tempfile.gettempdir(), f"gpu-benchmark-{os.getuid()}.log")


def _quiet() -> None:
    log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)


@dataclass
class Bench:
    """Where the rows work, and how large they are."""

    place: Path
    scale: Scale

    def store(self, name: str) -> Path:
        """A store of its own."""
        return self.place / "stores" / name

    def train(self, name: str, backend: str, chosen: dict[str, Any]) -> tuple[Trained, Meter]:
        """One of our trainings in a store of its own, measured."""
        meter = Meter()
        with meter.running():
            found = apart(ours, self.place / "data", self.store(name), backend, chosen)
        return found, meter

    def overhead(self, name: str, chosen: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Our training beside a bare one: epochs, the whole, the GPU."""
        theirs = apart(bare, self.place / "data", self.place, "ultralytics", chosen)
        mine, meter = self.train(name, "ultralytics", chosen)
        yield "an epoch, fairtrial : bare", _ratio(mine.epoch, theirs.epoch)
        yield "the whole, fairtrial : bare", _ratio(mine.seconds, theirs.seconds)
        yield "peak memory, fairtrial : bare", f"{_mib(mine.peak_mib)} : {_mib(theirs.peak_mib)}"
        yield "GPU idle", _share(meter.idle)
        yield "energy", "not measured" if meter.joules is None else f"{meter.joules:.0f} J"

    def speed(self, name: str, backend: str, chosen: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Images of train a second, evaluation on val included."""
        found, meter = self.train(name, backend, chosen)
        images = len(view(self.place / "data", "detect").splits["train"])
        yield "images a second", f"{images / found.epoch:.0f}"
        yield "peak memory, GPU idle", f"{_mib(found.peak_mib)}, {_share(meter.idle)}"

    def equality(self) -> Iterator[tuple[str, str]]:
        """Two equal trainings, and one that is killed and goes on, beside the first."""
        chosen = self.scale.short | {"epochs": 4, "amp": False}
        data = self.place / "data"
        first = apart(ours, data, self.store("first"), "ultralytics", chosen)
        again = apart(ours, data, self.store("again"), "ultralytics", chosen)
        try:
            apart(ours, data, self.store("killed"), "ultralytics", chosen, 2)
        except BrokenProcessPool:
            killed = apart(ours, data, self.store("killed"), "ultralytics", chosen)
        yield "weights of two runs", apart(difference, first.weights, again.weights)
        yield "of a killed and resumed run", apart(difference, first.weights, killed.weights)
        yield "time to resume, before the first epoch", f"{killed.ends[0] - first.epoch:.1f} s"

    def prediction(self) -> Iterator[tuple[str, str]]:
        """One image at a time, and batches."""
        found, _ = self.train("predicting", "ultralytics", self.scale.short | {"epochs": 1})
        imgsz = self.scale.short["imgsz"]
        for batch in self.scale.batches:
            taken, equal = apart(predicted, self.place / "data", found.weights, imgsz, batch)
            boxes = "" if equal else ", boxes not as alone: `predict` would stay at 1"
            yield f"batch {batch}", f"{taken:.2f} ms an image{boxes}"


def difference(one: Path, other: Path) -> str:
    """How many values of two checkpoints differ, and by how much at most."""
    import torch

    both = [torch.load(p, map_location="cpu", weights_only=False)["model"] for p in (one, other)]
    pairs = list(zip(*(model.state_dict().values() for model in both), strict=True))
    values = sum(a.numel() for a, _ in pairs)
    unequal = sum(int((a != b).sum()) for a, b in pairs)
    largest = max(float((a.double() - b.double()).abs().max()) for a, b in pairs if a.numel())
    return f"{unequal} of {values} values differ, by at most {largest:.2g}"


def _ratio(mine: float, theirs: float) -> str:
    return f"{mine:.2f} s : {theirs:.2f} s = {mine / theirs:.3f}"


def _mib(mib: float | None) -> str:
    return "not measured" if mib is None else f"{mib:.0f} MiB"


def _share(share: float | None) -> str:
    return "not measured" if share is None else f"{100 * share:.0f} %"


def rows(bench: Bench) -> dict[str, Callable[[], Iterator[tuple[str, str]]]]:
    """The rows of the table by name, the most wanted first."""
    scale = bench.scale
    return {
        "short": lambda: bench.overhead("short", scale.short | {"amp": True}),
        "equality": bench.equality,
        "long": lambda: bench.overhead("long", scale.long | {"amp": True}),
        "prediction": bench.prediction,
        "short-fp32": lambda: bench.overhead("short-fp32", scale.short | {"amp": False}),
        "retinanet": lambda: bench.speed("retinanet", "retinanet", scale.retinanet),
        "networks": lambda: bench.speed("networks", "networks", scale.networks),
    }


def show(name: str, row: Callable[[], Iterator[tuple[str, str]]]) -> bool:
    """Measure and print a row; whether that went well. One that fails stops no other."""
    began = time.monotonic()
    try:
        for what, value in row():
            print(f"| {name} | {what} | {value} |", flush=True)
    except Exception:
        traceback.print_exc()
        print(f"| {name} | failed, see {LOG} | |", flush=True)
        return False
    finally:
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return True


def machine() -> str:
    """Versions and hardware, in a line."""
    import torch
    import ultralytics

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
    return f"{gpu}; torch {torch.__version__}, Ultralytics {ultralytics.__version__}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = list(rows(Bench(Path(), SMALL)))
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="ROW")
    parser.add_argument("--small", action="store_true", help="tiny, on a CPU")
    asked = parser.parse_args()
    LOG.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="gpu-benchmark-") as folder:
        os.environ["YOLO_CONFIG_DIR"] = folder
        os.environ["YOLO_OFFLINE"] = "1"
        bench = Bench(Path(folder), SMALL if asked.small else GPU)
        (bench.place / "data").mkdir()
        began = time.monotonic()
        draw(bench.place / "data", bench.scale)
        print(f"images drawn in {time.monotonic() - began:.0f} s", file=sys.stderr)
        print(f"{machine()}\n\n| row | what | measured |\n|---|---|---|", flush=True)
        went_well = [show(name, row) for name, row in rows(bench).items() if name in asked.only]
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    sys.exit(main())
