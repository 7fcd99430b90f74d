"""convert: one source in the interchange format, with clean images and a quality report."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial import DataError
from fairtrial.data import dataset, imagefile
from fairtrial.data.box_reading import BoxReading
from fairtrial.data.box_units import wrong_units
from fairtrial.data.boxes import Size
from fairtrial.data.contradictions import contradictions, left_out
from fairtrial.data.dataset import Dataset, Image
from fairtrial.data.defect_actions import Actions, listed
from fairtrial.data.defects import Defect, MissingImage
from fairtrial.data.duplicate_search import find_duplicates, thumbnail
from fairtrial.data.duplicates import Decisions, Duplicates
from fairtrial.data.imagefile import CheckedImage
from fairtrial.data.losses import (
    annotated_total,
    exclude,
    leave_out,
    refuse_too_many,
    with_lost_objects,
)
from fairtrial.data.objects import counted
from fairtrial.data.packed_dataset import PackedDataset
from fairtrial.data.quality import log_lines, report
from fairtrial.data.raw_files import FileIndex, has_image_suffix, not_read
from fairtrial.data.repair import Repaired, repair_annotations
from fairtrial.data.source_ids import source_ids as ids_of_source
from fairtrial.files import checksums, folders, packed
from fairtrial.files.modelfile import write_model
from fairtrial.files.progress import progress
from fairtrial.files.threads import map_in_order
from fairtrial.formats._readings import readings
from fairtrial.formats._split_sources import read_split_folders
from fairtrial.plugins import plugin
from fairtrial.settings.stages import ConvertSettings

SMALL = 8_000  # bytes of an image, below which threads take longer than one after the other

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@contextmanager
def _no_full_collections() -> Iterator[None]:
    """Let the garbage collector look at new objects only: millions are made here that stay."""
    before = gc.get_threshold()
    gc.set_threshold(*before[:2], 1_000_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@_no_full_collections()
def convert(
    *,
    settings: ConvertSettings,
    raw: Path,
    manifest: Path,
    images: Path,
    annotations: Path,
    quality: Path,
    duplicates: Path,
    source_ids: Path,
) -> None:
    """Convert one source to the interchange format, and report its defects.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        raw: the source's raw files; only read
        manifest: the SHA-256 of each file of `raw`
        images: folder to write: the usable images
        annotations: file to write: their annotations, as COCO
        quality: file to write: every defect, and what was done about it
        duplicates: file to write: copies and near duplicates
        source_ids: file to write: how the source itself names images and classes

    Raises:
        ChecksumError: `raw` is not what `manifest` names
        DataError: a defect is to be refused, too many images are unusable, or none is left
    """
    actions = Actions(settings.defects)
    files = _RawFolder.verified(raw, manifest)
    annotated, defects = _read(settings, raw)
    defects = exclude(annotated, defects, settings.exclude)
    skipped = not_read(raw, files.sha256, annotated, settings.exclude)
    defects += _wrong_units(settings, annotated, _stated_sizes(annotated))
    actions.refuse(defects, str(raw))  # before hours of decoding
    read, total = len(annotated.images), annotated_total(annotated, defects, actions)
    leave_out(annotated, defects, actions)
    with folders.whole_folder(images) as target:
        if isinstance(annotated, PackedDataset):
            checked = _write_packed(annotated, target)
        else:
            checked = _clean_images(annotated.images, files, target, actions)
        defects += [defect for image in checked for defect in image.defects]
        defects += _wrong_units(settings, annotated, _other_sizes(annotated, checked))
        actions.refuse(defects, str(raw))
        lost = with_lost_objects(defects, actions)
        repaired = repair_annotations(annotated, checked, actions, settings.drawn_on, lost)
        defects += repaired.defects
        for image in repaired.dropped:
            (target / image.file_name).unlink()
        actions.refuse(defects, str(raw))
        found = _Copies(target, checked, _decisions(settings, files, annotated, checked, repaired))
        whole = repaired.dataset.canonical()
        del annotated.annotations[:], repaired.dataset.annotations[:]  # room for finding copies
        clean, copies, contradicting = found.without_contradictions(whole, actions, str(raw))
        defects += contradicting
        refuse_too_many(defects, total, actions, settings.max_dropped, str(raw))
        _refuse_empty(clean, defects, raw)
    write_model(duplicates, copies)
    pairs = zip(annotated.images, checked, strict=True)
    own_files = {file.file_name: image.file_name for image, file in pairs if file.is_kept}
    write_model(source_ids, ids_of_source(clean, own_files, annotated.own_ids))
    dataset.write(clean, annotations)
    content = report(clean, defects, actions, read, skipped)
    _print_classes(clean)
    print(*log_lines(content), sep="\n")
    write_model(quality, content)


def _read(settings: ConvertSettings, raw: Path) -> tuple[Dataset, list[Defect]]:
    module = plugin("formats", settings.format)
    read: tuple[Dataset, list[Defect]]
    if settings.splits is None:
        read = module.read(raw, module.Settings(**settings.options))
    else:
        places = dict[str, str](settings.splits.items())
        read = read_split_folders(module, raw, settings.options, places)
    _refuse_equal_names(read[0].images)
    return read


def _readings(settings: ConvertSettings) -> list[BoxReading]:
    """How the boxes of the source are read."""
    of_folder = readings(settings.format, settings.options)
    if settings.splits is None or not any(reading.below for reading in of_folder):
        return of_folder
    places = [place for _, place in settings.splits.items()]
    return [replace(r, below=f"{place}/{r.below}") for place in places for r in of_folder]


def _wrong_units(
    settings: ConvertSettings, annotated: Dataset, sizes: dict[int, Size]
) -> list[Defect]:
    ways = _readings(settings)
    return [defect for reading in ways for defect in wrong_units(annotated, sizes, reading)]


class _Copies:
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


def _decisions(
    settings: ConvertSettings,
    raw: _RawFolder,
    annotated: Dataset,
    checked: list[CheckedImage],
    repaired: Repaired,
) -> Decisions:
    """What a person has said of pairs of files, by the names of their clean files."""
    kept = {image.file_name for image in repaired.dataset.images}
    names = dict.fromkeys(raw.sha256, "")
    for image, file in zip(annotated.images, checked, strict=True):
        names[image.file_name] = file.file_name if file.file_name in kept else ""
    names |= {name: name for name in kept}
    return Decisions.of(settings.same, settings.different, names, str(raw.folder))


@dataclass(frozen=True)
class _RawFolder:
    """The raw folder of a source, and the SHA-256 of each file that its manifest names."""

    folder: Path
    manifest: Path
    sha256: dict[str, str]

    @classmethod
    def verified(cls, folder: Path, manifest: Path) -> _RawFolder:
        """Raise ChecksumError unless the files are those of the manifest.

        Of images only their presence is checked here, their content when they are cleaned: so
        each is read once.
        """
        expected = checksums.read_manifest(manifest)
        images = {name for name in expected if has_image_suffix(name)}
        others = [name for name in expected if name not in images]
        wrong = checksums.changed(folder, expected, others)
        wrong += [n for n in expected if n in images and not (folder / n).is_file()]
        raw = cls(folder, manifest, expected)
        raw.refuse(wrong)
        return raw

    def meant(self, names: Iterable[str]) -> dict[str, str]:
        """What is there instead of each of the files that are not there."""
        missing = [name for name in names if name not in self.sha256]
        index = FileIndex(self.sha256) if missing else None
        there = {name: index.meant(name) if index else [] for name in missing}
        return {name: f"there is {', '.join(f[:3])}" if f else "" for name, f in there.items()}

    def refuse(self, wrong: list[str]) -> None:
        """Raise ChecksumError if any of the files is wrong."""
        checksums.refuse_changed(self.folder, self.manifest, wrong, len(self.sha256))


def _refuse_equal_names(images: list[Image]) -> None:
    seen: set[str] = set()
    for image in images:
        if image.file_name in seen:
            raise DataError(f"{image.file_name} stands in the annotations twice")
        seen.add(image.file_name)


def _stated_sizes(annotated: Dataset) -> dict[int, Size]:
    """Width and height of all images, by id, as the annotations state them; 0 where they do not."""
    return {image.id: (image.width, image.height) for image in annotated.images}


def _other_sizes(annotated: Dataset, checked: list[CheckedImage]) -> dict[int, Size]:
    """Width and height of the images of which the annotations state none, by id; without those
    that are turned."""
    pairs = zip(annotated.images, checked, strict=True)
    return {
        image.id: file.size
        for image, file in pairs
        if file.is_kept and file.orientation == 1 and not (image.width or image.relative)
    }


def _clean_images(
    images: list[Image], raw: _RawFolder, target: Path, actions: Actions
) -> list[CheckedImage]:
    """Write the clean image files into `target`; returns the result of each image, in order.

    Raises ChecksumError where a file is not the one of the manifest, DataError where two images
    would get one name.
    """
    for folder in {Path(image.file_name).parent for image in images}:
        (target / folder).mkdir(parents=True, exist_ok=True)

    # What Pillow says of metadata stands in no relation to an image; what is wrong is a defect.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    meant = raw.meant([image.file_name for image in images])
    with progress("images", len(images)) as advance:

        def check(image: Image) -> CheckedImage:
            name = image.file_name
            if name not in raw.sha256:
                checked = CheckedImage(defects=[MissingImage(name, meant[name])])
            else:
                sha256 = raw.sha256[name]
                checked = imagefile.clean_image(raw.folder, name, sha256, target, actions)
            advance()
            return checked

        if _are_small(raw, images):
            checked = [check(image) for image in images]
        else:
            checked = map_in_order(check, images)
    pairs = zip(images, checked, strict=True)
    raw.refuse([image.file_name for image, result in pairs if result.changed])
    names = [result.file_name for result in checked if result.is_kept]
    if len(set(names)) < len(names):
        raise DataError("two images would get one name: one is called <name> and one <name>.png")
    return checked


def _are_small(raw: _RawFolder, images: list[Image]) -> bool:
    """Whether images, judged by some of them, are so small that threads would wait for each other
    longer than they work: of each image nearly all is Python's own work, one thread at a time."""
    some = images[:: max(1, len(images) // 100)]
    sizes = [(raw.folder / i.file_name).stat().st_size for i in some if i.file_name in raw.sha256]
    return sum(sizes) < SMALL * len(sizes)


def _write_packed(annotated: PackedDataset, target: Path) -> list[CheckedImage]:
    """Write images that came as arrays as packed files (shards); such images have no defects."""
    from PIL.Image import fromarray

    digests: dict[str, str] = {}
    for shard, pixels in annotated.shards.items():
        digests |= packed.write(target, shard, pixels)
    return [
        CheckedImage(
            is_kept=True,
            file_name=image.file_name,
            size=(image.width, image.height),
            sha256=digests[image.file_name],
            thumbnail=thumbnail(fromarray(packed.pixels(target, image.file_name))),
        )
        for image in annotated.images
    ]


def _refuse_empty(clean: Dataset, defects: list[Defect], raw: Path) -> None:
    found = "\n" + listed(f"{defect} ({defect.name})" for defect in defects) if defects else ""
    if not clean.images:
        raise DataError(f"{raw}: the annotations name no image{found}")
    if not counted(clean.annotations):
        only = ""
        if crowds := len(clean.annotations):
            only = f"; all {crowds} annotations are crowd regions, which count neither way"
        count = len(clean.images)
        raise DataError(f"{raw}: none of the {count} images has an object{only}{found}")


def _print_classes(clean: Dataset) -> None:
    for number, name in clean.categories.items():
        print(f"class {', '.join(clean.origins[number])} of the source is {number} {name}")
