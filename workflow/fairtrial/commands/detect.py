"""detect: what a model says of images and videos, drawn and in tables."""

from __future__ import annotations

import sys
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from fairtrial import DataError, SettingsError
from fairtrial.commands._models import OpenModel, open_model
from fairtrial.files.folders import whole_file
from fairtrial.files.progress import progress
from fairtrial.files.text import counted
from fairtrial.files.threads import cores, made_ahead
from fairtrial.use.drawing import draw_prediction
from fairtrial.use.images import IMAGES, Input, found, is_address
from fairtrial.use.model import Prediction
from fairtrial.use.preparation import Pixels
from fairtrial.use.tables import Write, predicted_image, tables
from fairtrial.use.video import Frame, Movie, MovieWriter, Part, open_movie

AHEAD = 8  # frames that are decoded before they are predicted
SHOWN = 5  # broken images that are named one by one


@dataclass
class _Tally:
    """What was done: images and frames, detections by class, and what was left out."""

    images: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    interrupted: bool = False


@dataclass
class _Work:
    """What predicts, how many frames together, what writes tables, and what was done."""

    model: OpenModel
    batch: int
    write: Write
    tally: _Tally


def detect(
    model: str,
    /,
    *inputs: str,
    to: Path | None = None,
    json: Path | None = None,
    csv: Path | None = None,
    coco: Path | None = None,
    yolo: Path | None = None,
    confidence: float | None = None,
    imgsz: int | None = None,
    batch: int = 1,
    threads: int = 0,
) -> None:
    """Detect objects in images and videos, or classify these.

    The model is a run, a checkpoint, or an exported file, which needs no torch. Inputs are images,
    videos, folders of them, archives (.zip, .tar), patterns such as `photos/*.jpg`, and addresses
    (http, rtsp). What cannot be read is left out and named. Ctrl-C ends a video where it is, and
    the file can be played. Videos need `make venv EXTRAS=video`.

    Args:
        model: <experiment>/<run>, a checkpoint, or an exported file
        inputs: images, videos, folders, archives, patterns or addresses
        to: an image, a video (.mp4) or a folder to write, with boxes and labels
        json: a file to write: all detections, or the probability of each class
        csv: a file to write: the same as a table
        coco: a file to write: COCO's results list; what its ids mean is in <name>.images.json
        yolo: a folder to write: a text file an image, class and box as shares, with confidence
        confidence: least confidence of a detection; by default the one that was chosen on val, and
            0.25 for a checkpoint
        imgsz: pixels of the longer side; by default those of the training, 640 for a checkpoint
        batch: frames of a video that are predicted together
        threads: CPU threads; 0: all cores
    """
    outputs = [path for path in (to, json, csv, coco, yolo) if path is not None]
    _refuse_bad_arguments(inputs, outputs, confidence, batch)
    sources = found(inputs)
    targets = _targets(sources, to)
    for text in inputs:
        _refuse_to_overwrite(text, outputs)
    tally = _Tally()
    with open_model(model, confidence, imgsz, threads or cores()) as opened:
        if opened.task == "classify" and (coco or yolo):
            raise SettingsError(f"{model}: classifies whole images; --coco and --yolo hold boxes")
        written = tables(
            opened.classes, json_file=json, csv_file=csv, coco_file=coco, yolo_folder=yolo
        )
        with written as write:
            _all(sources, targets, _Work(opened, batch, write, tally))
    _tell(outputs, opened, tally)


def _refuse_bad_arguments(
    inputs: Sequence[str], outputs: Sequence[Path], confidence: float | None, batch: int
) -> None:
    if not inputs:
        raise SettingsError("name the images or videos, for example `photos/*.jpg`")
    if not outputs:
        raise SettingsError("nothing to write: --to, --json, --csv, --coco or --yolo")
    if confidence is not None and not 0 <= confidence <= 1:
        raise SettingsError(f"--confidence: {confidence} is not between 0 and 1")
    if batch < 1:
        raise SettingsError(f"--batch: {batch} is below 1")


def _targets(sources: Sequence[Input], to: Path | None) -> list[Path | None]:
    """The file to draw each input into. Raises SettingsError where `to` names one file for
    several, or is of another kind."""
    if to is None:
        return [None] * len(sources)
    suffix = to.suffix.lower()
    if suffix != ".mp4" and suffix not in IMAGES:
        if suffix and not to.is_dir():
            raise SettingsError(f"--to: {to}: neither a folder, .mp4, nor {', '.join(IMAGES)}")
        return [to / _drawn_name(source) for source in sources]
    if len(sources) > 1:
        raise SettingsError(f"--to: {to} is one file, and there are {len(sources)} inputs")
    if sources[0].is_video != (suffix == ".mp4"):
        kind = "a video, written as .mp4" if sources[0].is_video else "an image"
        raise SettingsError(f"--to: {to}: {sources[0].shown} is {kind}")
    return [to]


def _drawn_name(source: Input) -> PurePosixPath:
    name = PurePosixPath(source.name)
    return name.with_suffix(".mp4") if source.is_video else name


