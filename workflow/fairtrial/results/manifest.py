"""figures.json: the figures of an experiment, as `plot` draws and `report` prints them."""

from __future__ import annotations

from pydantic import RootModel

from fairtrial.files.modelfile import FileModel


class FigureEntry(FileModel):
    """One figure. `file` is its SVG, relative to the folder of figures.json."""

    file: str
    section: str  # of the report
    title: str
    caption: str
    sha256: str


class FigureManifest(RootModel[tuple[FigureEntry, ...]]):
    """All figures, in the order in which the report prints them."""
