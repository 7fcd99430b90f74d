"""Predictions of models on a split of a data set, for commands that score them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fairtrial import DataError, SettingsError
from fairtrial.data.dataset import Dataset, Detection, Image, SplitDataset
from fairtrial.data.ground_truth import ground_truth_sha256
from fairtrial.data.imagefile import pixels
from fairtrial.data.split_dataset import read_split_dataset
from fairtrial.files.progress import progress
from fairtrial.results.dataset import DatasetDescription
from fairtrial.scoring.predictions import coco_row
from fairtrial.scoring.resampling import UnitDraws, draw
from fairtrial.stages.predict import ClassRow, Predict, Rows
from fairtrial.training.contract import Milliseconds
from fairtrial.use.comparison import Outcome
from fairtrial.use.model import Model, Prediction


@dataclass(frozen=True)
class MeasuringSet:
    """One split of a data set, with its resamples."""

    name: str
    split: str
    data: SplitDataset
    truth: Dataset
    draws: UnitDraws

    @property
    def images(self) -> list[Image]:
        """The images, by id."""
        return self.data.split(self.split)


def read_set(name: str) -> SplitDataset:
    """A data set with its images. Raises SettingsError where it was not made yet."""
    described = DatasetDescription(name, Path("data"))
    if not (described.folder / "split.json").is_file():
        raise SettingsError(
            f"{described.folder}/split.json: no such data set; `snakemake "
            f"data/sets/{name}/split.json` makes it from config/datasets/{name}.yaml"
        )
    folder = described.folder
    return read_split_dataset(folder / "annotations.json", folder / "split.json", described.images)


def measuring_set(name: str) -> MeasuringSet:
    """The test images of a data set, or those of val where it has none."""
    data, described = read_set(name), DatasetDescription(name, Path("data"))
    split = "test" if data.splits["test"] else "val"
    truth = data.dataset.on_images(data.splits[split])
    if not truth.annotations:
        raise DataError(f"{described.folder}: {split} has no objects, so nothing can be measured")
    sha256, certificate = ground_truth_sha256(truth, truth.images), described.certificate
    draws = draw(truth.images, certificate.units, certificate.unit_name, sha256)
    return MeasuringSet(name, split, data, truth, draws)


def outcome(predict: Predict, images: Sequence[Image], what: str) -> Outcome:
    """What a model says of all images, one at a time; the first is predicted once before."""
    predict(images[0])
    rows: list[object] = []
    times: list[Milliseconds] = []
    with progress(what, len(images)) as advance:
        for image in images:
            of_image, milliseconds = predict(image)
            rows += of_image
            times.append(milliseconds)
            advance()
    return Outcome(rows, times)  # type: ignore[arg-type]


def predict_with(model: Model, data: SplitDataset, confidence: float) -> Predict:
    """A function from an image of `data` to the rows of a prediction file, by an exported model.

    Raises SettingsError where model and data set have no class in common.
    """
    numbers = {name: number for number, name in data.dataset.categories.items()}
    classes = model.metadata.classes
    common = [name for name in classes if name in numbers]
    complete = len(common) == len(numbers) == len(classes)
    if not common or (model.metadata.task == "classify" and not complete):
        raise SettingsError(
            f"the model knows {', '.join(classes)}, and the data set has {', '.join(numbers)}"
        )
    order = [classes.index(name) for name in numbers if name in classes]

    def rows(image: Image, prediction: Prediction) -> Rows:
        if model.metadata.task == "classify":
            scores = [float(f"{prediction.probabilities[place]:.9g}") for place in order]
            return [ClassRow(image_id=image.id, scores=scores)]
        return [
            coco_row(image.id, Detection(numbers[classes[d.category_id - 1]], d.bbox, d.confidence))
            for d in prediction.detections
        ]

    def predict(image: Image) -> tuple[Rows, Milliseconds]:
        seen = pixels(data.folder, image.file_name)
        (prediction,), times = model.predict([seen], confidence, common)
        return rows(image, prediction), times

    return predict
