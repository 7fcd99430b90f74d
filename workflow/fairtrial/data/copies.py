"""The copies among the clean images of a source, without those that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial.data import imagefile
from fairtrial.data.contradictions import contradictions, left_out
from fairtrial.data.dataset import Dataset, Image
from fairtrial.data.defect_actions import Actions
from fairtrial.data.defects import Defect
from fairtrial.data.duplicate_search import find_duplicates
from fairtrial.data.duplicates import Decisions, Duplicates, Pair
from fairtrial.data.imagefile import CheckedImage
from fairtrial.data.raw_folder import RawFolder
from fairtrial.files import packed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Copies:
    """The copies among the clean images of a folder."""

    def __init__(self, folder: Path, checked: list[CheckedImage], decisions: Decisions) -> None:
        self.folder, self.decisions = folder, decisions
        self.thumbnails = {image.file_name: image.thumbnail for image in checked}

    def without_contradictions(
        self, clean: Dataset, actions: Actions, where: str
    ) -> tuple[Dataset, Duplicates, list[Defect]]:
        """The set without the copies that are dropped because their labels contradict those of
        others, whose files are removed; the copies in it; and the defects.

        Raises DataError, naming `where`, where such labels are to be refused.
        """
        copies = self._among(clean.images)
        found = contradictions(clean, copies, self.thumbnails)
        defects: list[Defect] = [defect for of_one in found for defect in of_one.defects]
        actions.refuse(defects, where)
        dropped = left_out(found, actions)
        if not dropped:
            return clean, copies, defects
        for file in dropped:
            packed.file_of(self.folder, file).unlink()
        kept = [image.id for image in clean.images if image.file_name not in dropped]
        left = clean.on_images(kept)
        left.origins = clean.origins
        return left.canonical(), self._among(left.images), defects

    def _among(self, images: list[Image]) -> Duplicates:
        def pixels(file: str) -> NDArray[np.uint8]:
            return imagefile.pixels(self.folder, file)

        contents = {image.file_name: image.sha256 for image in images}
        return find_duplicates(contents, self.thumbnails, self.decisions, pixels)


def decisions(
    same: Sequence[Pair],
    different: Sequence[Pair],
    raw: RawFolder,
    clean_names: Iterable[tuple[str, CheckedImage]],
    kept: Dataset,
) -> Decisions:
    """What a person has said of pairs of files, by the names of their clean files.

    clean_names: each image's own file, and what became of it; kept: the set of those that stay.
    """
    stay = {image.file_name for image in kept.images}
    names = dict.fromkeys(raw.sha256, "")
    for own, file in clean_names:
        names[own] = file.file_name if file.file_name in stay else ""
    names |= {name: name for name in stay}
    return Decisions.of(same, different, names, str(raw.folder))
