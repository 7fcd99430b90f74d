"""How a format reads boxes, and what a source sets to have them read in another unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from unicodedata import normalize


@dataclass(frozen=True)
class BoxReading:
    """How boxes are read, and what a source sets to have them read in another unit.

    remedies: a setting by unit; written: what else is to be said, where none is; below: the folder
    of the images that it is about, relative to the raw folder; "" for all.
    """

    remedies: Mapping[str, str] = field(default_factory=dict)
    written: str = ""
    below: str = ""

    def is_about(self, file: str) -> bool:
        """Whether an image is read so."""
        below = normalize("NFC", f"{self.below}/")  # as systems write accents in two ways
        return not self.below or normalize("NFC", file).startswith(below)

    def remedy(self, unit: str) -> str:
        """What would be right where boxes are in this unit."""
        part = f"for {self.below}, " if self.below else ""
        if unit in self.remedies:
            return f"{part}set `{self.remedies[unit]}` if they are"
        reads = (
            f"the format reads {self.written}"
            if self.written
            else "the format has no option for it"
        )
        return f"{part}mend the annotations, for {reads}"
