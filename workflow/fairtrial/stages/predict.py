"""predict: one run's predictions on every image of val and test, and its speed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from fairtrial.data.dataset import Image, SplitDataset
from fairtrial.data.seen_images import with_unchanged_images
from fairtrial.data.split_dataset import read_split_dataset
from fairtrial.files import checksums
from fairtrial.files.modelfile import write_model
from fairtrial.plugins import plugin
from fairtrial.scoring.predictions import CocoRow, coco_row, write_predictions
from fairtrial.settings.stages import PredictClassifySettings, PredictDetectSettings
from fairtrial.training.contract import Milliseconds
from fairtrial.training.speed import speed_of
from fairtrial.training.unpickling import trusting

WARM_UP = 10  # images before timing starts


class ClassRow(TypedDict):
    """The probabilities of all categories on one image, in the order of their ids."""

    image_id: int
    scores: list[float]


Rows = Sequence[CocoRow | ClassRow]
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
    one image at a time, after a warm-up.

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
    from tqdm import tqdm

    data = with_unchanged_images(read_split_dataset(annotations, split, images))
    trusted = checksums.sha256(weights) if settings.trusted else None
    with trusting(trusted), predictor(settings, weights, data, threads) as predict_image:
        for name, path in (("val", val), ("test", test)):
            progress = tqdm(data.split(name), desc=name, unit="image", mininterval=5)
            write_predictions([row for image in progress for row in predict_image(image)[0]], path)
        times = times_of(predict_image, data, settings.speed_images)
    write_model(speed, speed_of(times, settings.imgsz, device_name(), threads))


@contextmanager
def predictor(
    settings: PredictDetectSettings | PredictClassifySettings,
    weights: Path,
    data: SplitDataset,
    threads: int,
) -> Iterator[Predict]:
    """A function from an image to its rows of a prediction file and its times, by the model."""
    from fairtrial.data.imagefile import pixels

    backend, categories = plugin("backends", settings.backend), data.dataset.categories

    def detections(image: Image) -> tuple[Rows, Milliseconds]:
        boxes, times = model(data.folder / image.file_name)
        rows = [coco_row(image.id, detection) for detection in boxes]
        order = sorted(rows, key=lambda row: (-row["score"], row["category_id"], row["bbox"]))
        return order, times

    def classes(image: Image) -> tuple[Rows, Milliseconds]:
        probabilities, times = model(pixels(data.folder, image.file_name))
        scores = [float(f"{probability:.9g}") for probability in probabilities]
        return [ClassRow(image_id=image.id, scores=scores)], times

    if isinstance(settings, PredictDetectSettings):
        with backend.detector(weights, categories, settings, threads) as model:
            yield detections
    else:
        with backend.classifier(weights, categories, settings, threads) as model:
            yield classes


def times_of(predict_image: Predict, data: SplitDataset, count: int) -> list[Milliseconds]:
    """The times of `count` images, after a warm-up; val is repeated as often as needed."""
    images = itertools.cycle(data.split("val"))
    times = [predict_image(image)[1] for image in itertools.islice(images, WARM_UP + count)]
    return times[WARM_UP:]


def device_name() -> str:
    """The name of the GPU, or `cpu`."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"
