"""Pictures and videos with OpenCV: read, drawn on, and written whole or not at all.

Pixels are arrays (height, width, 3) of bytes, in OpenCV's order blue, green, red.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.data.dataset import Detection
from fairtrial.files.folders import files_below, whole_file

IMAGES = (".bmp", ".jpeg", ".jpg", ".png")
COLOURS = ((178, 114, 0), (0, 159, 230), (115, 158, 0), (0, 94, 213), (167, 121, 204))


def images_of(place: Path) -> list[Path]:
    """The images of a folder in order, or the one image. Raises DataError if there is none."""
    if place.is_file():
        return [place]
    found = [place / name for name in files_below(place) if Path(name).suffix.lower() in IMAGES]
    if not found:
        raise DataError(f"{place}: no image in it ({', '.join(IMAGES)})")
    return found


def read(file: Path) -> Any:
    """The pixels of an image file."""
    import cv2

    pixels = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if pixels is None:
        raise DataError(f"{file}: cannot be read as an image")
    return pixels


def write(file: Path, pixels: Any) -> None:
    """Write an image in the format of its name."""
    import cv2

    if file.suffix.lower() not in IMAGES:
        raise DataError(f"{file}: not the name of an image ({', '.join(IMAGES)})")
    _, content = cv2.imencode(file.suffix, pixels)
    with whole_file(file, "wb") as target:
        target.write(content.tobytes())


@contextmanager
def video(source: Path, target: Path) -> Iterator[tuple[Iterator[Any], Callable[[Any], object]]]:
    """The frames of one video, and a function that adds frames to another of its size and speed.

    The new one appears under its name when all is written.
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
    speed = reader.get(cv2.CAP_PROP_FPS) or 25.0
    writer = cv2.VideoWriter(str(part), cv2.VideoWriter.fourcc(*"mp4v"), speed, size)
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


def _frames(reader: Any) -> Iterator[Any]:
    while True:
        there, pixels = reader.read()
        if not there:
            return
        yield pixels


def draw(pixels: Any, found: Detection, name: str) -> None:
    """A box in the colour of its class, with `name 0.87` above it, or inside at the edge."""
    import cv2

    colour = COLOURS[found.category_id % len(COLOURS)]
    x, y, width, height = (round(value) for value in found.bbox)
    scale = max(0.4, min(pixels.shape[:2]) / 1000)
    line = max(1, round(2 * scale))
    cv2.rectangle(pixels, (x, y), (x + width, y + height), colour, line)
    text = f"{name} {found.score:.2f}"
    font = cv2.FONT_HERSHEY_SIMPLEX
    (wide, high), below = cv2.getTextSize(text, font, scale, line)
    top = y if y - high - below >= 0 else y + high + below
    cv2.rectangle(pixels, (x, top - high - below), (x + wide, top), colour, cv2.FILLED)
    cv2.putText(pixels, text, (x, top - below // 2), font, scale, (255, 255, 255), line)
