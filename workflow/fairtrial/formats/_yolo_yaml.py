"""What names the classes and places of YOLO: data.yaml, or a list of classes in its place."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from fairtrial import DataError
from fairtrial.data.dataset import SPLITS
from fairtrial.data.names import class_name, id_of, split_of
from fairtrial.files.folders import checked_path
from fairtrial.formats._unread import no_such_file


def is_below(path: Path, folder: Path) -> bool:
    """Whether a path is there, and in a folder."""
    return path.exists() and path.resolve().is_relative_to(folder.resolve())


def yaml_content(folder: Path, yaml: str, names: str | None) -> dict[str, object]:
    """The content of data.yaml, or a list of class names in its place."""
    if names is None:
        return read_yaml(folder / yaml)
    path = folder / checked_path(names, "options: names")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise DataError(no_such_file(path)) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a list of class names ({error})") from error
    return {"names": [line.strip() for line in lines if line.strip()]}


def read_yaml(path: Path) -> dict[str, object]:
    """The content of data.yaml. Raises DataError where it names no classes or is one of poses."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(no_such_file(path)) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not valid YAML ({error})") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: has no `names:`")
    if content.get("kpt_shape"):  # a line of a pose could pass for a polygon
        raise DataError(f"{path}: `kpt_shape`: labels of poses are not read; export boxes")
    return content


def categories_of(content: dict[str, object], where: str) -> dict[int, str]:
    """Class names by the format's numbers, from 0. Raises DataError where they are malformed."""
    names = content.get("names")
    names = dict(enumerate(names)) if isinstance(names, list) else names
    rows = names.items() if isinstance(names, dict) else ()
    if not rows or any(isinstance(v, dict | list) for _, v in rows):
        raise DataError(f"{where}: `names:` is neither a list nor a map of class names")
    categories = {_number(n, where): class_name(name, f"{where}: names") for n, name in rows}
    if id_of(content.get("nc", len(categories)), f"{where}: nc") != len(categories):
        raise DataError(f"{where}: nc is {content['nc']}, but there are {len(categories)} names")
    if len(set(categories.values())) < len(categories):
        raise DataError(f"{where}: two classes have the same name")
    return categories


def _number(value: object, where: str) -> int:
    number = id_of(value, f"{where}: names")
    if not isinstance(number, int):
        raise DataError(f"{where}: names: {value!r} is no number of a class")
    return number


def places_of(content: dict[str, object], yaml: str) -> list[tuple[str | None, str]]:
    """The split and the path, relative to the raw folder, of each folder or list of images."""
    root = PurePosixPath(yaml).parent / str(content.get("path") or ".")
    places: list[tuple[str | None, str]] = []
    keys = {split_of(key): key for key in content} | {key: key for key in SPLITS if key in content}
    for split in SPLITS:
        parts = content.get(keys.get(split, split)) or []
        for part in parts if isinstance(parts, list) else [parts]:
            places.append((split, (root / str(part)).as_posix()))
    if not places:
        raise DataError("data.yaml: names no train, val or test folder")
    return places
