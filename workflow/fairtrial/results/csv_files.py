"""The CSV files of a run as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial import DataError
from fairtrial.files.csvfile import original

if TYPE_CHECKING:
    from pandas import DataFrame


def read_csv(path: Path, *labels: str) -> DataFrame:
    """A CSV file as a table: the columns `labels` are text, all others numbers, NaN where a cell
    is empty. Raises DataError where the file is missing or a cell is not a number."""
    import pandas

    try:
        table = pandas.read_csv(path, dtype=str, keep_default_na=False)  # a class may be called NA
        return table.assign(
            **{
                name: table[name].map(original)
                if name in labels
                else table[name].replace("", "nan").astype(float)
                for name in table.columns
            }
        )
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
