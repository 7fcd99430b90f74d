"""The images of MS COCO that hold some of its classes, up to a number, with their boxes.

The annotations come as COCO's own zip, whose SHA-256 is a setting; the images one by one.
COCO publishes no checksums of images. So each must have the length that the server states, decode
to its end, and have the size that the annotations state.

Which images: those of the rarest class come first (of the classes, the one on the fewest
images), then those of the next, and so on; images of one class stand in the order of the
SHA-256 of "<seed>:<image id>". The first `images` of this list are taken.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from fairtrial import DataError
from fairtrial.data.imagefile import EXIF_ORIENTATION
from fairtrial.files import folders
from fairtrial.files.folders import whole_file
from fairtrial.files.jsonfile import sections_of
from fairtrial.sources._fetching import Address, RemoteFile, has_sha256, obtain
from fairtrial.sources._needs import Needs
from fairtrial.sources._transfer import Patience

if TYPE_CHECKING:
    from PIL.Image import Image

ANNOTATIONS = "annotations.json"


class ZippedAnnotations(BaseModel):
    """One JSON file in the zip, and the folder of its images on the server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    annotations: str
    images: str


class Settings(Patience):
    """Which classes, how many images, and where they are."""

    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    images: int = Field(ge=1)  # at most so many
    seed: int = 0  # other numbers give other images
    base: Address = "http://images.cocodataset.org"
    archive: str = "annotations/annotations_trainval2017.zip"  # below base
    sha256: str = Field(pattern="^[0-9a-f]{64}$")  # of the archive
    parts: tuple[ZippedAnnotations, ...] = (
        ZippedAnnotations(annotations="annotations/instances_train2017.json", images="train2017"),
        ZippedAnnotations(annotations="annotations/instances_val2017.json", images="val2017"),
    )


class ImageRow(TypedDict):
    """An image in COCO's JSON; it may have more keys, which are kept."""

    id: int
    file_name: str
    width: int
    height: int


class AnnotationRow(TypedDict):
    """An object in COCO's JSON, without its segment."""

    id: int
    image_id: int
    category_id: int


class CategoryRow(TypedDict):
    """A class in COCO's JSON."""

    id: int
    name: str


@dataclass
class Subset:
    """What is chosen: rows of COCO JSON, and how many images hold each class."""

    images: list[ImageRow] = field(default_factory=list)  # file_name below `base`
    annotations: list[AnnotationRow] = field(default_factory=list)
    categories: dict[int, CategoryRow] = field(default_factory=dict)

    def categories_on(self) -> dict[int, set[int]]:
        """The categories on each image, by image id; images with none are left out."""
        categories: dict[int, set[int]] = {}
        for row in self.annotations:
            categories.setdefault(row["image_id"], set()).add(row["category_id"])
        return categories

    def images_of(self) -> dict[str, int]:
        """How many images hold each class, by its name."""
        count = Counter(number for on_image in self.categories_on().values() for number in on_image)
        return {row["name"]: count[number] for number, row in self.categories.items()}


def fetch(settings: Settings, name: str, folder: Path, downloads: Path) -> None:
    """Put the chosen images into `folder`, and their boxes into annotations.json there.

    That file is COCO JSON with the ids of COCO: the chosen images, and every object of the
    chosen classes on them, crowds among them; segments are left out. Its `info` says what
    was chosen from. Raises DataError that lists each file that could not be fetched, and why.
    """
    archive = obtain([_archive(settings)], settings, name, downloads)[settings.archive]
    whole = _read(archive, settings)
    chosen = choose(whole, settings.images, settings.seed)
    print(f"{name}: {_summary(chosen)}, of {_summary(whole)}")
    images = {row["file_name"]: row for row in chosen.images}
    files = [
        RemoteFile(path, _address(settings, path), _Check(row)) for path, row in images.items()
    ]
    for path, place in obtain(files, settings, name, downloads).items():
        folders.link_or_copy(place, folder / path)
    _write(chosen, whole, settings, folder / ANNOTATIONS)


def needs(settings: Settings) -> Needs:
    """The annotations, which name the images. An image of COCO has 165 kB on average."""
    return Needs([_archive(settings)], later=settings.images, size=settings.images * 165_000)


def _archive(settings: Settings) -> RemoteFile:
    address = _address(settings, settings.archive)
    return RemoteFile(settings.archive, address, has_sha256(settings.sha256))


def _address(settings: Settings, path: str) -> str:
    return f"{settings.base.rstrip('/')}/{quote(path)}"


