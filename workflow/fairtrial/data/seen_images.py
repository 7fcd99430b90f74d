"""Whether the images of a set are still those that `convert` wrote.

The annotations have the SHA-256 of each image. To read all images before every training would take
long, so a file whose content was checked once is known again by its size, time of change and inode:

    store/images/<source>.json

Where these are others, as after a checkout of DVC, or the record is missing, the content decides,
and the record is renewed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from pydantic import Field

from fairtrial import DataError
from fairtrial.data.dataset import Image, SplitDataset
from fairtrial.files import checksums, packed
from fairtrial.files.folders import folder_lock
from fairtrial.files.modelfile import FileModel, read_model, write_model
from fairtrial.store import entries

KEPT = 8  # files that are remembered for an image: a store may serve several copies of a project
_MOST_LISTED = 10

Files = Mapping[str, str]  # name of an image → SHA-256, size, time of change (ns), inode


class SeenImages(FileModel):
    """store/images/<source>.json. Of each image the files that had its content, the last one last:
    SHA-256, size, time of change (ns) and inode."""

    images: dict[str, list[str]] = Field(default_factory=dict)


def with_unchanged_images(data: SplitDataset) -> SplitDataset:
    """The same set, if its images are those that `convert` wrote.

    Of several processes on one machine one at a time reads images. Raises DataError that lists the
    images that are missing or changed.
    """
    used = {number for ids in data.splits.values() for number in ids}
    images = [image for image in data.dataset.images if image.id in used]
    record = entries.root() / "images" / f"{data.folder.parent.name}.json"
    if not _unseen(images, _files(data.folder, images), _read(record)):
        return data
    with ExitStack() as held:
        with suppress(OSError):  # a store that cannot be written
            held.enter_context(folder_lock(record.parent))
        seen, files = _read(record), _files(data.folder, images)  # another process had its turn
        unseen = _unseen(images, files, seen)
        if wrong := changed(data.folder, unseen):
            raise DataError(_message(data.folder, wrong, len(images)))
        with suppress(OSError):
            write_model(record, _renewed(seen, {image.file_name for image in unseen}, files))
    return data


def _files(folder: Path, images: Iterable[Image]) -> Files:
    """The file of each image that is there, as it stands in the record."""
    stats: dict[Path, str] = {}  # of shards, which hold many images
    files = {}
    for image in images:
        path = packed.file_of(folder, image.file_name)
        if path not in stats:
            with suppress(FileNotFoundError):
                stat = path.stat()
                stats[path] = f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"
        if path in stats:
            files[image.file_name] = f"{image.sha256} {stats[path]}"
    return files


def _read(record: Path) -> SeenImages:
    """The record; an empty one where there is none that can be read."""
    try:
        return read_model(record, SeenImages)
    except (DataError, OSError):
        return SeenImages()


def _unseen(images: Iterable[Image], files: Files, seen: SeenImages) -> list[Image]:
    """The images of which the content has to be looked at."""
    known = seen.images
    return [i for i in images if files.get(i.file_name) not in known.get(i.file_name, ())]


def changed(folder: Path, images: Sequence[Image]) -> list[str]:
    """The names of the images whose content is not the one that the annotations state."""
    expected = {image.file_name: image.sha256 for image in images}
    in_shards = [name for name in expected if packed.is_packed(name)]
    alone = [name for name in expected if not packed.is_packed(name)]
    wrong = checksums.changed(folder, expected, alone)
    return wrong + [name for name in in_shards if _packed_sha256(folder, name) != expected[name]]


def _packed_sha256(folder: Path, name: str) -> str:
    try:
        return hashlib.sha256(packed.pixels(folder, name).tobytes()).hexdigest()
    except DataError:  # the shard is missing, cut or no shard
        return ""


def _renewed(seen: SeenImages, names: Iterable[str], files: Files) -> SeenImages:
    new = {name: [*seen.images.get(name, [])[1 - KEPT :], files[name]] for name in names}
    return SeenImages(images=seen.images | new)


def _message(folder: Path, wrong: list[str], total: int) -> str:
    there = {name for name in wrong if packed.file_of(folder, name).exists()}
    lines = [f"  {name}: {'changed' if name in there else 'missing'}" for name in wrong]
    if len(lines) > _MOST_LISTED:
        lines[_MOST_LISTED:] = [f"  … and {len(lines) - _MOST_LISTED} more"]
    source = folder.parent.name
    listed = "\n".join(lines)
    return (
        f"{folder}: {len(wrong)} of {total} images are not those that `convert` wrote:\n{listed}\n"
        f"`snakemake --forcerun {folder.parent}/annotations.json` writes the folder anew from "
        f"data/raw/{source}; what was trained before stays valid. If that says that a raw file was "
        f"changed, too: `snakemake --forcerun data/raw/{source}.sha256`"
    )
