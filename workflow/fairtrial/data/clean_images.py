"""The clean image files of a source: checked, repaired and written."""

from __future__ import annotations

import warnings
from pathlib import Path

from fairtrial import DataError
from fairtrial.data import imagefile
from fairtrial.data.dataset import Dataset, Image
from fairtrial.data.defect_actions import Actions
from fairtrial.data.defects import MissingImage
from fairtrial.data.duplicate_search import thumbnail
from fairtrial.data.imagefile import CheckedImage
from fairtrial.data.packed_dataset import PackedDataset
from fairtrial.data.raw_folder import RawFolder
from fairtrial.files import packed
from fairtrial.files.progress import progress
from fairtrial.files.threads import map_in_order

SMALL = 8_000  # bytes of an image, below which threads take longer than one after the other


def write_images(
    annotated: Dataset, raw: RawFolder, target: Path, actions: Actions
) -> list[CheckedImage]:
    """Write the clean image files of a set into `target`, packed where the images came as arrays.

    Returns the result of each image, in order. Raises ChecksumError where a file is not the one of
    the manifest, DataError where two images would get one name.
    """
    if isinstance(annotated, PackedDataset):
        return _write_packed(annotated, target)
    return _clean_images(annotated.images, raw, target, actions)


def _clean_images(
    images: list[Image], raw: RawFolder, target: Path, actions: Actions
) -> list[CheckedImage]:
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


def _are_small(raw: RawFolder, images: list[Image]) -> bool:
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