def choose(whole: Subset, most: int, seed: int) -> Subset:
    """At most `most` of the images, those of the rarest class first; sorted by file name."""
    counts, names = whole.images_of(), {i: row["name"] for i, row in whole.categories.items()}
    rarest_first = sorted(whole.categories, key=lambda i: (counts[names[i]], i))
    rank = {number: place for place, number in enumerate(rarest_first)}
    categories = whole.categories_on()

    def order(row: ImageRow) -> tuple[int, str]:
        digest = hashlib.sha256(f"{seed}:{row['id']}".encode()).hexdigest()
        return min(rank[number] for number in categories[row["id"]]), digest

    chosen = sorted((row for row in whole.images if row["id"] in categories), key=order)[:most]
    ids = {row["id"] for row in chosen}
    return Subset(
        sorted(chosen, key=lambda row: row["file_name"]),
        [row for row in whole.annotations if row["image_id"] in ids],
        whole.categories,
    )


def _read(archive: Path, settings: Settings) -> Subset:
    """Every image, and the objects of the classes in `settings`, of all parts."""
    whole = Subset()
    try:
        with zipfile.ZipFile(archive) as opened:
            for part in settings.parts:
                where = f"{settings.archive}: {part.annotations}"
                try:
                    text = opened.read(part.annotations).decode("utf-8")
                    _add(whole, text, where, part.images, set(settings.classes))
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    raise DataError(f"{where}: not COCO JSON ({error})") from error
    except zipfile.BadZipFile as error:
        raise DataError(f"{settings.archive}: not a zip ({error})") from error
    known = {row["name"] for row in whole.categories.values()}
    if unknown := [name for name in settings.classes if name not in known]:
        raise DataError(f"classes: {settings.archive} has no class {unknown[0]!r}")
    return whole


def _add(whole: Subset, text: str, where: str, images: str, classes: set[str]) -> None:
    """Add the images of one JSON file, and the objects of `classes`. `images`: their folder."""
    objects = []
    for section, rows in sections_of(text, where):
        for row in rows if section in {"images", "categories", "annotations"} else ():
            if section == "images":
                name = folders.checked_path(f"{images}/{row['file_name']}", where)
                row["file_name"] = name
                whole.images.append(row)
            elif section == "annotations":
                row.pop("segmentation", None)
                objects.append(row)
            elif row["name"] in classes:
                whole.categories[row["id"]] = row
    whole.annotations += [row for row in objects if row["category_id"] in whole.categories]


@dataclass(frozen=True)
class _Check:
    """The check whether a file is the image that a row of COCO JSON describes."""

    row: ImageRow

    def __call__(self, path: Path) -> str:
        """Why the file is not that image; an empty text if it is."""
        from PIL import Image

        data = path.read_bytes()
        try:
            with Image.open(io.BytesIO(data)) as image:
                if problem := self.other_size(image):
                    return problem
                image.draft("L", (1, 1))  # of a JPEG every bit is read, but few pixels computed
                image.load()
        except Exception as error:  # whatever a decoder raises, the image cannot be used
            return f"cannot be decoded ({type(error).__name__}: {error})"
        if image.format == "JPEG" and not data.endswith(b"\xff\xd9"):
            return "wrong content: a JPEG without its end"
        return ""

    def other_size(self, image: Image) -> str:
        """Why the size is wrong; an empty text if it is right. Checked before the pixels are
        decoded, so that no small file becomes a huge image."""
        size = (self.row["width"], self.row["height"])
        turned = image.getexif().get(EXIF_ORIENTATION, 1) >= 5  # width and height are exchanged
        if image.size == size or (turned and image.size == size[::-1]):
            return ""
        return "wrong content: {}×{} pixels instead of the annotated {}×{}".format(
            *image.size, *size
        )


def _summary(subset: Subset) -> str:
    classes = ", ".join(f"{count} with {name}" for name, count in subset.images_of().items())
    return f"{len(subset.images)} images ({classes})"


def _write(chosen: Subset, whole: Subset, settings: Settings, path: Path) -> None:
    info = {
        "description": "Images of COCO that hold certain classes, and the objects of these",
        "archive": {"address": f"{settings.base}/{settings.archive}", "sha256": settings.sha256},
        "seed": settings.seed,
        "images_chosen": {"all": len(chosen.images), **chosen.images_of()},
        "images_there": {"all": len(whole.categories_on()), **whole.images_of()},
    }
    annotations = sorted(chosen.annotations, key=lambda row: (row["image_id"], row["id"]))
    lists: dict[str, Sequence[object]] = {
        "images": chosen.images,
        "annotations": annotations,
        "categories": [chosen.categories[number] for number in sorted(chosen.categories)],
    }
    with whole_file(path) as file:
        file.write(f'{{\n"info": {json.dumps(info, sort_keys=True)}')
        for name, content in lists.items():
            lines = ",\n".join(json.dumps(row, sort_keys=True) for row in content)
            file.write(f',\n"{name}": [\n{lines}\n]')
        file.write("\n}\n")
