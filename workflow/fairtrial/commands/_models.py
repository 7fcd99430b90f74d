"""The models that commands take: a run, a bare checkpoint, or an exported file."""

from __future__ import annotations

import logging
import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fairtrial
from fairtrial import SettingsError
from fairtrial.files.checksums import sha256
from fairtrial.planning.config_files import read_params
from fairtrial.plugins import plugin
from fairtrial.results.run import FinishedRun
from fairtrial.settings.stages import (
    PredictClassifySettings,
    PredictDetectSettings,
    predict_settings,
)
from fairtrial.training.provenance import versions
from fairtrial.training.unpickling import trusting
from fairtrial.use.exporting import Exportable
from fairtrial.use.metadata import ModelMetadata, Origin, Precision
from fairtrial.use.model import Model, OpenModel, Prediction
from fairtrial.use.preparation import Pixels
from fairtrial.use.runtimes import is_exported, open_exported, torch_network

if TYPE_CHECKING:
    import torch

CONFIDENCE = 0.25  # where none was chosen on val
IMGSZ = 640  # pixels, of a checkpoint that does not say with which size it was trained
# Keys by which a checkpoint of one of our own backends is known.
MARKS = {"retinanet": {"depth", "names", "model"}, "networks": {"settings", "names", "model"}}


@contextmanager
def quiet() -> Iterator[None]:
    """Within it neither Ultralytics nor torch says how it goes about its work."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def trusting_checkpoint(sha256: str) -> Iterator[None]:
    """Within it a checkpoint with this SHA-256 is opened whatever it holds, as a person says that
    he trusts who made it; "": none."""
    if sha256 and not re.fullmatch("[0-9a-f]{64}", sha256):
        raise SettingsError(f"--trust: {sha256} is no SHA-256, which has 64 digits of 0-9 and a-f")
    with trusting(sha256 or None):
        yield


@dataclass(frozen=True)
class TrainedModel:
    """A run's weights, or a bare checkpoint. `label`: how a person calls it."""

    label: str
    weights: Path
    task: str
    imgsz: int
    confidence: float | None
    dataset: str | None
    origin: Origin

    @property
    def backend(self) -> Any:
        """The module of its backend."""
        return plugin("backends", self.origin.backend)

    def settings(self, **changed: object) -> PredictDetectSettings | PredictClassifySettings:
        """Those of `predict:` in params.yaml."""
        section = read_params()["predict"] | changed
        return predict_settings(self.task, section, self.origin.backend, self.imgsz)

    def exportable(self, **changed: object) -> Exportable:
        """Its network. Raises SettingsError where its backend has none to give."""
        if not hasattr(self.backend, "exportable"):
            raise SettingsError(
                f"{self.label}: the backend {self.origin.backend} exports no models"
            )
        made: Exportable = self.backend.exportable(self.weights, self.settings(**changed))
        return made

    def metadata(
        self, exportable: Exportable, batch: int | None = None, precision: Precision = "fp32"
    ) -> ModelMetadata:
        """What an exported file says of this model."""
        return ModelMetadata(
            task="classify" if self.task == "classify" else "detect",
            classes=exportable.classes,
            confidence=self.confidence,
            preparation=exportable.preparation,
            output=exportable.output,
            batch=batch,
            precision=precision,
            origin=self.origin,
        )


def find_trained(text: str, imgsz: int | None = None) -> TrainedModel:
    """The run or the checkpoint that a person names. Raises SettingsError where there is none."""
    path = Path(text)
    if path.is_file():
        return _checkpoint(path, imgsz)
    experiment, _, name = text.removeprefix("results/").replace("/runs/", "/").partition("/")
    run = FinishedRun(name, Path("results", experiment))
    weights = run.folder / "weights.pt"
    if not name or not weights.is_file():
        raise SettingsError(
            f"{text}: neither a file nor a run with weights ({weights}); name a run as "
            "<experiment>/<run>, a checkpoint, or an exported file"
        )
    record = run.record
    return TrainedModel(
        label=f"{experiment}/{name}",
        weights=weights,
        task=run.task,
        imgsz=imgsz or record.settings["imgsz"],
        confidence=run.confidence,
        dataset=record.dataset,
        origin=Origin(
            backend=record.backend,
            weights_sha256=record.weights_sha256,
            fairtrial=fairtrial.__version__,
            run=f"{experiment}/{name}",
            dataset=record.dataset,
            commit=record.commit,
            versions=record.versions,
        ),
    )


