"""What formats read from the names of files: groups, and which label belongs to which image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.dataset import SplitDataset
from fairtrial.files import packed

FOLDER = "folder"


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression ({error})") from error
    return text


def _with_brackets(text: str) -> str:
    if text != FOLDER and re.compile(_expression(text)).groups != 1:
        raise ValueError(f"must be `{FOLDER}`, or a regular expression with one part in ( )")
    return text


Group = Annotated[str, AfterValidator(_with_brackets)]


class Naming(BaseModel):
    """A rule by which the name of a label file (without suffix) gives that of its image."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Annotated[str, AfterValidator(_expression)]  # matches the whole name
    image: str  # the image's name, with \1, \2, … for the parts in brackets


def group_of(file: str, option: str | None) -> str | None:
    """The group of an image, from its path below the folder of images; None without `option`.

    Raises DataError where the path names none.
    """
    if option is None:
        return None
    if option == FOLDER:
        group = PurePosixPath(file).parent.name
    else:
        match = re.search(option, file)
        group = (match[1] or "") if match else ""
    if not group:
        raise DataError(f"{file}: the option `group` ({option}) finds no group in this name")
    return group


def by_stem(files: Iterable[str], suffix: str) -> dict[str, str]:
    """The files with a suffix, in lower or upper case, by their path without it.

    Raises DataError where two differ in nothing else.
    """
    by_path: dict[str, str] = {}
    for file in sorted(files):
        path = PurePosixPath(file)
        if path.suffix.lower() == suffix:
            other = by_path.setdefault(path.with_suffix("").as_posix(), file)
            if other != file:
                raise DataError(f"{other} and {file} differ in their suffix alone; keep one")
    return by_path


def image_stems(labels: Iterable[str], naming: Naming | None) -> dict[str, str | None]:
    """The path of its image for each label, both without suffix; None where the rule fails.

    Raises DataError where two labels would belong to one image.
    """
    images: dict[str, str | None] = {}
    label_of: dict[str, str] = {}
    for label in sorted(labels):
        image = images[label] = _by_rule(PurePosixPath(label), naming) if naming else label
        if image is not None and label_of.setdefault(image, label) != label:
            raise DataError(f"naming: {label_of[image]} and {label} would both belong to {image}")
    return images


def _by_rule(label: PurePosixPath, naming: Naming) -> str | None:
    match = re.fullmatch(naming.label, label.name)
    try:
        return str(label.parent / match.expand(naming.image)) if match else None
    except (re.error, IndexError) as error:
        raise DataError(f"naming: image: {naming.image!r}: {error}") from error


def exported_names(data: SplitDataset) -> dict[int, str]:
    """A name without folders for each image of a data set, by id; no two differ in suffix alone."""
    files = {i.id: _file_path(i.file_name) for i in data.dataset.images}
    parents = {file.parent for file in files.values()}
    flat = {
        number: file.name if len(parents) == 1 else "_".join(file.parts)
        for number, file in files.items()
    }
    taken: dict[str, int] = {}
    names = {}
    for number, name in sorted(flat.items()):
        path = PurePosixPath(name)
        stem = path.stem if path.stem not in taken else f"{path.stem}-{number}"
        if taken.setdefault(stem, number) != number:
            raise DataError(f"{name}: another image is called {stem} already")
        names[number] = stem + path.suffix
    return names


def _file_path(name: str) -> PurePosixPath:
    """The path of an image; a packed image gets the name of a PNG file."""
    if packed.is_packed(name):
        shard, _, place = name.rpartition(".npy#")
        name = f"{shard}-{place}.png"
    return PurePosixPath(name)
