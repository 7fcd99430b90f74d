"""One image file: its size, whether it can be decoded, and its clean copy."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from fairtrial.data import defects
from fairtrial.data.boxes import turned_size
from fairtrial.data.defect_actions import Actions
from fairtrial.data.defects import Defect
from fairtrial.files import folders, packed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

SMALLEST = 10  # pixels a side
EXIF_ORIENTATION = 0x0112
# The suffixes of the types that are not rewritten, by Pillow's name; a wrong one becomes the first.
_SUFFIXES_OF = {"JPEG": (".jpg", ".jpeg"), "MPO": (".jpg", ".jpeg"), "PNG": (".png",)}
_WITH_FRAMES = ("TIFF", "GIF", "WEBP", "AVIF", "PNG")  # an MPO holds one image and its preview
_HEIC = re.compile(rb".{4}ftyp(?:hei[cxfs]|hev[cx]|mif1|msf1)", re.DOTALL)
# The turn that makes of the stored pixels what viewers show, by EXIF's orientation.
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


@dataclass(slots=True)
class CheckedImage:
    """A raw image after the check: its clean file, and its defects.

    `size` is that of the raw file's pixels as they are stored, and `orientation` (EXIF's, 1 to
    8) how they were turned for the clean one. `is_kept` is False for an image that is
    dropped; then there is no clean file. `changed`: the raw file is not the one that the
    manifest names. `thumbnail`: see
    `duplicate_search.thumbnail`.
    """

    is_kept: bool = False
    changed: bool = False
    file_name: str = ""
    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    sha256: str = ""
    thumbnail: bytes = b""
    defects: list[Defect] = field(default_factory=list)


@dataclass(slots=True)
class _DecodedFile:
    """A decoded image file. `kind` and `mode` are Pillow's; `size` is as stored."""

    kind: str
    mode: str
    size: tuple[int, int]
    bits: int  # a channel: 8, 12 (of 16 that the file has) or 16
    frames: int
    orientation: int
    thumbnail: bytes  # as shown


def pixels(folder: Path, name: str) -> NDArray[np.uint8]:
    """A clean image as RGB, (height, width, 3)."""
    import numpy as np
    from PIL import Image

    if packed.is_packed(name):
        return packed.pixels(folder, name)
    with Image.open(folder / name) as image:
        return np.asarray(image.convert("RGB"))


def clean_image(raw: Path, name: str, sha256: str, target: Path, actions: Actions) -> CheckedImage:
    """Decode all of `raw/name` and put its clean copy below `target`. Returns what came of it.

    A good JPEG or PNG is linked (`sha256` is that of the raw file), trailing bytes are cut,
    and everything else becomes `<name>.png`: 8-bit RGB, turned as viewers show it.
    """
    data = (raw / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        return CheckedImage(changed=True)
    try:
        file = _decoded(data, actions.of(defects.UnusedBits) == "repair")
    except Exception as error:  # whatever a decoder raises, the image cannot be used
        return CheckedImage(defects=[_unusable(name, error, data)])
    checked = CheckedImage(
        size=file.size, orientation=file.orientation, sha256=sha256, thumbnail=file.thumbnail
    )
    checked.defects = list(_defects(name, file, data))
    kinds = {type(defect) for defect in checked.defects}
    repaired = {kind for kind in kinds if actions.of(kind) == "repair"}
    if any(actions.drops(kind) for kind in kinds):
        return checked
    checked.is_kept = True
    checked.file_name = name
    if repaired - {defects.TrailingBytes, defects.WrongSuffix}:
        checked.file_name = f"{name}.png"
        bits = 12 if defects.UnusedBits in repaired else 16
        checked.sha256 = _write(_png(data, file, bits), target / checked.file_name)
        return checked
    if defects.WrongSuffix in repaired:
        checked.file_name = name + _SUFFIXES_OF[file.kind][0]
    if defects.TrailingBytes in repaired:
        checked.sha256 = _write(data[: jpeg_end(data)], target / checked.file_name)
    else:
        folders.link_or_copy(raw / name, target / checked.file_name)
    return checked


def _decoded(data: bytes, scaled: bool) -> _DecodedFile:
    """Decode an image file. `scaled`: 12 bits in a file of 16 are taken as 12.

    Raises whatever Pillow does, and ValueError for an unknown range.
    """
    from PIL import Image

    from fairtrial.data import duplicate_search

    image: Image.Image = Image.open(io.BytesIO(data))
    size, mode = image.size, image.mode
    kind = str(image.format)
    deep = mode.startswith("I;16") or (mode == "I" and kind == "PPM") or "16" in _coding(image)
    if mode in ("I", "F") and not deep:
        raise ValueError(f"pixels of mode {mode}, whose range is not known")
    turned_by_pillow = _orientation(image) if kind == "TIFF" else 1
    frames = _frames(image) if kind in _WITH_FRAMES else 1
    if kind in ("JPEG", "MPO"):  # every bit is read, but only the pixels needed are computed
        image.draft("L", (duplicate_search.DECODED, duplicate_search.DECODED))
    image.load()
    bits = _bits(image) if deep else 8
    shown = _to_8_bits(image, bits if scaled else 16) if deep else image
    if kind == "TIFF":
        size = turned_size(image.size, turned_by_pillow)
        thumbnail = duplicate_search.thumbnail(shown)
        return _DecodedFile(kind, mode, size, bits, frames, turned_by_pillow, thumbnail)
    orientation = _orientation(image)  # after loading: in a PNG it may follow the pixels
    thumbnail = duplicate_search.thumbnail(_as_shown(shown, orientation))
    return _DecodedFile(kind, mode, size, bits, frames, orientation, thumbnail)


def _frames(image: Image) -> int:
    """The number of frames or pages of a file."""
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # a broken list of frames; the first one may be good
        return 1


def _bits(image: Image) -> int:
    """12 where a grey image of 16 bits uses no more than these, else 16."""
    import numpy as np

    if not image.mode.startswith("I"):
        return 16
    return 12 if 0 < int(np.asarray(image).max()) < 1 << 12 else 16


def _to_8_bits(image: Image, bits: int) -> Image:
    """The upper 8 of `bits` bits of a grey image. (Of colours Pillow itself keeps the upper 8.)"""
    import numpy as np
    from PIL import Image

    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.uint32) >> (bits - 8)).astype(np.uint8))


