"""resamples.npz: the metrics of a run on each resample of val and of test."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fairtrial import DataError
from fairtrial.files.folders import whole_file


@dataclass(frozen=True)
class Resamples:
    """One split: `metrics` by name, each (B,), NaN on a resample where it is undefined; and what
    was drawn, `units` of them in each resample: `unit_name` is `images` or `groups`."""

    units: int
    unit_name: str
    metrics: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class ResamplesFile:
    """The content of resamples.npz. A split without images has none."""

    splits: Mapping[str, Resamples]

    def of(self, split: str) -> Resamples | None:
        """The resamples of `val` or `test`."""
        return self.splits.get(split)


def write_resamples(path: Path, content: ResamplesFile) -> None:
    """Write resamples.npz: arrays named `<split>/<metric>`, and `<split>/units` and
    `<split>/unit_name` beside them. Equal content gives equal bytes."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for split, resamples in sorted(content.splits.items()):
        arrays[f"{split}/units"] = np.array(resamples.units)
        arrays[f"{split}/unit_name"] = np.array(resamples.unit_name)
        for name, values in sorted(resamples.metrics.items()):
            arrays[f"{split}/{name}"] = values
    with whole_file(path, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_resamples(path: Path) -> ResamplesFile:
    """The content of a resamples.npz. Raises DataError where it is missing or does not fit."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a file of resamples ({error})") from error
    splits = sorted({name.partition("/")[0] for name in arrays})
    try:
        return ResamplesFile({split: _of_split(split, arrays) for split in splits})
    except KeyError as error:
        raise DataError(f"{path}: not a file of resamples: it lacks {error}") from error


def _of_split(split: str, arrays: Mapping[str, NDArray[np.generic]]) -> Resamples:
    inside = {
        name.removeprefix(f"{split}/"): values
        for name, values in arrays.items()
        if name.startswith(f"{split}/")
    }
    units, unit_name = inside.pop("units"), inside.pop("unit_name")
    metrics = {name: values.astype(np.float64) for name, values in inside.items()}
    return Resamples(int(units), str(unit_name), metrics)
