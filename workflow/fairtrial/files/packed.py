"""Packed images: many small images in one file, a shard, so that 60,000 need not be 60,000 files.

A shard is a NumPy file, uint8 of (images, height, width, 3), RGB. The image at place `i` of
the shard `a.npy` is called `a.npy#i` wherever a file name stands.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NAME = re.compile(r"(.+\.npy)#(\d+)")


def name_of(shard: str, place: int, images: int) -> str:
    """The name of the image at `place` (from 0) of a shard of `images` images. Leading zeros make
    the order of names that of places."""
    return f"{shard}#{place:0{len(str(images - 1))}}"


def file_of(folder: Path, name: str) -> Path:
    """The file in which an image lies: its shard, or itself where it is not packed."""
    match = _NAME.fullmatch(name)
    return folder / (match[1] if match else name)


def is_packed(name: str) -> bool:
    """Whether this is the name of an image in a shard."""
    return _NAME.fullmatch(name) is not None


def pixels(folder: Path, name: str) -> NDArray[np.uint8]:
    """One image of a shard as RGB, (height, width, 3). The rest of the shard is not read.

    Raises DataError for a shard that is not there or holds no such image.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise DataError(f"{name}: not the name of a packed image")
    shard = _opened(folder / match[1])
    if int(match[2]) >= len(shard):
        raise DataError(f"{folder / name}: the shard holds {len(shard)} images")
    image: NDArray[np.uint8] = shard[int(match[2])]
    return image


def _opened(path: Path) -> NDArray[np.uint8]:
    """A shard, opened once for as long as the file behind its path stays the same."""
    try:
        now = path.stat()
    except OSError as error:
        raise DataError(f"{path}: not a shard of images ({error})") from error
    return _open_shard(path, (now.st_dev, now.st_ino, now.st_mtime_ns, now.st_size))


@lru_cache(maxsize=64)
def _open_shard(path: Path, _file: tuple[int, ...]) -> NDArray[np.uint8]:
    import numpy as np

    try:
        shard: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: not a shard of images ({error})") from error
    if shard.dtype != np.uint8 or shard.ndim != 4 or shard.shape[3] != 3:
        raise DataError(f"{path}: not a shard of images: {shard.dtype} of {shard.shape}")
    return shard


def write(folder: Path, shard: str, images: NDArray[np.uint8]) -> dict[str, str]:
    """Write a shard of (images, height, width, 3), uint8, RGB.

    Returns, by the name of each image, the SHA-256 of its pixels in the order of the array.
    """
    import numpy as np

    array = np.ascontiguousarray(images)
    np.save(folder / shard, array, allow_pickle=False)
    return {
        name_of(shard, place, len(array)): hashlib.sha256(image.tobytes()).hexdigest()
        for place, image in enumerate(array)
    }
