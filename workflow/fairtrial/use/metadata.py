"""What an exported file says of itself: all that a program needs to use it, and where it comes
from. It is JSON under KEY in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from fairtrial import DataError
from fairtrial.data.dataset import Task
from fairtrial.files.modelfile import FileModel

KEY = "fairtrial"
Channels = tuple[float, float, float]  # red, green, blue
Precision = Literal["fp32", "fp16"]
Layout = Literal["yolo", "end_to_end", "queries", "retinanet", "probabilities"]


class Preparation(FileModel):
    """From an image to the input (batch, 3, height, width).

    placement: `centre`, the longer side becomes `size` pixels and the image stands in the middle
    of the input; `corner`, likewise, at the top left; `stretch`, both sides become `size`;
    `central_square`, the largest central square becomes `size`. multiple: of this the sides of
    the input are multiples; None where the input is always `size` × `size`. resampling: the
    library whose bilinear interpolation scales. A value is (pixel - mean) / deviation, pixels
    being 0 to 255; what the image does not cover has the colour `padding`.
    """

    placement: Literal["centre", "corner", "stretch", "central_square"]
    size: int
    multiple: int | None
    resampling: Literal["opencv", "pillow"]
    mean: Channels = (0.0, 0.0, 0.0)
    deviation: Channels = (255.0, 255.0, 255.0)
    padding: Channels = (114.0, 114.0, 114.0)


class OutputLayout(FileModel):
    """From the output to detections or probabilities.

    layout: `yolo`, (batch, 4 + classes, places): centre and size of a box in pixels of the
    input, and a confidence for each class; `end_to_end`, (batch, boxes, 6): two corners,
    confidence, class; `queries`, likewise, but centre and size as shares of the input;
    `retinanet`, (batch, anchors, 4 + classes): shifts of anchors, and confidences;
    `probabilities`, (batch, classes). iou: the overlap above which the weaker of two boxes is
    dropped; max_det: detections an image at most. anchors, ratios: of `retinanet`, the square
    roots of the areas of its anchors by level, and their ratios of height to width.
    """

    layout: Layout
    iou: float | None = None
    max_det: int | None = None
    anchors: tuple[tuple[float, ...], ...] = ()
    ratios: tuple[float, ...] = ()


class Origin(FileModel):
    """Where a model comes from. run: <experiment>/<run>; None for a bare checkpoint.

    weights_sha256: of the tensors in the run's weights.pt, as its record has it; of a bare
    checkpoint the file's. commit: of git, when it was trained. fairtrial: the version that
    exported it.
    """

    backend: str
    weights_sha256: str | None
    fairtrial: str
    run: str | None = None
    dataset: str | None = None
    commit: str | None = None
    versions: dict[str, str]


class ModelMetadata(FileModel):
    """An exported model. classes: in the order of its outputs. confidence: chosen on val; None
    where there is none. batch: how many images it takes at once; None for any number. precision:
    in which the weights are stored; they are computed with in single precision."""

    format: Literal[1] = 1
    task: Task
    classes: tuple[str, ...]
    confidence: float | None
    preparation: Preparation
    output: OutputLayout
    batch: int | None
    precision: Precision
    origin: Origin


def parse_metadata(text: str | None, path: Path) -> ModelMetadata:
    """The metadata of the file at `path`. Raises DataError where it has none, or of another
    format."""
    if not text:
        raise DataError(f"{path}: has no metadata of fairtrial; `fairtrial export-model` writes it")
    try:
        return ModelMetadata.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise DataError(f"{path}: its metadata: `{place}`: {first['msg']}") from error
