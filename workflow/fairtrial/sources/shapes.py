"""Drawn images of geometric shapes: a source that needs no network and has no licence.

Five classes, clearly unbalanced; small, medium and large objects that overlap; clutter.
Images come in scenes that share background and palette, as frames of one video or slides
of one patient do: the scene is the image's `group`. Raw layout: COCO JSON (formats/coco,
`group: group`). Only whole numbers are drawn at random and only whole pixels are used, so
the same settings give the same bytes wherever the locked versions run.
"""

from __future__ import annotations

from colorsys import hsv_to_rgb
from math import cos, pi, sin
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from fairtrial.files.jsonfile import write_json
from fairtrial.sources._needs import Needs

if TYPE_CHECKING:
    from numpy.random import Generator
    from PIL.Image import Image

    from fairtrial.data.boxes import Box

CLASSES = ("disc", "square", "triangle", "star", "ring")
_SHARES = (0.40, 0.27, 0.18, 0.10, 0.05)  # of all objects, by class
_HUES = (0, 205, 120, 50, 290)  # degrees: what a class is painted in, most of the time
# Small, medium and large diameters in hundredths of the image's size, and their shares.
_DIAMETERS = ((11, 18), (24, 50), (65, 85))
_DIAMETER_SHARES = (0.25, 0.60, 0.15)
_FINE = 4  # shapes are drawn this many times larger, then averaged: smooth edges
_HIDDEN = 0.5  # an object may hide at most this share of another's box


class Settings(BaseModel):
    """What is drawn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: int = Field(240, ge=1)
    size: int = Field(160, ge=32)  # width and height of an image in pixels
    per_scene: int = Field(10, ge=1)  # images that share a background and a palette
    objects: int = Field(6, ge=1)  # most objects on an image; the fewest is one
    clutter: int = Field(6, ge=0)  # lines and blobs that are no object
    file_type: Literal["jpeg", "png"] = "jpeg"
    seed: int = Field(0, ge=0)


def fetch(settings: Settings, name: str, folder: Path, downloads: Path) -> None:
    """Draw the images into `folder`/images, and write annotations.json beside them."""
    rows: list[dict[str, object]] = []
    objects: list[dict[str, object]] = []
    (folder / "images").mkdir()
    for number in range(1, settings.images + 1):
        scene = (number - 1) // settings.per_scene
        image, drawn = _picture(settings, scene, number)
        file_name = f"{number:05d}" + (".jpg" if settings.file_type == "jpeg" else ".png")
        _save(image, folder / "images" / file_name)
        rows.append(
            {
                "id": number,
                "file_name": file_name,
                "width": settings.size,
                "height": settings.size,
                "group": f"scene-{scene:03d}",
            }
        )
        for kind, (x, y, w, h) in drawn:
            objects.append(
                {
                    "id": len(objects) + 1,
                    "image_id": number,
                    "category_id": kind + 1,
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "iscrowd": 0,
                }
            )
    categories = [{"id": i, "name": kind} for i, kind in enumerate(CLASSES, 1)]
    content = {"images": rows, "annotations": objects, "categories": categories}
    write_json(folder / "annotations.json", content)


def needs(settings: Settings) -> Needs:
    """Disk space: about a byte a pixel."""
    return Needs(size=settings.images * settings.size**2)


def _save(image: Image, path: Path) -> None:
    if path.suffix == ".jpg":
        image.save(path, "JPEG", quality=92, subsampling=0)
    else:
        image.save(path, "PNG")


def _picture(settings: Settings, scene: int, number: int) -> tuple[Image, list[tuple[int, Box]]]:
    """One image, and the class and box of each object on it."""
    from numpy.random import default_rng

    scene_rng = default_rng([settings.seed, 0, scene])
    image_rng = default_rng([settings.seed, 1, number])
    shift = int(scene_rng.integers(-12, 13))  # of the scene's hues, in degrees
    image = _background(scene_rng, settings.size)
    _draw_clutter(image, image_rng, settings.clutter)
    drawn: list[tuple[int, Box]] = []
    for _ in range(int(image_rng.integers(1, settings.objects + 1))):
        kind = int(image_rng.choice(len(CLASSES), p=_SHARES))
        box = _draw_object(image, image_rng, kind, shift, [box for _, box in drawn])
        if box is not None:
            drawn.append((kind, box))
    return _noisy(image, image_rng), drawn


def _background(rng: Generator, size: int) -> Image:
    """A gradient between two muted colours, in one of four directions."""
    import numpy as np
    from PIL import Image

    first, last = rng.integers(70, 186, (2, 3))
    along = np.arange(size).reshape(size, 1, 1)
    ramp = first + (last - first) * along // (size - 1)
    pixels = np.broadcast_to(ramp, (size, size, 3)).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(np.rot90(pixels, int(rng.integers(4)))))


def _draw_clutter(image: Image, rng: Generator, most: int) -> None:
    """Thin lines and small grey smears, which are no object."""
    from PIL import ImageDraw

    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(most + 1))):
        x0, y0, x1, y1 = (int(value) for value in rng.integers(0, image.width, 4))
        grey = (int(rng.integers(40, 216)),) * 3
        if rng.integers(2):
            pen.line((x0, y0, x1, y1), fill=grey, width=1)
        else:
            half = max(1, image.width // 40)
            pen.ellipse((x0 - 2 * half, y0 - half, x0 + 2 * half, y0 + half), fill=grey)


def _draw_object(
    image: Image, rng: Generator, kind: int, shift: int, others: list[Box]
) -> Box | None:
    """Draw one shape where it hides no more than _HIDDEN of any of `others`.

    Returns its box; None where no place for it was found, so that nothing is drawn.
    """
    stencil = _stencil(kind, _diameter(rng, image.width), int(rng.integers(360)))
    colour = _colour(rng, kind, shift)
    left, top, right, bottom = _extent(stencil)
    w, h = right - left, bottom - top
    for _ in range(8):
        x = int(rng.integers(image.width - w + 1))
        y = int(rng.integers(image.height - h + 1))
        box = (x, y, w, h)
        if all(_overlap(box, other) <= _HIDDEN for other in others):
            image.paste(colour, (x - left, y - top), stencil)
            return box
    return None


def _extent(stencil: Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the pixels that a shape covers by half or more."""
    extent = stencil.point([255 if value > 127 else 0 for value in range(256)]).getbbox()
    assert extent is not None, "a diameter of 8 pixels covers some"
    return extent


