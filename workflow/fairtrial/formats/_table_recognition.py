"""Which column of a table holds what, as far as its header and its first rows tell."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from fairtrial.data.names import split_of
from fairtrial.formats._numbers import number_or_nan
from fairtrial.formats._recognition import Listing, split_of_path

_ROWS = 500  # rows that are looked at
_LABELS = (
    *("class", "label", "class_name", "classname", "category", "name", "species", "label_name"),
    *("cell_type", "object", "diagnosis", "dx"),
)
_GROUP = ("group", "patient", "patient_id", "subject", "video", "video_id", "scene", "lesion_id")


@dataclass(frozen=True)
class SeenTable:
    """A table and its first rows, with the column that names images and the folder of these.

    suffix: what names lack to be those of files. `header` is False where it has none.
    """

    file: str
    delimiter: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    image: str
    place: str
    suffix: str
    header: bool = True

    def column(self, names: Sequence[str]) -> str | None:
        """The first column that has one of the names, in any case."""
        others = [column for column in reversed(self.columns) if column != self.image]
        lower = {column.lower().strip(): column for column in others}
        return next((lower[name] for name in names if name in lower), None)

    @property
    def label(self) -> str | None:
        """The column of the class."""
        return self.column(_LABELS)

    def values(self, column: str) -> list[str]:
        """The texts in a column that are not empty."""
        return [text for row in self.rows if (text := row.get(column, "").strip())]

    def numbers(self, column: str) -> list[float]:
        """The numbers in a column, NaN where one is none."""
        return list(map(number_or_nan, self.values(column)))

    @property
    def is_by_image(self) -> bool:
        """Whether each image has one row."""
        names = self.values(self.image)
        return len(set(names)) == len(names)

    @property
    def columns_of_image(self) -> dict[str, str]:
        """The options `split` and `group`, where a column has such a name and such values."""
        found: dict[str, str] = {}
        words = [c for c in self.columns if c != self.image and self._holds_splits(c)]
        if words:
            found["split"] = words[0]
        group = self.column(_GROUP)
        if group is not None and len(self.values(group)) == len(self.rows):
            found["group"] = group
        return found

    def _holds_splits(self, column: str) -> bool:
        values = self.values(column)
        return len(values) == len(self.rows) and all(map(split_of, values))

    @property
    def image_options(self) -> dict[str, str]:
        """The options that say how the table is read, and how it names images."""
        options = {"image": self.image}
        if self.suffix:
            options["suffix"] = self.suffix
        if self.delimiter != ",":
            options["delimiter"] = self.delimiter
        return options


def seen_tables(listing: Listing) -> list[SeenTable]:
    """The tables in which a column names images of the folder."""
    files = listing.ending(".csv", ".tsv")
    return [table for file in files if (table := _seen(listing, file)) is not None]


def alike(tables: Iterable[SeenTable]) -> list[SeenTable]:
    """The tables that have the columns of the first."""
    first, *rest = tables
    return [first, *(table for table in rest if table.columns == first.columns)]


def splits_of(tables: Sequence[SeenTable]) -> list[str | None]:
    """The split that the path of each table names; None for all unless each has one of its own."""
    splits = [split_of_path(table.file) for table in tables]
    if len(tables) > 1 and None not in splits and len(set(splits)) == len(tables):
        return splits
    return [None] * len(tables)


def tables_option(tables: Sequence[SeenTable]) -> list[dict[str, str]]:
    """The option `tables` of the formats that have several."""
    splits = zip(tables, splits_of(tables), strict=True)
    return [
        {"table": table.file, "images": table.place} | ({"split": split} if split else {})
        for table, split in splits
    ]


def _seen(listing: Listing, file: str) -> SeenTable | None:
    lines = listing.head(file).splitlines()[: _ROWS + 1]
    if len(lines) < 2:
        return None
    delimiter = max(",;\t|", key=lines[0].count)
    cells = [row for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]
    columns = [cell.strip() for cell in cells[0]]
    # RetinaNet's tables: no header, `path,x1,y1,x2,y2,class`
    header = not (len(columns) == 6 and listing.folder_of([columns[0]], file)[1])
    if not header:
        columns = ["filename", "xmin", "ymin", "xmax", "ymax", "class"]
    rows = [dict(zip(columns, row, strict=False)) for row in cells[1 if header else 0 :]]
    best: tuple[int, str, str, str] = (0, "", ".", "")
    for column in columns:
        names = list(dict.fromkeys(filter(None, (row.get(column, "").strip() for row in rows))))
        place, found = listing.folder_of(names, file)
        suffix = ""
        if not found and not all(name.replace(".", "").isdigit() for name in names):
            place, found = listing.folder_named_as([f"{name}.csv" for name in names], ".")
            suffix = _suffix_of(listing, names, place)
        best = max(best, (found, column, place, suffix), key=lambda each: each[0])
    found, image, place, suffix = best
    if not found:
        return None
    return SeenTable(file, delimiter, tuple(columns), tuple(rows), image, place, suffix, header)


def _suffix_of(listing: Listing, names: Sequence[str], place: str) -> str:
    """What names without suffix lack to be names of images."""
    here = {(PurePosixPath(place) / name).as_posix() for name in names}
    found = (PurePosixPath(file) for file in listing.images)
    return next((path.suffix for path in found if path.with_suffix("").as_posix() in here), "")
