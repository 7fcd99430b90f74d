"""What predictions from elsewhere call images and classes, and which of ours these are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from fairtrial.data.dataset import Image
from fairtrial.data.source_ids import SourceIds, SourceImage

Key = int | str


@dataclass(frozen=True)
class ForeignImages:
    """The images that a key may mean. A number is the source's own id, or the number that a file's
    name is; a text is a file's path, name, or name without suffix."""

    inside: Mapping[int, Image]  # those of the split, by id
    split: str
    _found: dict[Key, set[int]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, images: Iterable[Image], ids: SourceIds, inside: Iterable[int], split: str
    ) -> ForeignImages:
        """Of all images of a data set; `inside`: the ids of those of the split."""
        numbers = {image.file_name: image for image in images}
        kept = {numbers[row.file].id: row for row in ids.images if row.file in numbers}
        chosen = set(inside)
        found = cls({i.id: i for i in numbers.values() if i.id in chosen}, split)
        for number, row in kept.items():
            for key in _keys(row):
                found._found.setdefault(key, set()).add(number)
        return found

    def image(self, key: object) -> Image:
        """The image of the split that a key means. Raises ValueError saying why there is none."""
        known = isinstance(key, int | str) and not isinstance(key, bool)
        ids = self._found.get(key, set()) if isinstance(key, int | str) and known else set()
        if not ids:
            raise ValueError(f"image {key!r} is no image of the data set")
        if len(ids) > 1:
            raise ValueError(
                f"image {key!r} may be {len(ids)} images, of which one has it as id or name in the "
                "source and another as name; give each entry its `file_name`"
            )
        (number,) = ids
        if number not in self.inside:
            raise ValueError(f"image {key!r} is not in {self.split}")
        return self.inside[number]


def _keys(row: SourceImage) -> set[Key]:
    path, clean = PurePosixPath(row.source_file), PurePosixPath(row.file)
    keys: set[Key] = {row.source_file, path.name, path.stem, row.file, clean.name}
    keys.add(str(path.with_suffix("")))
    if row.source_id is not None:
        keys.add(row.source_id)
    if path.stem.isascii() and path.stem.isdigit():
        keys.add(int(path.stem))
    return keys


def stated_classes(
    class_ids: Mapping[int, str | None], categories: Mapping[int, str]
) -> dict[int, int | None]:
    """The tool's id → our category, or None for what is no class of the data set. Raises
    ValueError, listing all, for names that no class has."""
    numbers = {name: number for number, name in categories.items()}
    if unknown := [name for name in class_ids.values() if name is not None and name not in numbers]:
        raise ValueError(
            f"no class of the data set is called {', '.join(unknown)}; it has {', '.join(numbers)}"
        )
    return {key: None if name is None else numbers[name] for key, name in class_ids.items()}


def own_classes(
    ids: SourceIds, class_map: Mapping[str, str | None], categories: Mapping[int, str]
) -> dict[int, int | None]:
    """The same by the ids of the source itself; {} where it has none, as only COCO has some."""
    if not any(image.source_id is not None for image in ids.images):
        return {}
    numbers = {name: number for number, name in categories.items()}
    return {
        int(own): numbers.get(class_map.get(name) or "")
        for name, owns in ids.classes.items()
        for own in owns
        if own.isascii() and own.isdigit()
    }