def _diameter(rng: Generator, size: int) -> int:
    """A random diameter in pixels, on an image of width `size`."""
    low, high = _DIAMETERS[int(rng.choice(len(_DIAMETERS), p=_DIAMETER_SHARES))]
    return max(8, size * int(rng.integers(low, high + 1)) // 100)


def _colour(rng: Generator, kind: int, shift: int) -> tuple[int, int, int]:
    """Mostly the hue of the class, sometimes any, so that colour alone does not give the class."""
    hue = _HUES[kind] + shift + int(rng.integers(-15, 16))
    if rng.integers(10) == 0:
        hue = int(rng.integers(360))
    value = int(rng.integers(75, 101)) / 100
    red, green, blue = hsv_to_rgb(hue % 360 / 360, 0.85, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _overlap(a: Box, b: Box) -> float:
    """Share of the smaller of two boxes that lies in the other."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(w, 0) * max(h, 0) / min(a[2] * a[3], b[2] * b[3])


def _stencil(kind: int, diameter: int, turn: int) -> Image:
    """How much of each pixel a shape covers (0–255), turned by `turn` degrees."""
    from PIL import Image, ImageDraw

    side = diameter * _FINE
    stencil = Image.new("L", (side, side))
    pen = ImageDraw.Draw(stencil)
    if CLASSES[kind] in ("disc", "ring"):
        pen.ellipse((0, 0, side - 1, side - 1), fill=255)
        if CLASSES[kind] == "ring":
            rim = side // 4
            pen.ellipse((rim, rim, side - 1 - rim, side - 1 - rim), fill=0)
    else:
        pen.polygon(_corners(CLASSES[kind], side // 2, turn), fill=255)
    return stencil.reduce(_FINE)


def _corners(name: str, radius: int, turn: int) -> list[tuple[int, int]]:
    """The corners of a shape in pixels, turned by `turn` degrees."""
    count, inner = {"square": (4, 1.0), "triangle": (3, 1.0), "star": (10, 0.45)}[name]
    reach = [radius * (inner if corner % 2 else 1.0) for corner in range(count)]
    angles = [turn * pi / 180 + 2 * pi * corner / count for corner in range(count)]
    return [
        (round(radius + r * cos(angle)), round(radius + r * sin(angle)))
        for r, angle in zip(reach, angles, strict=True)
    ]


def _noisy(image: Image, rng: Generator) -> Image:
    """The image with up to 8 of 255 levels of noise in each colour of each pixel."""
    import numpy as np
    from PIL import Image as images

    pixels = np.asarray(image).astype(np.int16)
    pixels += rng.integers(-8, 9, pixels.shape, dtype=np.int16)
    return images.fromarray(pixels.clip(0, 255).astype(np.uint8))
