"""predict: one run's predictions on every image of val and test, and its speed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

from fairtrial.data.dataset import Detection, Image, SplitDataset
from fairtrial.data.seen_images import with_unchanged_images
from fairtrial.data.split_dataset import read_split_dataset
from fairtrial.files import checksums
from fairtrial.files.modelfile import write_model
from fairtrial.files.threads import cores
from fairtrial.plugins import plugin
from fairtrial.scoring.predictions import CocoRow, coco_row, write_predictions
from fairtrial.settings.stages import PredictClassifySettings, PredictDetectSettings
from fairtrial.training import out_of_memory
from fairtrial.training.batches import ImageModel, answers, image_model
from fairtrial.training.contract import Milliseconds
from fairtrial.training.measuring import batch_speeds
from fairtrial.training.speed import speed_of
from fairtrial.training.unpickling import trusting

WARM_UP = 10  # images before timing starts


class ClassRow(TypedDict):
    """The probabilities of all categories on one image, in the order of their ids."""

    image_id: int
    scores: list[float]


Rows = Sequence[CocoRow | ClassRow]
Answer = Sequence[Detection] | Sequence[float]
Model = ImageModel[Any, Answer]
Predict = Callable[[Image], tuple[Rows, Milliseconds]]  # an image's rows, and their times


def predict(
    *,
    settings: PredictDetectSettings | PredictClassifySettings,
    weights: Path,
    images: Path,
    annotations: Path,
    split: Path,
    threads: int,
    val: Path,
    test: Path,
    speed: Path,
) -> None:
    """Predict val and test with one run's weights, and time it.

    Detections are COCO results lists, boxes in pixels to 0.001, confidence to 0.000001.
    Classifications are the probabilities of all classes, to 9 digits. Speed is in milliseconds for
    one image at a time, after a warm-up; then, where it is asked for, for several at once.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        weights: the run's weights.pt
        images: the folder of images
        annotations: the data set's annotations
        split: the data set's split certificate
        threads: CPU threads
        val: file to write: predictions on val
        test: file to write: predictions on test
        speed: file to write: the time that an image takes

    Raises:
        DataError: an image was changed since `convert` wrote it
    """
    data = with_unchanged_images(read_split_dataset(annotations, split, images))
    trusted = checksums.sha256(weights) if settings.trusted else None
    with trusting(trusted), predictor(settings, weights, data, threads) as model:
        count = settings.speed_images  # first, before other work has filled the memory
        together = batch_speeds(model, data.split("val"), settings.batches, count)
        for name, path in (("val", val), ("test", test)):
            predict_split(model, data, name, settings.batch, path)
        times = times_of(model, data, count)
    found = speed_of(times, settings.imgsz, device_name(), threads, together)
    write_model(speed, found)


@contextmanager
def predictor(
    settings: PredictDetectSettings | PredictClassifySettings,
    weights: Path,
    data: SplitDataset,
    threads: int,
) -> Iterator[Model]:
    """The model of a run, which predicts images of the data set."""
    from fairtrial.data.imagefile import pixels

    backend, categories = plugin("backends", settings.backend), data.dataset.categories
    if isinstance(settings, PredictDetectSettings):
        with backend.detector(weights, categories, settings, threads) as model:
            yield image_model(model, lambda image: data.folder / image.file_name)
    else:
        with backend.classifier(weights, categories, settings, threads) as model:
            yield image_model(model, lambda image: pixels(data.folder, image.file_name))


def predict_split(model: Model, data: SplitDataset, name: str, batch: int, path: Path) -> None:
    """Write the predictions on a split, in the order of its images whatever the batches."""
    from tqdm import tqdm

    images = data.split(name)
    rows: list[Rows] = [[] for _ in images]
    found = answers(model, images, batch, _readers())
    shown = tqdm(found, desc=name, total=len(images), unit="image", mininterval=5)
    with out_of_memory.helped(*out_of_memory.predicting(batch)):
        for index, answer in shown:
            rows[index] = rows_of(images[index], answer)
    write_predictions([row for of_image in rows for row in of_image], path)


def rows_of(image: Image, answer: Answer) -> Rows:
    """What a model says of an image, as rows of a prediction file."""
    if answer and isinstance(answer[0], Detection):
        rows = [coco_row(image.id, box) for box in answer if isinstance(box, Detection)]
        return sorted(rows, key=lambda row: (-row["score"], row["category_id"], row["bbox"]))
    scores = [float(f"{probability:.9g}") for probability in answer]
    return [ClassRow(image_id=image.id, scores=scores)] if scores else []


def one_by_one(model: Model) -> Predict:
    """A model as a function from an image to its rows of a prediction file and its times."""

    def predict(image: Image) -> tuple[Rows, Milliseconds]:
        answer, times = model.answer(image)
        return rows_of(image, answer), times

    return predict


def times_of(model: Model, data: SplitDataset, count: int) -> list[Milliseconds]:
    """The times of `count` images, after a warm-up; val is repeated as often as needed."""
    images = itertools.cycle(data.split("val"))
    times = [model.answer(image)[1] for image in itertools.islice(images, WARM_UP + count)]
    return times[WARM_UP:]


def _readers() -> int:
    """How many threads read images ahead: one where the model itself computes on the CPU."""
    import torch

    return min(cores(), 8) if torch.cuda.is_available() else 1


def device_name() -> str:
    """The name of the GPU, or `cpu`."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"
