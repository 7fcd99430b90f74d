"""detect: the detections of a finished run in a video, an image, or a folder of images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fairtrial import DataError, SettingsError
from fairtrial.commands import _frames
from fairtrial.data.dataset import Detection
from fairtrial.files.text import counted
from fairtrial.planning.config_files import read_params
from fairtrial.plugins import plugin
from fairtrial.results.run import FinishedRun
from fairtrial.settings.stages import predict_settings

if TYPE_CHECKING:
    from fairtrial.commands._frames import Pixels

Detect = Callable[[Path], list[Detection]]


def detect(
    *, run: str, input: Path, to: Path, confidence: float | None = None, threads: int = 1
) -> None:
    """Draw the detections of a finished run on a video or on images.

    Needs the run's results, but no data set. Uses a GPU where there is one.

    Args:
        run: <experiment>/<run>, a folder in results/
        input: a video, an image, or a folder of images
        to: the video (.mp4), image or folder to write
        confidence: least confidence of a detection that is drawn; by default the threshold that was
            chosen for the run on val
        threads: CPU threads
    """
    experiment, _, name = run.partition("/")
    finished = FinishedRun(name, Path("results", experiment))
    weights = finished.folder / "weights.pt"
    if not name or not weights.is_file():
        raise SettingsError(f"{weights}: no such run; --run <experiment>/<run>")
    if not input.exists():
        raise DataError(f"{input}: no such file or folder")
    _refuse_to_overwrite(input, to)
    if finished.confidence is None:
        raise SettingsError(
            f"{finished.folder}: classifies whole images, so it has no boxes to draw"
        )
    threshold = finished.confidence if confidence is None else confidence
    counts: Counter[str] = Counter()
    with TemporaryDirectory() as folder, _detector(finished, threshold, threads) as (detect, names):
        draw = _drawer(detect, names, counts, Path(folder, "frame.bmp"))
        draw_all = _draw_images if _is_image(input) else _draw_video
        images = draw_all(input, to, draw)
    detections = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    print(
        f"{to}: {counted(images, 'image')}, confidence {threshold:.3g} or more: "
        f"{detections or 'nothing'}"
    )


def _refuse_to_overwrite(input: Path, to: Path) -> None:
    """Raise SettingsError where one of the two paths lies in the other, or they are equal."""
    source, target = input.resolve(), to.resolve()
    if target.is_relative_to(source) or (input.is_dir() and source.is_relative_to(target)):
        raise SettingsError(
            f"--to: {to} and {input} (--input) are one path, or one lies in the other, so the "
            "images that are read could be overwritten; choose another path"
        )


@contextmanager
def _detector(
    finished: FinishedRun, threshold: float, threads: int
) -> Iterator[tuple[Detect, dict[int, str]]]:
    """The run's model as a function, and the names of its classes by category id. It has the
    settings of `predict:` in params.yaml, with `threshold` as confidence."""
    name = finished.record.backend
    section = read_params()["predict"] | {"conf": threshold}
    settings = predict_settings("detect", section, name, finished.record.settings["imgsz"])
    names = dict(enumerate(finished.per_class["val"], 1))
    weights = finished.folder / "weights.pt"
    with plugin("backends", name).detector(weights, names, settings, threads) as detector:
        yield (lambda path: detector(path)[0]), names


def _drawer(
    detect: Detect, names: dict[int, str], counts: Counter[str], file: Path
) -> Callable[[Pixels], None]:
    """A function that draws the detections in an image onto its pixels, and adds them to `counts`.

    `file` is overwritten with each image: detectors read files, and not all of them apply an
    image's EXIF orientation, so they get exactly the pixels that are drawn on.
    """

    def draw(pixels: Pixels) -> None:
        _frames.write_image(file, pixels)
        for detection in sorted(detect(file), key=lambda detection: detection.confidence):
            name = names[detection.category_id]
            counts[name] += 1
            _frames.draw(pixels, detection, name)

    return draw


def _is_image(input: Path) -> bool:
    return input.is_dir() or input.suffix.lower() in _frames.IMAGES


def _draw_images(input: Path, to: Path, draw: Callable[[Pixels], None]) -> int:
    """Draw on the images at `input`, and write them to `to`; returns how many there are."""
    files = _frames.image_files(input)
    for file in files:
        pixels = _frames.read_image(file)
        draw(pixels)
        _frames.write_image(to / file.relative_to(input) if input.is_dir() else to, pixels)
    return len(files)


def _draw_video(input: Path, to: Path, draw: Callable[[Pixels], None]) -> int:
    """Draw on the frames of a video, and write them as another; returns how many there are."""
    count = 0
    with _frames.open_video(input, to) as (frames, write):
        for pixels in frames:
            draw(pixels)
            write(pixels)
            count += 1
    return count
