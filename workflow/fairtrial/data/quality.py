"""quality.json: what is in a clean source, and which defects were found in the raw one."""

from __future__ import annotations

from fairtrial.data.dataset import Dataset, counts
from fairtrial.data.defect_actions import Actions, order
from fairtrial.data.defects import Defect
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


class QualityReport(FileModel):
    """quality.json. `negatives`: images without an object; `classes`: objects by class."""

    images: int
    negatives: int
    objects: int
    classes: dict[str, int]
    class_map: list[ClassOrigin]
    defects: dict[str, DefectReport]


def report(clean: Dataset, defects: list[Defect], actions: Actions) -> QualityReport:
    """What is in the clean source, and what was done about the defects of the raw one."""
    objects = counts(clean.annotations)
    return QualityReport(
        images=len(clean.images),
        negatives=len(clean.images) - len({a.image_id for a in clean.annotations}),
        objects=len(clean.annotations),
        classes={name: objects.get(number, 0) for number, name in clean.categories.items()},
        class_map=[
            ClassOrigin(source=clean.origins[number], id=number, name=name)
            for number, name in clean.categories.items()
        ],
        defects=_by_kind(defects, actions),
    )


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
