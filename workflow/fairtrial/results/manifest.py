"""figures.json: the figures of an experiment, as `plot` draws and `report` prints them."""

from __future__ import annotations

from operator import not_

from pydantic import Field, RootModel

from fairtrial.files.modelfile import FileModel


class FigureEntry(FileModel):
    """One figure. `file` is its SVG, relative to the folder of figures.json; `below`: where a page
    may end within it, the files that follow, from top to bottom, with their SHA-256."""

    file: str
    section: str  # of the report
    title: str
    caption: str
    sha256: str
    below: dict[str, str] = Field(default_factory=dict, exclude_if=not_)

    @property
    def files(self) -> list[str]:
        """All of its files, from top to bottom."""
        return [self.file, *self.below]


class FigureManifest(RootModel[tuple[FigureEntry, ...]]):
    """All figures, in the order in which the report prints them."""
