"""evaluate: a model on a data set that it was not trained for, without an experiment."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairtrial import SettingsError
from fairtrial.commands._measuring import predict_with, read_set
from fairtrial.commands._models import find_trained, quiet, trusting_checkpoint
from fairtrial.data.dataset import SplitDataset
from fairtrial.data.ground_truth import content_id
from fairtrial.files.folders import whole_folder
from fairtrial.files.modelfile import FileModel, write_model
from fairtrial.files.progress import progress
from fairtrial.planning.config_files import read_params
from fairtrial.results.dataset import DatasetDescription
from fairtrial.scoring.predictions import write_predictions
from fairtrial.settings.stages import validate_settings
from fairtrial.stages.predict import Predict, one_by_one, predictor
from fairtrial.stages.validate import validate
from fairtrial.use.metadata import Origin
from fairtrial.use.runtimes import is_exported, open_exported

SPLITS = ("val", "test")
TABLES = (
    *("per_class", "curves", "confusion", "operating_points", "calibration"),
    *("error_kinds", "by_size", "by_group", "class_curves"),
)


class Evaluation(FileModel):
    """evaluation.json: what was measured on what. seen: how many images of each split were among
    those that the model was trained with, None where these are not known."""

    model: str
    origin: Origin
    dataset: str
    source: str
    classes: tuple[str, ...]
    seen: dict[str, int] | None


def evaluate(
    model: str,
    /,
    *,
    set: str,
    to: Path | None = None,
    imgsz: int | None = None,
    threads: int = 1,
    trust: str = "",
) -> None:
    """Measure a model on any data set, without an experiment.

    The model predicts val and test of the set, and is scored as a run is; the confidence is chosen
    on that val. Classes are matched by name; those that the model does not know count as missed.
    Images that it was trained with are told. Written are metrics.json and the tables of a run, the
    predictions, and evaluation.json.

    Args:
        model: <experiment>/<run>, a checkpoint, or an exported file
        set: the data set, a file in config/datasets/ that was made
        to: the folder to write; by default evaluations/<set>/<model>
        imgsz: pixels of the longer side; by default those of the training, 640 for a checkpoint
        threads: CPU threads
        trust: the SHA-256 of a checkpoint whose maker you trust: it may run code when it is opened
    """
    data, described = read_set(set), DatasetDescription(set, Path("data"))
    folder = to or Path("evaluations", set, re.sub(r"[^\w.-]+", "-", model).strip("-."))
    with whole_folder(folder) as place, quiet(), trusting_checkpoint(trust):
        with _opened(model, data, imgsz, threads) as (predict, origin):
            for split in SPLITS:
                _predict(data, split, predict, place / f"{split}.json")
        seen = _seen(data, origin)
        about = Evaluation(
            model=model,
            origin=origin,
            dataset=set,
            source=described.source,
            classes=tuple(data.dataset.categories.values()),
            seen=seen,
        )
        write_model(place / "evaluation.json", about)
        _score(described, place)
    for split, count in (seen or {}).items():
        if count:
            print(
                f"caution: {count} of {len(data.splits[split])} images of {split} were in the "
                "training of the model, so its metrics are too good",
                file=sys.stderr,
            )
    print(f"{folder}: written")


@contextmanager
def _opened(
    text: str, data: SplitDataset, imgsz: int | None, threads: int
) -> Iterator[tuple[Predict, Origin]]:
    """A function that predicts an image of `data`, and where the model comes from."""
    section = read_params()["predict"]
    if is_exported(Path(text)):
        if imgsz is not None:
            raise SettingsError(f"--imgsz: {text} says itself which size it takes")
        exported = open_exported(Path(text), threads)
        _refuse_other_task(text, exported.metadata.task, data)
        yield predict_with(exported, data, section["conf"]), exported.metadata.origin
        return
    trained = find_trained(text, imgsz)
    _refuse_other_task(text, trained.task, data)
    with predictor(trained.settings(), trained.weights, data, threads) as found:
        yield one_by_one(found), trained.origin


def _refuse_other_task(text: str, task: str, data: SplitDataset) -> None:
    kinds = {"detect": "boxes", "classify": "classes of whole images"}
    if task != data.dataset.task:
        raise SettingsError(
            f"{text}: finds {kinds[task]}, and the data set holds {kinds[data.dataset.task]}"
        )


def _predict(data: SplitDataset, split: str, predict: Predict, file: Path) -> None:
    images = data.split(split)
    rows: list[object] = []
    with progress(f"images of {split}", len(images)) as advance:
        for image in images:
            rows += predict(image)[0]
            advance()
    write_predictions(rows, file)  # type: ignore[arg-type]


def _seen(data: SplitDataset, origin: Origin) -> dict[str, int] | None:
    """How many images of each split the model was trained with, by content."""
    if origin.dataset is None:
        return None
    trained = DatasetDescription(origin.dataset, Path("data"))
    if not (trained.folder / "split.json").is_file():
        return None
    train = trained.certificate.splits["train"]
    contents = {content_id(image) for image in trained.dataset.on_images(train).images}
    return {
        split: sum(content_id(image) in contents for image in data.split(split)) for split in SPLITS
    }


def _score(described: DatasetDescription, place: Path) -> None:
    """Score val.json and test.json of a folder, and write the tables of a run beside them."""
    task = described.dataset.task
    validate(
        settings=validate_settings(task, read_params()["validate"]),
        annotations=described.folder / "annotations.json",
        split=described.folder / "split.json",
        val=place / "val.json",
        test=place / "test.json",
        metrics=place / "metrics.json",
        resamples=place / "resamples.npz",
        **{name: place / f"{name}.csv" for name in TABLES},
    )
