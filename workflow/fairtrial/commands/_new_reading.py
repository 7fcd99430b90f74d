"""What `new` sees in a folder: by which formats it can be read, and what is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fairtrial import DataError
from fairtrial.commands._new_contributions import contributions
from fairtrial.data.dataset import SPLITS, Dataset
from fairtrial.data.defects import Defect, LabelWithoutImage, UnannotatedImage
from fairtrial.files.text import counted
from fairtrial.formats._recognition import Likeness, Listing
from fairtrial.plugins import plugin, plugins

_VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")
_WEIGHTS = (".pt", ".pth", ".onnx", ".safetensors", ".weights", ".h5")
_MOST_NAMES = 12  # classes in one line


@dataclass(frozen=True)
class Reading:
    """A folder, read by a format: the set and the defects that the format sees."""

    dataset: Dataset
    defects: list[Defect]
    missing: int  # images that are named and not there

    @property
    def objects(self) -> Counter[str]:
        """Objects by class, those that can be scored."""
        categories = self.dataset.categories
        rows = self.dataset.annotations
        return Counter(categories[row.category_id] for row in rows if not row.iscrowd)

    @property
    def without_image(self) -> int:
        """Label files whose image is not there."""
        return sum(isinstance(defect, LabelWithoutImage) for defect in self.defects)

    def lines(self) -> list[str]:
        """What is in the folder, a line each: images, objects, splits, groups, defects."""
        images, crowds = self.dataset.images, sum(a.iscrowd for a in self.dataset.annotations)
        objects = self.objects
        what = "classes of images" if self.dataset.task == "classify" else "objects"
        names = [f"{name} {objects[name]}" for name in self.dataset.categories.values()]
        more = " …" if len(names) > _MOST_NAMES else ""
        head = f"{counted(len(images), 'image')}, {objects.total()} {what}"
        if crowds:
            head += f" and {counted(crowds, 'crowd region')}"
        lines = [f"{head}; {len(names)} classes: {', '.join(names[:_MOST_NAMES])}{more}"]
        splits = Counter(image.split for image in images if image.split)
        stated = ", ".join(f"{split} {splits[split]}" for split in SPLITS if splits[split])
        groups = {image.group for image in images} - {None}
        lines.append(f"splits: {stated or 'none given'}")
        lines.append(f"groups: {len(groups) or 'none given'}")
        unit = "shares of width and height" if images[0].relative else "pixels"
        if self.dataset.task == "detect":
            lines.append(f"boxes in {unit}")
        if self.missing:
            lines.append(f"{counted(self.missing, 'image')} named and not there")
        kinds = Counter(type(defect) for defect in self.defects)
        lines += [
            f"{n} × {kind.name}: {kind.explanation}"
            for kind, n in sorted(kinds.items(), key=lambda item: item[0].name)
        ]
        return lines


def recognised(listing: Listing) -> dict[str, Likeness]:
    """What each format sees in the folder, by its name; formats that see nothing are left out.
    Where several people have handed in a folder each, in several formats, that is all."""
    found = _by_format(listing)
    if len(found) > 1 and (joined := contributions(listing, _by_format)) is not None:
        return {"contributors": joined}
    return found


def _by_format(listing: Listing) -> dict[str, Likeness]:
    """What each format sees in a folder that is one data set."""
    found: dict[str, Likeness] = {}
    for name in plugins("formats"):
        recognise = getattr(plugin("formats", name), "recognise", None)
        likeness = recognise(listing) if recognise is not None else None
        if likeness is not None:
            found[name] = likeness
    return found


def read_as(name: str, likeness: Likeness, listing: Listing, place: Path) -> Reading:
    """The folder, read by a format with the options that it recognised.

    Raises DataError where that fails, and where no image or no object is there.
    """
    module = plugin("formats", name)
    try:
        dataset, defects = module.read(listing.folder, module.Settings(**likeness.options))
    except DataError as error:
        raise DataError(
            f"{place}: looks like {name} ({likeness.seen}), but cannot be read: {error}"
        ) from error
    here = set(listing.files)
    packed = sum("#" in image.file_name for image in dataset.images)
    missing = sum(image.file_name not in here for image in dataset.images) - packed
    if not dataset.images or missing == len(dataset.images):
        named = f"none of its {len(dataset.images) or len(defects)} images is there"
        raise DataError(f"{place}: looks like {name} ({likeness.seen}), but {named}")
    if not dataset.annotations:
        raise DataError(f"{place}: looks like {name} ({likeness.seen}), but has no object")
    return Reading(dataset, defects, missing)


def plain_answer(listing: Listing, place: Path) -> str:
    """Why a folder is no data set, and what is in it instead."""
    if not listing.files:
        return f"{place}: holds no file"
    videos, weights = listing.ending(*_VIDEOS), listing.ending(*_WEIGHTS)
    facts = []
    if listing.images:
        facts.append(f"{counted(len(listing.images), 'image')} without annotations")
    if videos:
        facts.append(f"{counted(len(videos), 'video')}, of which frames must be taken first")
    if weights:
        facts.append(
            f"{counted(len(weights), 'file')} of weights, which a source without format has"
        )
    if not facts:
        kinds = Counter(PurePosixPath(file).suffix or "no suffix" for file in listing.files)
        facts.append(", ".join(f"{number} × {kind}" for kind, number in kinds.most_common(5)))
    known = ", ".join(name for name in plugins("formats") if name != "contributors")
    answer = f"{place}: is no data set that any format recognises: {'; '.join(facts)}."
    if within := _within(listing):
        return f"{answer} But a folder in it may be one:\n" + "\n".join(within)
    return f"{answer} Annotations are looked for in these formats: {known}"


def _within(listing: Listing) -> list[str]:
    """Folders of the folder that look like a data set, as commands."""
    tops = sorted({file.partition("/")[0] for file in listing.files if "/" in file})
    lines = []
    for top in tops[:20]:
        found = recognised(Listing(listing.folder / top))
        lines += [
            f"  fairtrial new {listing.folder / top}   ({name}: {likeness.seen})"
            for name, likeness in found.items()
        ]
    return lines


def unannotated(defects: Sequence[Defect]) -> int:
    """The number of images of which no label tells anything."""
    return sum(isinstance(defect, UnannotatedImage) for defect in defects)
