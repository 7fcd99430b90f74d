"""convert: one source in the interchange format, with clean images and a quality report."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairtrial import DataError
from fairtrial.data import dataset
from fairtrial.data.clean_images import write_images
from fairtrial.data.copies import Copies, decisions
from fairtrial.data.dataset import Dataset
from fairtrial.data.defect_actions import Actions, listed
from fairtrial.data.defects import Defect
from fairtrial.data.losses import annotated_total, leave_out, refuse_too_many, with_lost_objects
from fairtrial.data.objects import counted
from fairtrial.data.quality import log_lines, report
from fairtrial.data.raw_files import not_read
from fairtrial.data.raw_folder import RawFolder
from fairtrial.data.repair import repair_annotations
from fairtrial.data.source_ids import source_ids as ids_of_source
from fairtrial.files import folders
from fairtrial.files.modelfile import write_model
from fairtrial.formats._sources import other_units, read_source, stated_units
from fairtrial.settings.stages import ConvertSettings


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
    files = RawFolder.verified(raw, manifest)
    annotated, defects = read_source(settings, raw, files.sha256)
    skipped = not_read(raw, files.sha256, annotated, settings.exclude)
    defects += stated_units(settings, annotated)
    actions.refuse(defects, str(raw))  # before hours of decoding
    read, total = len(annotated.images), annotated_total(annotated, defects, actions)
    leave_out(annotated, defects, actions)
    with folders.whole_folder(images) as target:
        checked = write_images(annotated, files, target, actions)
        names = [image.file_name for image in annotated.images]
        named = list(zip(names, checked, strict=True))
        defects += [defect for image in checked for defect in image.defects]
        defects += other_units(settings, annotated, checked)
        actions.refuse(defects, str(raw))
        lost = with_lost_objects(defects, actions)
        repaired = repair_annotations(annotated, checked, actions, settings.drawn_on, lost)
        defects += repaired.defects
        for image in repaired.dropped:
            (target / image.file_name).unlink()
        actions.refuse(defects, str(raw))
        decided = decisions(settings.same, settings.different, files, named, repaired.dataset)
        found = Copies(target, checked, decided)
        whole = repaired.dataset.canonical()
        del annotated.annotations[:], repaired.dataset.annotations[:]  # room for finding copies
        clean, copies, contradicting = found.without_contradictions(whole, actions, str(raw))
        defects += contradicting
        refuse_too_many(defects, total, actions, settings.max_dropped, str(raw))
        _refuse_empty(clean, defects, raw)
    write_model(duplicates, copies)
    own_files = {file.file_name: name for name, file in named if file.is_kept}
    write_model(source_ids, ids_of_source(clean, own_files, annotated.own_ids))
    dataset.write(clean, annotations)
    content = report(clean, defects, actions, read, skipped)
    _print_classes(clean)
    print(*log_lines(content), sep="\n")
    write_model(quality, content)


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
