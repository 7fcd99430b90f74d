"""How Pascal VOC is recognised: XML files of images, and what their coordinates mean."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from fairtrial.data.dataset import SPLITS
from fairtrial.formats._numbers import number_or_nan
from fairtrial.formats._recognition import (
    Likeness,
    Listing,
    augmented_group,
    by_split,
    common_folder,
    holding,
)


def likeness(listing: Listing) -> Likeness | None:
    """XML files with <annotation>, and the folder whose images are named as they are."""
    files = listing.ending(".xml")
    heads = listing.text_of(files)
    if not heads or not all(re.search(r"<annotation[\s>]", head) for head in heads):
        return None
    base = common_folder(files)
    images, found = listing.folder_named_as(files, base)
    options: dict[str, object] = {"annotations": base, "images": images if found else base}
    stems = {PurePosixPath(file).relative_to(base).with_suffix("").as_posix() for file in files}
    sets = [
        folder
        for folder in holding(listing.ending(".txt"))
        if _names_images(listing, folder, stems)
    ]
    if sets:
        options["image_sets"] = sorted(sets, key=lambda name: ("Main" not in name, name))[0]
    elif splits := by_split(holding(listing.images)):
        options["splits"] = splits
    options["coordinates"], note = _coordinates(listing.text_of(files, 2000))
    if group := augmented_group(listing.images):
        options["group"] = group
    seen = f"{len(files)} XML files of Pascal VOC in {base}, {found} of them with an image"
    return Likeness("certain", seen, options, (note,))


def _names_images(listing: Listing, folder: str, stems: set[str]) -> bool:
    """Whether the folder has a train.txt or the like that lists nothing but these images."""
    files = {PurePosixPath(folder, f"{split}.txt").as_posix() for split in SPLITS}
    texts = [listing.head(file)[:2000] for file in files & set(listing.files)]
    names = [line.strip() for text in texts for line in text.splitlines()[:20] if line.strip()]
    return bool(names) and set(names) <= stems


def _coordinates(heads: list[str]) -> tuple[str, str]:
    """What coordinates mean, as far as the files tell, and how they tell it."""
    text = "".join(heads)
    least = re.findall(r"<[xy]min>\s*([-+.\deE]+)\s*</", text)
    if any(number_or_nan(value) <= 0 or not number_or_nan(value).is_integer() for value in least):
        return "edges", "coordinates are edges, for some are 0 or fractions, and VOC counts from 1"
    if "The VOC20" in text:
        return "pixels", "coordinates are pixels, for the files say that they are VOC's own"
    return (
        "edges",
        "whether coordinates are edges or pixels (from 1) cannot be told: 1 pixel at most",
    )