def _as_shown(image: Image, orientation: int) -> Image:
    from PIL.Image import Transpose

    return image.transpose(Transpose[_TURNS[orientation]]) if orientation in _TURNS else image


def _coding(image: Image) -> str:
    """How the file codes its pixels, such as `RGB;16B`."""
    tiles = getattr(image, "tile", None)  # (codec, extent, offset, coding)
    return str(tiles[0][3]) if tiles else ""


def _orientation(image: Image) -> int:
    """EXIF's orientation, 1 to 8; 1 (as stored) where it is missing or out of range."""
    try:
        orientation = image.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:  # broken EXIF has no orientation, and the pixels are good
        return 1
    return orientation if orientation in range(1, 9) else 1


def _unusable(name: str, error: Exception, data: bytes) -> Defect:
    """The defect of an image whose decoder raised `error`."""
    from PIL.Image import DecompressionBombError

    text = str(error).replace("\n", " ")
    if isinstance(error, DecompressionBombError):
        return defects.DecompressionBomb(name, text.partition(",")[0])
    if isinstance(error, OSError) and "truncated" in text.lower():
        return defects.TruncatedImage(name, text)
    if isinstance(error, ValueError) and "range" in text:
        return defects.UnreadableImage(name, text)
    if _HEIC.match(data):
        return defects.UnreadableImage(name, "HEIC, which is not decoded here; save it as JPEG")
    return defects.UnreadableImage(name, type(error).__name__)


def _defects(name: str, file: _DecodedFile, data: bytes) -> Iterator[Defect]:
    if min(file.size) < SMALLEST:
        yield defects.TinyImage(name, "{}×{}".format(*file.size))
    if file.orientation != 1:
        yield defects.TurnedImage(name, f"orientation {file.orientation}")
    if file.mode == "L":
        yield defects.GreyImage(name)
    elif file.mode != "RGB" or file.bits > 8:
        yield defects.OtherColours(
            name, f"mode {file.mode}, 16 bits" if file.bits > 8 else f"mode {file.mode}"
        )
    if file.bits == 12:
        yield defects.UnusedBits(name)
    if file.frames > 1:
        yield defects.SeveralFrames(name, f"{file.frames} frames, {file.frames - 1} of them lost")
    if file.kind not in _SUFFIXES_OF:
        yield defects.OtherFileType(name, file.kind)
    elif PurePosixPath(name).suffix.lower() not in _SUFFIXES_OF[file.kind]:
        yield defects.WrongSuffix(name, f"is {file.kind}")
    if file.kind == "JPEG" and (end := jpeg_end(data)) < len(data):
        yield defects.TrailingBytes(name, f"{len(data) - end} bytes")


def _png(data: bytes, file: _DecodedFile, bits: int) -> bytes:
    """The first frame as an 8-bit RGB PNG, turned as viewers show it. `bits`: of a deep image."""
    from PIL import Image

    image: Image.Image = Image.open(io.BytesIO(data))
    image.load()
    orientation = 1 if file.kind == "TIFF" else file.orientation
    plain = _to_8_bits(image, bits) if file.bits > 8 else image
    image = _as_shown(plain.convert("RGB"), orientation)
    image.info.clear()
    written = io.BytesIO()
    image.save(written, "PNG", compress_level=1)  # four times as fast as 6, a tenth larger
    return written.getvalue()


def _write(data: bytes, path: Path) -> str:
    """Write a file. Returns its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def jpeg_end(data: bytes) -> int:
    """The offset just behind a JPEG's end marker; `len(data)` if none is found.

    Walks the segments instead of searching for FF D9: a thumbnail inside EXIF has its own.
    """
    if data.endswith(b"\xff\xd9") and data.count(b"\xff\xd9") == 1:
        return len(data)  # the usual case, at once
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
