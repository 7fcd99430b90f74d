"""The models that commands take: a run, a bare checkpoint, or an exported file."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from fairtrial.use.exporting import Exportable
from fairtrial.use.metadata import ModelMetadata, Origin, Precision

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
