"""Reads, draws on and writes images and videos with OpenCV; files are written whole or not at all.

Pixels are arrays (height, width, 3) of 8 bits, in OpenCV's order blue, green, red.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fairtrial import DataError
from fairtrial.data.dataset import Detection
from fairtrial.files.folders import files_below, whole_file

if TYPE_CHECKING:
    import cv2
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

IMAGES = (".bmp", ".jpeg", ".jpg", ".png")
COLOURS = ((178, 114, 0), (0, 159, 230), (115, 158, 0), (0, 94, 213), (167, 121, 204))


def image_files(path: Path) -> list[Path]:
    """The image files in a folder and below, in order, or `path` alone if that is a file.

    Raises DataError if there is none.
    """
    if path.is_file():
        return [path]
    files = [path / name for name in files_below(path) if Path(name).suffix.lower() in IMAGES]
    if not files:
        raise DataError(f"{path}: no image in it ({', '.join(IMAGES)})")
    return files


def read_image(file: Path) -> Pixels:
    """The pixels of an image file. Raises DataError if it cannot be read."""
    import cv2

    pixels = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if pixels is None:
        raise DataError(f"{file}: cannot be read as an image")
    return cast("Pixels", pixels)


def write_image(file: Path, pixels: Pixels) -> None:
    """Write an image in the format that the file's name ends in. Raises DataError for another."""
    import cv2

    if file.suffix.lower() not in IMAGES:
        raise DataError(f"{file}: not the name of an image ({', '.join(IMAGES)})")
    _, content = cv2.imencode(file.suffix, pixels)
    with whole_file(file, "wb") as target:
        target.write(content.tobytes())


@contextmanager
def open_video(
    source: Path, target: Path
) -> Iterator[tuple[Iterator[Pixels], Callable[[Pixels], object]]]:
    """The frames of the video `source`, and a function that adds a frame to the video `target`.

    `target` has the size and the frame rate of `source`, and appears under its name when all frames
    are written. Raises DataError if a video cannot be read or written.
    """
    import cv2

    if target.suffix.lower() != ".mp4":
        raise DataError(f"{target}: a video is written as .mp4")
    reader = cv2.VideoCapture(str(source))
    size = tuple(int(reader.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if not reader.isOpened() or 0 in size:
        raise DataError(f"{source}: neither an image nor a video that can be read")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.part.mp4")
    rate = reader.get(cv2.CAP_PROP_FPS) or 25.0  # frames a second
    writer = cv2.VideoWriter(str(part), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
    try:
        if not writer.isOpened():
            raise DataError(f"{target}: cannot be written as a video")
        yield _frames(reader), writer.write
        writer.release()
        part.replace(target)
    finally:
        reader.release()
        writer.release()
        part.unlink(missing_ok=True)


def _frames(reader: cv2.VideoCapture) -> Iterator[Pixels]:
    while True:
        is_frame, pixels = reader.read()
        if not is_frame:
            return
        yield cast("Pixels", pixels)


def draw(pixels: Pixels, detection: Detection, name: str) -> None:
    """Draw a detection: its box in the colour of its class, with `name 0.87` above it, or inside of
    it at the upper edge of the image. Changes `pixels`."""
    import cv2

    colour = COLOURS[detection.category_id % len(COLOURS)]
    x, y, width, height = (round(value) for value in detection.bbox)
    scale = max(0.4, min(pixels.shape[:2]) / 1000)
    line = max(1, round(2 * scale))
    cv2.rectangle(pixels, (x, y), (x + width, y + height), colour, line)
    text = f"{name} {detection.confidence:.2f}"
    font = cv2.FONT_HERSHEY_SIMPLEX
    (text_width, ascent), descent = cv2.getTextSize(text, font, scale, line)
    text_height = ascent + descent
    bottom = y if y >= text_height else y + text_height
    cv2.rectangle(pixels, (x, bottom - text_height), (x + text_width, bottom), colour, cv2.FILLED)
    cv2.putText(pixels, text, (x, bottom - descent // 2), font, scale, (255, 255, 255), line)
