"""Turn any format into the one interchange, with clean images and a quality report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fairtrial import DataError
from fairtrial.data import dataset, imagefile
from fairtrial.data.dataset import Dataset, Image
from fairtrial.data.defect_actions import Actions, listed
from fairtrial.data.defects import Defect, LabelWithoutImage, MissingImage, UnannotatedImage
from fairtrial.data.duplicate_search import find_duplicates, thumbnail
from fairtrial.data.imagefile import Checked
from fairtrial.data.packed_dataset import PackedDataset
from fairtrial.data.quality import report
from fairtrial.data.repair import repair_annotations
from fairtrial.files import checksums, folders, packed
from fairtrial.files.modelfile import write_model
from fairtrial.files.threads import map_in_order
from fairtrial.plugins import plugin
from fairtrial.settings.stages import ConvertSettings


def convert(
    *,
    settings: ConvertSettings,
    raw: Path,
    manifest: Path,
    images: Path,
    annotations: Path,
    quality: Path,
    duplicates: Path,
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

    Raises:
        ChecksumError: `raw` is not what `manifest` names
        DataError: a defect is to be refused, too many images are unusable, or none is left
    """
    actions = Actions(settings.defects)
    files = _Raw.verified(raw, manifest)
    module = plugin("formats", settings.format)
    found, faults = module.read(raw, module.Settings(**settings.options))
    _refuse_twice(found.images)
    actions.refuse(faults, str(raw))  # before hours of decoding
    total = len(found.images) + sum(_annotated(fault) for fault in faults)
    _leave_out(found, faults, actions)
    with folders.whole_folder(images) as target:
        if isinstance(found, PackedDataset):
            checked = _write_packed(found, target)
        else:
            checked = _clean_images(found.images, files, target, actions)
        mended = repair_annotations(found, checked, actions, settings.drawn_on)
        faults += [fault for one in checked for fault in one.found] + mended.found
        for one in mended.dropped:
            (target / one.file_name).unlink()
        actions.refuse(faults, str(raw))
        _refuse_too_many_dropped(faults, total, actions, settings.max_dropped, raw)
        clean = mended.set.canonical()
        _refuse_empty(clean, raw)
    thumbnails = {image.file_name: image.thumbnail for image in checked}
    contents = {image.file_name: image.sha256 for image in clean.images}
    write_model(duplicates, find_duplicates(contents, thumbnails))
    dataset.write(clean, annotations)
    _print_classes(clean)
    write_model(quality, report(clean, faults, actions))


@dataclass(frozen=True)
class _Raw:
    """The raw folder of a source, and what its manifest says of each file."""

    folder: Path
    manifest: Path
    sums: dict[str, str]

    @classmethod
    def verified(cls, folder: Path, manifest: Path) -> _Raw:
        """All but images are checked now; those are read, and checked, while they are cleaned."""
        sums = checksums.read_manifest(manifest)
        wrong = checksums.changed(folder, sums, [name for name in sums if not _is_image(name)])
        wrong += [name for name in sums if _is_image(name) and not (folder / name).is_file()]
        raw = cls(folder, manifest, sums)
        raw.refuse(wrong)
        return raw

    def refuse(self, wrong: list[str]) -> None:
        checksums.refuse_changed(self.folder, self.manifest, wrong, len(self.sums))


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in imagefile.SUFFIXES


def _refuse_twice(images: list[Image]) -> None:
    seen: set[str] = set()
    for image in images:
        if image.file_name in seen:
            raise DataError(f"{image.file_name} stands in the annotations twice")
        seen.add(image.file_name)


def _annotated(fault: Defect) -> int:
    """What a reader's defect adds to the number of images that somebody annotated."""
    return isinstance(fault, LabelWithoutImage) - isinstance(fault, UnannotatedImage)


def _leave_out(found: Dataset, faults: list[Defect], actions: Actions) -> None:
    """Take out the images that are to be dropped for what the reader saw."""
    names = {fault.where for fault in faults if actions.drops(type(fault))}
    found.images = [image for image in found.images if image.file_name not in names]
    kept = {image.id for image in found.images}
    found.annotations = [a for a in found.annotations if a.image_id in kept]


def _clean_images(images: list[Image], raw: _Raw, target: Path, actions: Actions) -> list[Checked]:
    for folder in {Path(image.file_name).parent for image in images}:
        (target / folder).mkdir(parents=True, exist_ok=True)

    def check(image: Image) -> Checked:
        digest = raw.sums.get(image.file_name)
        if digest is None:
            return Checked(found=[MissingImage(image.file_name)])
        return imagefile.clean(raw.folder, image.file_name, digest, target, actions)

    checked = map_in_order(check, images)
    raw.refuse([i.file_name for i, one in zip(images, checked, strict=True) if one.changed])
    names = [one.file_name for one in checked if one.kept]
    if len(set(names)) < len(names):
        raise DataError("two images would get one name: one is called <name> and one <name>.png")
    return checked


def _write_packed(found: PackedDataset, target: Path) -> list[Checked]:
    """Images that came as arrays have nothing that could be wrong with a file."""
    from PIL.Image import fromarray

    digests: dict[str, str] = {}
    for shard, pixels in found.shards.items():
        digests |= packed.write(target, shard, pixels)
    return [
        Checked(
            kept=True,
            file_name=image.file_name,
            size=(image.width, image.height),
            sha256=digests[image.file_name],
            thumbnail=thumbnail(fromarray(packed.pixels(target, image.file_name))),
        )
        for image in found.images
    ]


def _refuse_too_many_dropped(
    faults: Iterable[Defect], total: int, actions: Actions, limit: float, raw: Path
) -> None:
    """`total`: the images that the annotations name, and labels without image beside them."""
    dropped: dict[str, Defect] = {}
    for fault in sorted(faults, key=str):
        if actions.of(type(fault)) == "drop_image" and not isinstance(fault, UnannotatedImage):
            dropped.setdefault(fault.where, fault)
    if len(dropped) > limit * total:
        raise DataError(
            f"{raw}: {len(dropped)} of {total} images cannot be used, more than the share of "
            f"{limit:g} that max_dropped allows:\n"
            + listed(f"{fault} ({fault.name})" for fault in dropped.values())
        )


def _refuse_empty(clean: Dataset, raw: Path) -> None:
    if not clean.images:
        raise DataError(f"{raw}: the annotations name no image")
    if not clean.annotations:
        raise DataError(f"{raw}: none of the {len(clean.images)} images has an object")


def _print_classes(clean: Dataset) -> None:
    for number, name in clean.categories.items():
        print(f"class {', '.join(clean.origins[number])} of the source is {number} {name}")
