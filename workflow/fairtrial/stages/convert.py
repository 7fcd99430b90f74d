"""Turn any format into the one interchange, with clean images and a quality report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fairtrial import DataError, checksums, dataset, defects, folders, imagefile
from fairtrial.dataset import Annotation, Dataset, Image
from fairtrial.defects import Defect
from fairtrial.imagefile import Checked
from fairtrial.plugins import plugin
from fairtrial.threads import map_in_order


class Settings(BaseModel):
    """What config/sources/<name>.yaml says about the annotations of a source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: str  # a module of formats/
    options: dict[str, Any] = Field(default_factory=dict)  # that format's own Settings
    max_dropped: float = Field(0.05, ge=0, le=1)  # largest share of images that may be dropped


def convert(
    *,
    settings: dict[str, Any],
    raw: Path,
    manifest: Path,
    images: Path,
    annotations: Path,
    quality: Path,
) -> None:
    """Write clean `images`, their `annotations` and the `quality` report of one source.

    `settings`: see Settings. `raw` is only read. Raises ChecksumError if `raw` is not what
    `manifest` names, and DataError if too many images are unusable or nothing is left.
    """
    chosen = Settings(**settings)
    sums = checksums.verify(raw, manifest)
    module = plugin("formats", chosen.format)
    found, faults = module.read(raw, module.Settings(**chosen.options))
    with folders.whole_folder(images) as target:
        checked = _clean_images(found.images, raw, sums, target)
        faults += [fault for one in checked for fault in one.found]
        _refuse_too_many_dropped(found.images, checked, chosen.max_dropped, raw)
        clean = _assemble(found, checked, faults).canonical()
        _refuse_empty(clean, raw)
    dataset.write(clean, annotations)
    dataset.write_json(quality, _report(clean, faults))


def _clean_images(
    images: list[Image], raw: Path, sums: dict[str, str], target: Path
) -> list[Checked]:
    def check(image: Image) -> Checked:
        if image.file_name not in sums:
            return Checked(kept=False, found=[defects.MissingImage(image.file_name)])
        return imagefile.clean(raw, image.file_name, sums[image.file_name], target)

    checked = map_in_order(check, images)
    names = [one.file_name for one in checked if one.kept]
    if len(set(names)) < len(names):
        raise DataError("two images would get one name: one is called <name> and one <name>.png")
    return checked


def _refuse_too_many_dropped(
    images: list[Image], checked: list[Checked], limit: float, raw: Path
) -> None:
    dropped = [str(fault) for one in checked if not one.kept for fault in one.found]
    if len(dropped) > limit * len(images):
        raise DataError(
            f"{raw}: {len(dropped)} of {len(images)} images cannot be used, more than the share of "
            f"{limit:g} that max_dropped allows:\n  " + "\n  ".join(sorted(dropped))
        )


def _assemble(found: Dataset, checked: list[Checked], faults: list[Defect]) -> Dataset:
    """The set of kept images with their true sizes and the boxes that fit them."""
    objects = found.by_image()
    clean = Dataset(categories=found.categories)
    for image, one in zip(found.images, checked, strict=True):
        if not one.kept:
            continue
        stated = (image.width, image.height)
        if all(stated) and stated != (one.width, one.height):
            seen = "{}×{} stated, {}×{} found".format(*stated, one.width, one.height)
            faults.append(defects.SizeMismatch(image.file_name, seen))
        for annotation in objects[image.id]:
            clean.annotations += _fitted(annotation, image, one, found.categories, faults)
        clean.images.append(
            Image(
                image.id,
                one.file_name,
                one.width,
                one.height,
                one.sha256,
                image.group,
                image.split,
            )
        )
    return clean


def _fitted(
    a: Annotation, image: Image, one: Checked, names: dict[int, str], faults: list[Defect]
) -> list[Annotation]:
    if a.bbox is None:
        return [a]
    box, kind = defects.fit(a.bbox, one.width, one.height)
    if kind is not None:
        written = ", ".join(f"{value:g}" for value in a.bbox)
        faults.append(kind(image.file_name, f"{names[a.category_id]} [{written}]"))
    if box is None:
        return []
    # a stated area that the box can hold is that of a segment, and stays
    area = a.area if 0 < a.area < box[2] * box[3] else box[2] * box[3]
    return [Annotation(a.image_id, a.category_id, box, area, a.iscrowd)]


def _refuse_empty(clean: Dataset, raw: Path) -> None:
    if not clean.images:
        raise DataError(f"{raw}: the annotations name no image")
    if not clean.annotations:
        raise DataError(f"{raw}: none of the {len(clean.images)} images has an object")


def _report(clean: Dataset, faults: list[Defect]) -> dict[str, Any]:
    counts = dataset.counts(clean.annotations)
    return {
        "images": len(clean.images),
        "objects": len(clean.annotations),
        "classes": {name: counts.get(i, 0) for i, name in clean.categories.items()},
        "defects": defects.summary(faults),
    }
