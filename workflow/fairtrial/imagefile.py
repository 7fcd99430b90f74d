"""One image file: its size, whether it can be decoded, and its clean copy."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial import defects, folders

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm"}
)
EXIF_ORIENTATION = 0x0112  # 1: as stored
_KEPT_TYPES = ("JPEG", "MPO", "PNG")  # MPO: a JPEG with further pictures behind it
_KEPT_MODES = ("RGB", "L")
_UNSCALED_MODES = ("I", "F")  # 32 bits a pixel: which range is black to white is unknown


@dataclass(slots=True)
class Checked:
    """What became of a raw image: the clean file's name, size and SHA-256, and its defects.

    `kept` is False for an image that had to be dropped; then there is no clean file.
    """

    kept: bool = True
    file_name: str = ""
    width: int = 0
    height: int = 0
    sha256: str = ""
    found: list[defects.Defect] = field(default_factory=list)


def size(path: Path) -> tuple[int, int] | None:
    """Width and height in pixels, from the header alone; None if there is no such header."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def pixels(folder: Path, name: str) -> NDArray[np.uint8]:
    """A clean image as RGB, (height, width, 3)."""
    import numpy as np
    from PIL import Image

    with Image.open(folder / name) as image:
        return np.asarray(image.convert("RGB"))


def clean(raw: Path, name: str, digest: str, target: Path) -> Checked:
    """Decode `raw/name` fully and put its clean copy below `target`.

    A good JPEG or PNG is copied byte for byte (its SHA-256 is the given `digest`); trailing
    bytes are cut; other colours and file types become `<name>.png`.
    """
    data = (raw / name).read_bytes()
    try:
        image = _decoded(data)
    except Exception as error:  # whatever a decoder raises, the image cannot be used
        return Checked(kept=False, found=[_fault(name, error)])
    if image.mode in _UNSCALED_MODES:
        seen = f"pixels of mode {image.mode}, whose range is not known"
        return Checked(kept=False, found=[defects.UnreadableImage(name, seen)])
    if (orientation := image.getexif().get(EXIF_ORIENTATION, 1)) not in (0, 1):
        fault = defects.TurnedImage(name, f"orientation {orientation}")
        return Checked(kept=False, found=[fault])
    checked = Checked(file_name=name, width=image.width, height=image.height, sha256=digest)
    if image.format not in _KEPT_TYPES:
        checked.found.append(defects.OtherFileType(name, str(image.format)))
    if image.mode not in _KEPT_MODES:
        checked.found.append(defects.OtherColours(name, f"mode {image.mode}"))
    if checked.found:
        checked.file_name = f"{name}.png"
        checked.sha256 = _write(_png(image), target / checked.file_name)
    elif image.format == "JPEG" and (end := jpeg_end(data)) < len(data):
        checked.found.append(defects.TrailingBytes(name, f"{len(data) - end} bytes"))
        checked.sha256 = _write(data[:end], target / name)
    else:
        folders.copy_file(raw / name, target / name)
    return checked


def _decoded(data: bytes) -> Image:
    from PIL import Image

    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def _fault(name: str, error: Exception) -> defects.Defect:
    text = str(error).replace("\n", " ")
    if isinstance(error, OSError) and "truncated" in text:
        return defects.TruncatedImage(name, text)
    return defects.UnreadableImage(name, type(error).__name__)


def _png(image: Image) -> bytes:
    import numpy as np
    from PIL import Image as images

    if image.mode.startswith("I;16"):
        image = images.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode not in _KEPT_MODES:
        image = image.convert("RGB")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _write(data: bytes, path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def jpeg_end(data: bytes) -> int:
    """The offset just behind a JPEG's end marker; `len(data)` if none is found.

    Walks the segments instead of searching for FF D9: a thumbnail inside EXIF has its own.
    """
    at = 2
    while 0 <= at < len(data) - 1:
        marker = data[at + 1]
        if data[at] != 0xFF:
            at = data.find(b"\xff", at)  # inside a scan: on to the next candidate
        elif marker == 0xD9:
            return at + 2
        elif marker == 0xFF:  # a fill byte
            at += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:  # these have no length
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return len(data)
