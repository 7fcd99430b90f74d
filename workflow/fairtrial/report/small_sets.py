"""Warnings on splits that are too small to say much: few images, groups, or objects of a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fairtrial.data.units import IMAGES
from fairtrial.files.text import left_to_right
from fairtrial.report.wording import counted
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import Comparison, ExperimentResults

FEW_IMAGES, FEW_GROUPS, FEW_OBJECTS = 30, 10, 10  # fewer than these are named
LISTED = 8  # names in a sentence at most


def small_sets(experiment: ExperimentResults) -> list[str]:
    """A sentence for each kind of smallness of the split that tables show, and of val."""
    sentences = []
    for comparison in experiment.comparisons:
        shown = _shown(comparison)
        name = shown[0].name if comparison.repeated == "seeds" else comparison.names
        sentences += [
            *_few_images(shown, comparison.split, name),
            *_few_images_of_val(comparison),
            *_unlearned_classes(comparison, shown, name),
            *_rare_classes(comparison, shown, name),
            *_folds_without_a_class(comparison, shown),
        ]
    return list(dict.fromkeys(sentences))


def _shown(comparison: Comparison) -> list[DatasetDescription]:
    """The data sets whose images the tables show: one of several with the same, or all folds."""
    if comparison.repeated == "seeds":
        return comparison.datasets[:1]
    return [d for d in comparison.datasets if d.set_of_folds] or comparison.datasets[:1]


def _few_images(shown: Sequence[DatasetDescription], split: str, name: str) -> list[str]:
    images = sum(len(d.certificate.splits[split]) for d in shown)
    groups = sum(d.units_of(split) for d in shown)
    name_of_units = shown[0].certificate.unit_name
    if name_of_units != IMAGES and groups < FEW_GROUPS:
        size = f"{counted(groups, name_of_units)} only ({counted(images, 'images')})"
    elif images < FEW_IMAGES:
        size = f"{counted(images, 'images')} only"
    else:
        return []
    return [
        f"{split.capitalize()} of {name} has {size}: another sample of so few could give "
        "quite other metrics, and intervals are rough."
    ]


def _few_images_of_val(comparison: Comparison) -> list[str]:
    if comparison.split == "val":
        return []
    sizes = {d.name: len(d.certificate.splits["val"]) for d in comparison.datasets}
    few = {name: size for name, size in sizes.items() if size < FEW_IMAGES}
    if not few:
        return []
    counts = f"{min(few.values())}" if len(set(few.values())) == 1 else "fewer than 30"
    have = "has" if len(few) == 1 else "have"
    names = _listed(list(few))
    if comparison.repeated == "folds" and len(few) == len(sizes) > 1:
        names, have = f"each of the {comparison.names}", "has"
    confidence = " the confidence," if comparison.task == "detect" else ""
    return [
        f"Val of {names} {have} {counts} images only, which choose the best epoch,"
        f"{confidence} and the best configuration: such choices are partly chance."
    ]


def _unlearned_classes(
    comparison: Comparison, shown: Sequence[DatasetDescription], name: str
) -> list[str]:
    """A sentence on classes that the tables count, and a train (of any of the folds) lacks."""
    counts_of = comparison.task_metrics.class_count
    lacking: dict[str, None] = {}
    for description in shown:
        summary = description.certificate.summary
        learned, scored = summary["train"].classes, summary[comparison.split].classes
        if not any(getattr(row, counts_of) for row in learned.values()):
            continue  # nothing of it was trained on
        for class_name, row in scored.items():
            if getattr(row, counts_of) and not getattr(learned.get(class_name), counts_of, 0):
                lacking[left_to_right(class_name)] = None
    if not lacking:
        return []
    return [
        f"Train of {name} has no {counts_of} of {_listed(list(lacking))}: only a model that knew "
        f"them before can find those of {comparison.split}."
    ]


def _rare_classes(
    comparison: Comparison, shown: Sequence[DatasetDescription], name: str
) -> list[str]:
    """A sentence on classes with few objects (or images, of the task `classify`) or none."""
    split, counts_of = comparison.split, comparison.task_metrics.class_count
    totals: Counter[str] = Counter()
    for description in shown:
        for class_name, summary in description.certificate.summary[split].classes.items():
            totals[class_name] += getattr(summary, counts_of)
    rare = [f"{left_to_right(c)} ({n})" for c, n in totals.items() if 0 < n < FEW_OBJECTS]
    absent = [c for c, n in totals.items() if n == 0]
    where = f"{split.capitalize()} of {name}"
    sentences = []
    if rare:
        sentences.append(
            f"{where} has fewer than {FEW_OBJECTS} {counts_of} of {_listed(rare)}, which in means "
            "over classes count in full."
        )
    if absent:
        sentences.append(f"{where} has no {counts_of} of {_listed(absent)}: no metric covers them.")
    return sentences


def _folds_without_a_class(
    comparison: Comparison, shown: Sequence[DatasetDescription]
) -> list[str]:
    """A sentence on classes that some folds lack, and others have."""
    if len(shown) < 2:
        return []
    counts_of = comparison.task_metrics.class_count
    lacking: dict[str, list[str]] = {}
    for description in shown:
        for name, summary in description.certificate.summary[comparison.split].classes.items():
            if not getattr(summary, counts_of):
                lacking.setdefault(name, []).append(description.name)
    partly = [f"{c} ({', '.join(d)})" for c, d in lacking.items() if len(d) < len(shown)]
    if not partly:
        return []
    return [
        f"Some folds have no {counts_of} of a class in {comparison.split}, so that their means are "
        f"over fewer classes: {_listed(partly)}."
    ]


def _listed(names: Sequence[str]) -> str:
    """`a, b and c`; of many names the first, and how many more there are."""
    shown = list(names[:LISTED])
    if len(names) > LISTED:
        return f"{', '.join(shown)} and {len(names) - LISTED} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
