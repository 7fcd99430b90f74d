"""Predictions as files: JSON, CSV, COCO's results list, and YOLO's text files. Each is written row
by row, and appears under its name when it is whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from fairtrial.data.boxes import Box, shares
from fairtrial.files.csvfile import row_writer
from fairtrial.files.folders import whole_file, whole_folder
from fairtrial.files.modelfile import FileModel
from fairtrial.scoring.predictions import coco_row
from fairtrial.use.model import Prediction


class FoundObject(FileModel):
    """A detection; `box` is x, y, width and height in pixels of the image as it is shown."""

    name: str
    confidence: float
    box: Box


class DetectedImage(FileModel):
    """An image, or a frame of a video, and what a model says of it: objects, or the probability of
    each class. frame, seconds: None for an image."""

    image: str
    frame: int | None
    seconds: float | None
    width: int
    height: int
    objects: tuple[FoundObject, ...]
    probabilities: dict[str, float]


Write = Callable[[DetectedImage, Prediction], None]


def predicted_image(
    name: str,
    size: tuple[int, int],
    prediction: Prediction,
    classes: Sequence[str],
    frame: tuple[int, float] | None = None,
) -> DetectedImage:
    """The row of one image. `size`: width and height; `frame`: number and seconds."""
    number, seconds = frame or (None, None)
    return DetectedImage(
        image=name,
        frame=number,
        seconds=None if seconds is None else round(seconds, 3),
        width=size[0],
        height=size[1],
        objects=tuple(
            FoundObject(
                name=classes[each.category_id - 1],
                confidence=round(each.confidence, 6),
                box=_rounded_box(each.bbox),
            )
            for each in prediction.detections
        ),
        probabilities={
            name: float(f"{p:.6g}")
            for name, p in zip(classes, prediction.probabilities, strict=False)
        },
    )


def _rounded_box(box: Box) -> Box:
    x, y, width, height = (round(value, 3) for value in box)
    return x, y, width, height


@contextmanager
def tables(
    classes: Sequence[str],
    *,
    json_file: Path | None,
    csv_file: Path | None,
    coco_file: Path | None,
    yolo_folder: Path | None,
) -> Iterator[Write]:
    """A function that adds an image to each of the files that are asked for."""
    with ExitStack() as stack:
        writers: list[Write] = []
        for path, opened in ((json_file, _json), (csv_file, _csv), (coco_file, _coco)):
            if path is not None:
                writers.append(stack.enter_context(opened(path, classes)))
        if yolo_folder is not None:
            writers.append(stack.enter_context(_yolo(yolo_folder, classes)))

        def write(row: DetectedImage, prediction: Prediction) -> None:
            for writer in writers:
                writer(row, prediction)

        yield write


@contextmanager
def _json(path: Path, classes: Sequence[str]) -> Iterator[Write]:
    with whole_file(path) as file:
        file.write(f'{{"classes": {json.dumps(list(classes), ensure_ascii=False)},\n"images": [')
        add = _rows(file)
        yield lambda row, _: add(row.model_dump_json())
        file.write("]}\n")


def _rows(file: IO[str]) -> Callable[[str], None]:
    """A function that adds a line to a list in JSON."""
    begun = False

    def add(text: str) -> None:
        nonlocal begun
        file.write(f",\n{text}" if begun else f"\n{text}")
        begun = True

    return add


@contextmanager
def _csv(path: Path, classes: Sequence[str]) -> Iterator[Write]:
    with whole_file(path) as file:
        add = row_writer(
            file, ["image", "frame", "seconds", "class", "confidence", "x", "y", "width", "height"]
        )

        def write(row: DetectedImage, _: Prediction) -> None:
            at = [row.image, row.frame, row.seconds]
            for each in row.objects:
                add([*at, each.name, each.confidence, *each.box])
            for name, probability in row.probabilities.items():
                add([*at, name, probability])

        yield write


@contextmanager
def _coco(path: Path, classes: Sequence[str]) -> Iterator[Write]:
    """The results list, and beside it `<name>.images.json`: what its ids mean."""
    about = path.with_suffix(".images.json")
    with whole_file(path) as results, whole_file(about) as images:
        categories = [{"id": n, "name": name} for n, name in enumerate(classes, 1)]
        images.write(f'{{"categories": {json.dumps(categories)},\n"images": [')
        results.write("[")
        add_image, add_result, number = _rows(images), _rows(results), 0

        def write(row: DetectedImage, prediction: Prediction) -> None:
            nonlocal number
            number += 1
            size = {"width": row.width, "height": row.height}
            frame = {} if row.frame is None else {"frame": row.frame}
            add_image(json.dumps({"id": number, "file_name": row.image, **size, **frame}))
            for each in prediction.detections:
                add_result(json.dumps(coco_row(number, each)))

        yield write
        results.write("]\n")
        images.write("]}\n")


@contextmanager
def _yolo(path: Path, classes: Sequence[str]) -> Iterator[Write]:
    """A text file an image, or a frame in a folder of the video's name: class, centre and size as
    shares, confidence. classes.txt names the classes."""
    with whole_folder(path) as folder:
        (folder / "classes.txt").write_text("".join(f"{n}\n" for n in classes), encoding="utf-8")

        def write(row: DetectedImage, prediction: Prediction) -> None:
            name = PurePosixPath(row.image)
            place = name if row.frame is None else name.with_suffix("") / f"{row.frame:06d}"
            lines = (
                f"{each.category_id - 1} "
                + " ".join(f"{value:.6f}" for value in shares(each.bbox, (row.width, row.height)))
                + f" {each.confidence:.6f}\n"
                for each in prediction.detections
            )
            target = folder / place.with_suffix(".txt")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("".join(lines), encoding="utf-8")

        yield write
