"""A network with what stands before and behind it: from images to detections or probabilities."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.dataset import Detection
from fairtrial.training.contract import Milliseconds
from fairtrial.use.metadata import ModelMetadata
from fairtrial.use.outputs import Boxes, Limits, boxes_of
from fairtrial.use.preparation import Floats, Pixels, prepared

Network = Callable[[Floats], Floats]  # from the input of a batch to its output


@dataclass(frozen=True)
class Prediction:
    """What a model says of an image: detections, strongest first, whose category ids number
    `metadata.classes` from 1 on; or the probability of each class. The other one is empty."""

    detections: tuple[Detection, ...] = ()
    probabilities: tuple[float, ...] = ()


@dataclass(frozen=True)
class OpenModel:
    """A model that is ready: its classes, in the order of its outputs, the least confidence of its
    detections where no other is asked for, and what runs it on a few images. `about` is unknown
    where a backend exports no models."""

    task: str
    classes: tuple[str, ...]
    confidence: float
    run: Callable[[Sequence[Pixels], float], list[Prediction]]
    about: ModelMetadata | None = None

    def predict(self, images: Sequence[Pixels]) -> list[Prediction]:
        """What it says of a few images."""
        return self.run(images, self.confidence)


@dataclass(frozen=True)
class Model:
    """A model that can be used: its metadata, and its network."""

    metadata: ModelMetadata
    network: Network

    def predict(
        self, images: Sequence[Pixels], confidence: float, classes: Sequence[str] | None = None
    ) -> tuple[list[Prediction], Milliseconds]:
        """What it says of a few images, and the milliseconds of the parts of the work, all images
        together. Detections have more than `confidence` and are of `classes`, by default of all."""
        start = time.perf_counter()
        inputs = [prepared(pixels, self.metadata.preparation) for pixels in images]
        ready = time.perf_counter()
        outputs = self._outputs([values for values, _ in inputs])
        inferred = time.perf_counter()
        if self.metadata.task == "classify":
            predictions = [Prediction(probabilities=_probabilities(raw)) for raw in outputs]
        else:
            limits = Limits(confidence, self._allowed(classes))
            how = self.metadata.output
            predictions = [
                Prediction(_detections(boxes_of(raw, how, place, values.shape[1:], limits)))
                for raw, (values, place) in zip(outputs, inputs, strict=True)
            ]
        times = {
            "preprocess": ready - start,
            "inference": inferred - ready,
            "postprocess": time.perf_counter() - inferred,
        }
        return predictions, {part: 1000 * seconds for part, seconds in times.items()}

    def _allowed(self, classes: Sequence[str] | None) -> NDArray[np.bool_]:
        return np.array([classes is None or name in classes for name in self.metadata.classes])

    def _outputs(self, inputs: Sequence[Floats]) -> list[Floats]:
        """The output of each image. Inputs of one size go through the network together, as far as
        it takes several."""
        batch = self.metadata.batch
        outputs: list[Floats] = []
        while rest := inputs[len(outputs) :]:
            same = 1
            while same < min(len(rest), batch or len(rest)) and rest[same].shape == rest[0].shape:
                same += 1
            stacked = np.stack(rest[:same])
            if batch is not None and same < batch:
                empty = np.zeros((batch - same, *stacked.shape[1:]), np.float32)
                stacked = np.concatenate([stacked, empty])
            outputs += list(self.network(stacked)[:same])
        return outputs


def _detections(boxes: Boxes) -> tuple[Detection, ...]:
    rows = zip(boxes.labels.tolist(), boxes.corners.tolist(), boxes.scores.tolist(), strict=True)
    return tuple(
        Detection(label + 1, (x1, y1, x2 - x1, y2 - y1), score)
        for label, (x1, y1, x2, y2), score in rows
    )


def _probabilities(raw: Floats) -> tuple[float, ...]:
    """Probabilities that add up to 1 in double precision."""
    exact = raw.astype(np.float64)
    return tuple((exact / exact.sum()).tolist())
