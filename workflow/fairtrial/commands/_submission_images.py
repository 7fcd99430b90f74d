"""The images of a submission, what a run predicts on them, and what their source calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from fairtrial import DataError, SettingsError
from fairtrial.data import imagefile
from fairtrial.data.certificate import read_certificate
from fairtrial.data.dataset import Detection
from fairtrial.data.dataset import read as read_set
from fairtrial.data.defect_actions import Actions, listed
from fairtrial.data.raw_files import image_files
from fairtrial.data.source_ids import SourceIds, by_file, own_class
from fairtrial.files.checksums import sha256
from fairtrial.files.folders import checked_path
from fairtrial.files.jsonfile import read_json
from fairtrial.files.modelfile import read_model
from fairtrial.planning.config_files import read_params
from fairtrial.plugins import plugin
from fairtrial.results.run import FinishedRun
from fairtrial.settings.stages import predict_settings

SPLITS = ("val", "test")


@dataclass(frozen=True)
class PredictedImage:
    """One image as others call it. `boxes` have the numbers of our classes; `probabilities` are
    those of all classes, in their order, where images have classes instead."""

    name: str  # its file in its source
    own_id: int | str | None
    boxes: tuple[Detection, ...] = ()
    probabilities: tuple[float, ...] = ()


@dataclass(frozen=True)
class Predicted:
    """Predictions on some images. `classes`: our names by number; `own_classes`: what the source
    calls them, None for one that is made of several."""

    task: str
    images: tuple[PredictedImage, ...]
    classes: dict[int, str]
    own_classes: dict[int, str | None]

    def above(self, confidence: float) -> Predicted:
        """Without weaker detections; the strongest of an image first."""
        kept = [
            replace(image, boxes=tuple(b for b in image.boxes if b.confidence >= confidence))
            for image in self.images
        ]
        return replace(self, images=tuple(kept))


def run_of(run: str) -> FinishedRun:
    """A finished run, from `<experiment>/<run>`. Raises SettingsError where there is none."""
    experiment, _, name = run.partition("/")
    finished = FinishedRun(name, Path("results", experiment))
    if not name or not (finished.folder / "record.json").is_file():
        raise SettingsError(f"{finished.folder}: no such run; --run <experiment>/<run>")
    return finished


def _classes_of(finished: FinishedRun) -> dict[int, str]:
    classes = next(iter(finished.per_class.values()), {})  # those of any split
    return dict(enumerate(classes, 1))


def _source_of(finished: FinishedRun) -> tuple[SourceIds, dict[str, str | None]]:
    """What the source of the run's data set calls things, and the data set's map of classes."""
    certificate = read_certificate(Path("data/sets", finished.dataset, "split.json"))
    path = Path("data/clean", certificate.source, "source_ids.json")
    if not path.is_file():
        raise DataError(f"{path}: is not there; `snakemake {path}` makes it")
    return read_model(path, SourceIds), certificate.class_map


def predicted_split(finished: FinishedRun, split: str) -> Predicted:
    """The stored predictions on val or test. Raises SettingsError for another split."""
    if split not in SPLITS:
        raise SettingsError(f"--split: must be val or test, not {split!r}")
    if read_json(finished.folder / "predictions" / f"{split}.json") is None:
        raise DataError(f"--split: {finished.name} has no predictions on {split}")
    place = Path("data/sets", finished.dataset)
    certificate = read_certificate(place / "split.json")
    dataset = read_set(place / "annotations.json")
    ids, class_map = _source_of(finished)
    own, inside = by_file(ids.images), set(certificate.splits[split])
    boxes: dict[int, list[Detection]] = {}
    probabilities: dict[int, tuple[float, ...]] = {}
    if finished.task == "detect":
        for box in finished.detections(split):
            found = Detection(box.category_id, box.bbox, box.confidence)
            boxes.setdefault(box.image_id, []).append(found)
    else:
        rows = finished.probabilities(split)
        probabilities = {row["image_id"]: tuple(row["scores"]) for row in rows}
    images = [
        PredictedImage(
            own[image.file_name].source_file,
            own[image.file_name].source_id,
            tuple(boxes.get(image.id, ())),
            probabilities.get(image.id, ()),
        )
        for image in dataset.images
        if image.id in inside
    ]
    if not images:
        raise DataError(f"--split: {split} of {finished.dataset} has no image")
    owns = {number: own_class(ids, class_map, name) for number, name in dataset.categories.items()}
    return Predicted(finished.task, tuple(images), dataset.categories, owns)


def predicted_images(
    finished: FinishedRun, place: Path, confidence: float, threads: int
) -> Predicted:
    """Predictions that the run's model makes now, of images as `convert` would clean them.

    Raises DataError that lists all images that cannot be used.
    """
    folder, names = _listed(place)
    classes, problems, images = _classes_of(finished), list[str](), list[PredictedImage]()
    model = _model(finished, classes, confidence, threads)
    with TemporaryDirectory(prefix="fairtrial-") as clean, model as predict:
        for name in names:
            try:
                file = _clean(folder, name, Path(clean))
            except DataError as error:
                problems.append(str(error))
                continue
            images.append(predict(name, file))
            file.unlink()
    if problems:
        raise DataError(f"{len(problems)} images cannot be used:\n{listed(problems)}")
    own: dict[int, str | None] = dict(classes)
    if Path("data/sets", finished.dataset, "split.json").is_file():
        ids, class_map = _source_of(finished)
        own = {number: own_class(ids, class_map, name) for number, name in classes.items()}
    return Predicted(finished.task, tuple(images), classes, own)


def _listed(place: Path) -> tuple[Path, Sequence[str]]:
    """The folder and its images, or those that a text file lists relative to itself."""
    if place.is_dir():
        folder, names = place, image_files(place)
    elif place.is_file() and place.suffix == ".txt":
        folder = place.parent
        lines = enumerate(place.read_text(encoding="utf-8-sig").splitlines(), 1)
        names = [checked_path(line.strip(), f"{place}:{n}") for n, line in lines if line.strip()]
    else:
        raise DataError(f"--images: {place}: no such folder or list (.txt) of images")
    if not names:
        raise DataError(f"--images: {place}: holds no image")
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise DataError(f"--images: {place}: {len(missing)} are not there:\n{listed(missing)}")
    return folder, names


def _clean(folder: Path, name: str, target: Path) -> Path:
    """A clean copy of one image: 8-bit RGB, turned as viewers show it."""
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    checked = imagefile.clean_image(folder, name, sha256(folder / name), target, Actions())
    if not checked.is_kept:
        raise DataError("; ".join(map(str, checked.defects)))
    return target / checked.file_name


_Predict = Callable[[str, Path], PredictedImage]


@contextmanager
def _model(
    finished: FinishedRun, classes: dict[int, str], confidence: float, threads: int
) -> Iterator[_Predict]:
    """The run's model as a function from a name and a clean file to a predicted image."""
    weights = finished.folder / "weights.pt"
    if not weights.is_file():
        raise SettingsError(f"{weights}: is not there, so nothing can be predicted")
    section = read_params()["predict"]
    section = section | {"conf": min(confidence, section["conf"])}
    name, imgsz = finished.record.backend, finished.record.settings["imgsz"]
    settings = predict_settings(finished.task, section, name, imgsz)
    backend = plugin("backends", name)
    make = backend.detector if finished.task == "detect" else backend.classifier
    with make(weights, classes, settings, threads) as model:

        def predict(image: str, file: Path) -> PredictedImage:
            if finished.task == "detect":
                return PredictedImage(image, None, tuple(model(file)[0]))
            pixels = imagefile.pixels(file.parent, file.name)
            return PredictedImage(image, None, probabilities=tuple(model(pixels)[0]))

        yield predict
