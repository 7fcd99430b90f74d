"""CIFAR-10 as its authors distribute it for Python: a pickle for each 10,000 images.

A pickle can run any code while it is opened. Here an unpickler opens it that makes only numbers,
texts, lists, dictionaries and arrays of bytes, and refuses everything else. It calls nothing of
NumPy.

Layout: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and the
data set's page. A row of `data` holds 1,024 bytes of red, then of green, then of blue.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.dataset import Annotation, Image
from fairtrial.data.defects import Defect
from fairtrial.data.names import numbered_classes
from fairtrial.data.packed_dataset import PackedDataset
from fairtrial.files import packed
from fairtrial.files.folders import checked_path
from fairtrial.formats._recognition import Likeness, Listing, common_folder
from fairtrial.formats._unread import no_such_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 32  # pixels
_ROW = 3 * SIDE * SIDE


class Settings(BaseModel):
    """The options of the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: str = "cifar-10-batches-py"  # of the pickles, relative to the raw folder
    # The splits of the batches, for `method: given`. The authors name train and test alone.
    train: tuple[str, ...] = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4")
    val: tuple[str, ...] = ("data_batch_5",)
    test: tuple[str, ...] = ("test_batch",)


def read(folder: Path, options: Settings) -> tuple[PackedDataset, list[Defect]]:
    """All batches as one set: an image has one class and no box, and is packed in a shard.

    Raises DataError for a file that is missing, is no such pickle or holds more than values, and
    where labels, names and images do not fit together.
    """
    top = folder / checked_path(options.folder, "options: folder")
    meta = top / "batches.meta"
    names = [_text(name) for name in _list(_unpickled(meta), "label_names", meta)]
    dataset = PackedDataset(categories=numbered_classes(names, str(meta)))
    dataset.label_files.add(f"{options.folder}/{meta.name}")
    dataset.origins = {number: [str(number - 1)] for number in dataset.categories}
    splits = {"train": options.train, "val": options.val, "test": options.test}
    for split, batches in splits.items():
        for batch in batches:
            _add(dataset, top / checked_path(batch, f"options: {split}"), split)
            dataset.label_files.add(f"{options.folder}/{batch}")
    return dataset, []


def _add(dataset: PackedDataset, path: Path, split: str) -> None:
    content = _unpickled(path)
    images = _images(content, path)
    labels = _list(content, "labels", path)
    if len(labels) != len(images):
        raise DataError(f"{path}: {len(images)} images and {len(labels)} labels")
    shard = f"{path.name}.npy"
    if shard in dataset.shards:
        raise DataError(f"{path}: is named in two splits, or twice in one")
    dataset.shards[shard] = images
    for place, label in enumerate(labels):
        if not isinstance(label, int) or label + 1 not in dataset.categories:
            raise DataError(f"{path}: the label {label!r} of image {place} is no class")
        number = len(dataset.images) + 1
        name = packed.name_of(shard, place, len(images))
        dataset.images.append(Image(number, name, SIDE, SIDE, split=split))
        dataset.annotations.append(Annotation(number, label + 1, None))


def _images(content: dict[str, object], path: Path) -> NDArray[np.uint8]:
    """The pixels of a batch, (images, height, width, 3)."""
    import numpy as np

    array = content.get("data")
    if not isinstance(array, _Array) or len(array.shape) != 2 or array.shape[1] != _ROW:
        raise DataError(f"{path}: has no `data` with {_ROW} bytes an image")
    rows = np.frombuffer(array.content, np.uint8).reshape(-1, 3, SIDE, SIDE)
    return rows.transpose(0, 2, 3, 1)


def _list(content: dict[str, object], key: str, path: Path) -> list[object]:
    values = content.get(key)
    if not isinstance(values, list):
        raise DataError(f"{path}: has no list `{key}`")
    return values


def _text(value: object) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _unpickled(path: Path) -> dict[str, object]:
    """The dictionary in a pickle, its keys as texts (Python 2 wrote them as bytes)."""
    try:
        with path.open("rb") as file:
            content = _ValueUnpickler(file, encoding="bytes").load()
    except FileNotFoundError as error:
        raise DataError(no_such_file(path)) from error
    except OSError:
        raise
    except Exception as error:  # a broken pickle can raise anything
        raise DataError(f"{path}: not a pickle of values ({error})") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds no dictionary")
    return {_text(key): value for key, value in content.items()}


class _Array:
    """The stand-in for a NumPy array of bytes in a pickle."""

    shape: tuple[int, ...] = ()
    content: bytes = b""

    def __setstate__(self, state: tuple[int, tuple[int, ...], _ElementType, bool, bytes]) -> None:
        _, self.shape, kind, columns_first, self.content = state
        fits = isinstance(self.content, bytes) and len(self.content) == math.prod(self.shape)
        if kind.name not in ("u1", b"u1") or columns_first or not fits:
            raise pickle.UnpicklingError("an array of something else than bytes, row by row")


class _ElementType:
    """The stand-in for `numpy.dtype`, the type of an array's elements."""

    def __init__(self, name: str | bytes, *_: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        """Ignore byte order and the like, which bytes do not have."""


def _array(*_: object) -> _Array:
    return _Array()


def _bytes(text: str, encoding: str) -> bytes:
    """The stand-in for `_codecs.encode`, by which Python 3 writes bytes for Python 2."""
    return text.encode("latin-1")


_STAND_INS: dict[tuple[str, str], type | Callable[..., object]] = {
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "_reconstruct"): _array,  # since NumPy 2
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _ElementType,
    ("_codecs", "encode"): _bytes,
}


class _ValueUnpickler(pickle.Unpickler):
    """An unpickler that makes plain values and arrays of bytes, and nothing else."""

    def find_class(self, module: str, name: str) -> type | Callable[..., object]:
        """A stand-in of `_STAND_INS`. Raises UnpicklingError for everything else."""
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no value")
        return _STAND_INS[module, name]


def recognise(listing: Listing) -> Likeness | None:
    """The file batches.meta and batches beside it."""
    metas = [file for file in listing.files if file.rpartition("/")[2] == "batches.meta"]
    if not metas:
        return None
    return Likeness("certain", "CIFAR-10 for Python", {"folder": common_folder(metas[:1])})
