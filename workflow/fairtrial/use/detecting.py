"""Images and videos through a model: what it says goes into tables and pictures."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from fairtrial import DataError
from fairtrial.files.folders import whole_file
from fairtrial.files.progress import progress
from fairtrial.files.threads import made_ahead
from fairtrial.use.drawing import draw_prediction
from fairtrial.use.images import Input
from fairtrial.use.model import OpenModel, Prediction
from fairtrial.use.preparation import Pixels
from fairtrial.use.tables import Write, predicted_image
from fairtrial.use.video import Frame, Movie, MovieLimits, MovieWriter, Part, open_movie

AHEAD = 8  # frames that are decoded before they are predicted


@dataclass
class Tally:
    """What was done: images and frames, detections by class, and what was left out."""

    images: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    interrupted: bool = False


@dataclass
class Work:
    """What predicts, how many frames together, what writes tables, and what was done. limits: of
    videos from anybody; silent: no progress is shown."""

    model: OpenModel
    batch: int
    write: Write
    tally: Tally
    limits: MovieLimits | None = None
    silent: bool = False


def detect_image(source: Input, target: Path | None, work: Work) -> None:
    """Predict an image, and draw it into `target`. Raises DataError where it cannot be read."""
    pixels = source.pixels()
    (prediction,) = work.model.predict([pixels])
    _note(source, pixels, prediction, None, work)
    if target is not None:
        save_picture(target, draw_prediction(pixels, prediction, work.model.classes))


def save_picture(path: Path, pixels: Pixels) -> None:
    """Write an image in the format of its suffix."""
    from PIL import Image

    kind = Image.registered_extensions()[path.suffix.lower()]
    options = {"quality": 92} if kind in ("JPEG", "WEBP") else {}
    with whole_file(path, "wb") as file:
        Image.fromarray(pixels).save(file, kind, **options)


def _note(
    source: Input, pixels: Pixels, prediction: Prediction, frame: Frame | None, work: Work
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


def detect_video(source: Input, target: Path | None, work: Work) -> None:
    """Predict each frame of a video, and draw them into `target`. Ctrl-C ends it where it is.
    Raises DataError where it cannot be read."""
    with (
        open_movie(source, work.limits) as movie,
        _writer(target, movie) as drawn,
        _progress(movie, work) as advance,
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


def _progress(movie: Movie, work: Work) -> AbstractContextManager[Callable[[], None]]:
    return nullcontext(lambda: None) if work.silent else progress("frames", movie.frames)


def _predicted(source: Input, group: Sequence[Part], draw: bool, work: Work) -> Iterator[Part]:
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
