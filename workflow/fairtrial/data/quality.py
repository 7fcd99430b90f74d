"""quality.json: what is in a clean source, and which defects were found in the raw one."""

from __future__ import annotations

from collections.abc import Mapping
from operator import not_

from pydantic import Field

from fairtrial.data.dataset import Dataset, counts
from fairtrial.data.defect_actions import Actions, order
from fairtrial.data.defects import Defect
from fairtrial.data.names import similar
from fairtrial.data.objects import counted
from fairtrial.data.raw_files import REASONS
from fairtrial.files.modelfile import FileModel


class ClassOrigin(FileModel):
    """A class of the clean source, and what the raw one calls it."""

    source: list[str]
    id: int
    name: str


class DefectReport(FileModel):
    """All cases of one kind of defect. `rule` is the name of the action, `action` its effect."""

    explanation: str
    rule: str
    action: str
    count: int
    cases: list[str]


class NotRead(FileModel):
    """Files of the raw folder that were not read, and why."""

    reason: str
    count: int
    files: list[str]


class QualityReport(FileModel):
    """quality.json. `negatives`: images without an object; `unlabelled`: images that nobody has
    labelled; `classes`: objects by class; `read`:
    images that the annotations name; `similar`: names of classes, and of groups, that differ in
    nothing but blanks, case or `.0`."""

    read: int = 0
    not_read: dict[str, NotRead] = Field(default_factory=dict)
    similar: dict[str, list[list[str]]] = Field(default_factory=dict)
    images: int
    negatives: int
    unlabelled: int = Field(default=0, exclude_if=not_)
    objects: int
    classes: dict[str, int]
    class_map: list[ClassOrigin]
    defects: dict[str, DefectReport]


def report(
    clean: Dataset,
    defects: list[Defect],
    actions: Actions,
    read: int = 0,
    not_read: Mapping[str, list[str]] | None = None,
) -> QualityReport:
    """What is in the clean source, and what was done about the defects of the raw one.

    `read`: images that the annotations name; `not_read`: files that were not read, by reason.
    """
    annotations = counted(clean.annotations)
    objects = counts(annotations)
    groups = {image.group for image in clean.images if image.group is not None}
    unlabelled = sum(image.unlabelled for image in clean.images)
    similar_names = {"classes": similar(clean.categories.values()), "groups": similar(groups)}
    return QualityReport(
        read=read,
        not_read={
            key: NotRead(reason=REASONS[key], count=len(files), files=files)
            for key, files in (not_read or {}).items()
            if files
        },
        similar={what: names for what, names in similar_names.items() if names},
        images=len(clean.images),
        negatives=len(clean.images) - len({a.image_id for a in annotations}) - unlabelled,
        unlabelled=unlabelled,
        objects=len(annotations),
        classes={name: objects.get(number, 0) for number, name in clean.categories.items()},
        class_map=[
            ClassOrigin(source=clean.origins[number], id=number, name=name)
            for number, name in clean.categories.items()
        ],
        defects=_by_kind(defects, actions),
    )


def log_lines(quality: QualityReport) -> list[str]:
    """The account of a conversion, as lines of a log: the same numbers as in quality.json."""
    lines = [
        f"{quality.images} of {quality.read} images kept, {quality.negatives} of them without an "
        f"object; {quality.objects} objects"
    ]
    if quality.unlabelled:
        lines.append(f"{quality.unlabelled} images have no labels and can only be predicted")
    lines += [
        f"{name}: {defect.count} times, {defect.action}; such as {defect.cases[0]}"
        for name, defect in quality.defects.items()
    ]
    lines += [
        f"not read: {part.count} {part.reason}, such as {', '.join(part.files[:3])}"
        for part in quality.not_read.values()
    ]
    lines += [
        f"{what} that differ in blanks, case or .0 alone: {', '.join(names)}; is it one?"
        for what, sets in quality.similar.items()
        for names in sets
    ]
    return lines


def _by_kind(defects: list[Defect], actions: Actions) -> dict[str, DefectReport]:
    cases: dict[type[Defect], list[Defect]] = {}
    for defect in sorted(defects, key=order):
        cases.setdefault(type(defect), []).append(defect)
    return {
        kind.name: DefectReport(
            explanation=kind.explanation,
            rule=actions.of(kind),
            action=kind.actions[actions.of(kind)],
            count=len(of_kind),
            cases=[str(defect) for defect in of_kind],
        )
        for kind, of_kind in cases.items()
    }