@contextmanager
def open_model(
    text: str, confidence: float | None, imgsz: int | None, threads: int
) -> Iterator[OpenModel]:
    """The run, checkpoint or exported file that a person names.

    Without a `confidence` the one that was chosen on val counts, else CONFIDENCE.
    """
    if is_exported(Path(text)):
        if imgsz is not None:
            raise SettingsError(f"--imgsz: {text} says itself which size it takes")
        yield _ready(open_exported(Path(text), threads), confidence)
        return
    trained = find_trained(text, imgsz)
    with quiet():
        if hasattr(trained.backend, "exportable"):
            exportable = trained.exportable()
            network = torch_network(_on_gpu(exportable.module), threads)
            yield _ready(Model(trained.metadata(exportable), network), confidence)
        else:
            with _by_detector(trained, confidence, threads) as model:
                yield model


def _on_gpu(module: torch.nn.Module) -> torch.nn.Module:
    """The network on the GPU, where there is one."""
    import torch

    return module.to("cuda" if torch.cuda.is_available() else "cpu")


def _ready(model: Model, confidence: float | None) -> OpenModel:
    about = model.metadata
    return OpenModel(
        task=about.task,
        classes=about.classes,
        confidence=_first(confidence, about.confidence),
        run=lambda images, least: model.predict(images, least)[0],
        about=about,
    )


def _first(*confidences: float | None) -> float:
    return next((each for each in confidences if each is not None), CONFIDENCE)


@contextmanager
def _by_detector(
    trained: TrainedModel, confidence: float | None, threads: int
) -> Iterator[OpenModel]:
    """The model of a run whose backend exports none: by its detector, which reads files."""
    if trained.task != "detect" or trained.origin.run is None:
        raise SettingsError(f"{trained.label}: its backend cannot be used on new images")
    classes = tuple(
        FinishedRun(trained.weights.parent.name, trained.weights.parents[2]).per_class["val"]
    )
    least = _first(confidence, trained.confidence)
    settings, names = trained.settings(conf=least), dict(enumerate(classes, 1))
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder:
        file = Path(folder, "image.bmp")
        with trained.backend.detector(trained.weights, names, settings, threads) as detector:

            def run(images: Sequence[Pixels], lowest: float) -> list[Prediction]:
                from PIL import Image

                predictions = []
                for pixels in images:
                    Image.fromarray(pixels).save(file)
                    strong = [each for each in detector(file)[0] if each.confidence >= lowest]
                    found = sorted(strong, key=lambda each: -each.confidence)
                    predictions.append(Prediction(tuple(found)))
                return predictions

            yield OpenModel(trained.task, classes, least, run)


def _checkpoint(path: Path, imgsz: int | None) -> TrainedModel:
    backend = _backend_of(path)
    return TrainedModel(
        label=str(path),
        weights=path,
        task="classify" if backend == "networks" else "detect",
        imgsz=imgsz or IMGSZ,
        confidence=None,
        dataset=None,
        origin=Origin(
            backend=backend,
            weights_sha256=sha256(path),
            fairtrial=fairtrial.__version__,
            versions=versions(),
        ),
    )


def _backend_of(path: Path) -> str:
    """The backend of a checkpoint, by the keys of its content; no code in it is run. What is no
    file of tensors alone can only be Ultralytics'."""
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # whatever is wrong with it, Ultralytics' own reader will say
        return "ultralytics"
    keys = set(content) if isinstance(content, dict) else set()
    found = [name for name, marks in MARKS.items() if marks <= keys]
    return found[0] if found else "ultralytics"