def _refuse_to_overwrite(text: str, outputs: Sequence[Path]) -> None:
    """Raise SettingsError where an output lies in an input, or an input in an output folder."""
    if is_address(text):
        return
    source = Path(text).resolve()
    for output in outputs:
        target = output.resolve()
        if target.is_relative_to(source) or source.is_relative_to(target):
            raise SettingsError(
                f"{output} and {text} are one path, or one lies in the other, so what is read "
                "could be overwritten; choose another path"
            )


def _all(sources: Sequence[Input], targets: Sequence[Path | None], work: _Work) -> None:
    """Predict all inputs. Ctrl-C ends it early; what cannot be read is left out."""
    stills = sum(not source.is_video for source in sources)
    with progress("images", stills) if stills else nullcontext(lambda: None) as advance:
        for source, target in zip(sources, targets, strict=True):
            try:
                if source.is_video:
                    _video(source, target, work)
                else:
                    _image(source, target, work)
                    advance()
            except DataError as error:
                work.tally.broken.append(str(error))
            except KeyboardInterrupt:
                work.tally.interrupted = True
            if work.tally.interrupted:
                return


def _image(source: Input, target: Path | None, work: _Work) -> None:
    pixels = source.pixels()
    (prediction,) = work.model.predict([pixels])
    _note(source, pixels, prediction, None, work)
    if target is not None:
        _save(target, draw_prediction(pixels, prediction, work.model.classes))


def _save(path: Path, pixels: Pixels) -> None:
    from PIL import Image

    kind = Image.registered_extensions()[path.suffix.lower()]
    options = {"quality": 92} if kind in ("JPEG", "WEBP") else {}
    with whole_file(path, "wb") as file:
        Image.fromarray(pixels).save(file, kind, **options)


def _note(
    source: Input, pixels: Pixels, prediction: Prediction, frame: Frame | None, work: _Work
) -> None:
    """Write the row of an image, and count what is in it."""
    tally, classes = work.tally, work.model.classes
    size = (pixels.shape[1], pixels.shape[0])
    at = None if frame is None else (frame.number, frame.seconds)
    work.write(predicted_image(source.name, size, prediction, classes, at), prediction)
    tally.images += 1
    tally.counts.update(classes[each.category_id - 1] for each in prediction.detections)
    if prediction.probabilities:
        best = prediction.probabilities.index(max(prediction.probabilities))
        tally.counts[classes[best]] += 1


def _video(source: Input, target: Path | None, work: _Work) -> None:
    with (
        open_movie(source) as movie,
        _writer(target, movie) as drawn,
        progress("frames", movie.frames) as advance,
    ):
        try:
            with made_ahead(movie.parts(), AHEAD) as parts:
                for group in _groups(parts, work.batch):
                    for part in _predicted(source, group, drawn is not None, work):
                        if drawn is not None:
                            drawn.write(part)
                        if isinstance(part, Frame):
                            advance()
        except KeyboardInterrupt:
            work.tally.interrupted = True
        finally:
            work.tally.broken += movie.broken
        if drawn is not None and not drawn.frames:
            raise DataError(f"{source.shown}: no frame that can be read")


def _predicted(source: Input, group: Sequence[Part], draw: bool, work: _Work) -> Iterator[Part]:
    """The same parts, their frames with what is drawn on them."""
    frames = [part for part in group if isinstance(part, Frame)]
    predictions = iter(work.model.predict([frame.pixels for frame in frames]) if frames else [])
    for part in group:
        if isinstance(part, Frame):
            prediction = next(predictions)
            _note(source, part.pixels, prediction, part, work)
            if draw:
                drawn = draw_prediction(part.pixels, prediction, work.model.classes)
                yield replace(part, pixels=drawn)
                continue
        yield part


def _groups(parts: Iterator[Part], batch: int) -> Iterator[list[Part]]:
    """The parts of a video, in groups that have `batch` frames."""
    group: list[Part] = []
    frames = 0
    for part in parts:
        group.append(part)
        frames += isinstance(part, Frame)
        if frames == batch:
            yield group
            group, frames = [], 0
    if group:
        yield group


@contextmanager
def _writer(target: Path | None, movie: Movie) -> Iterator[MovieWriter | None]:
    """What writes an mp4; it appears under its name once it can be played."""
    if target is None:
        yield None
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.{uuid.uuid4().hex}.mp4")
    writer = MovieWriter(part, movie)
    try:
        try:
            yield writer
        finally:
            writer.close()
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _tell(outputs: Sequence[Path], model: OpenModel, tally: _Tally) -> None:
    """Say what was found and what was left out. Raises DataError where nothing could be read."""
    for text in tally.broken[:SHOWN]:
        print(f"left out: {text}", file=sys.stderr)
    if len(tally.broken) > SHOWN:
        print(f"left out: {len(tally.broken) - SHOWN} more", file=sys.stderr)
    if not tally.images and not tally.interrupted:
        raise DataError(f"nothing could be read: {tally.broken[0] if tally.broken else 'no image'}")
    found_objects = ", ".join(f"{number} {name}" for name, number in sorted(tally.counts.items()))
    limit = f", confidence {model.confidence:.3g} or more" if model.task == "detect" else ""
    print(
        f"{', '.join(map(str, outputs))}: {counted(tally.images, 'image')}{limit}: "
        f"{found_objects or 'nothing'}"
    )
    if tally.interrupted:
        raise KeyboardInterrupt(f"after {counted(tally.images, 'image')}; what is written is whole")
