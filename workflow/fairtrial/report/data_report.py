"""The data report: data sets without any training, one for itself or two side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from typing import TypedDict

from fairtrial.report.data import DataPart, data
from fairtrial.results.data_differences import DataDifference, classes_of_one, differences
from fairtrial.results.dataset import DatasetDescription, DescribedDatasets
from fairtrial.results.manifest import FigureEntry

SENTENCES = 8  # on the differences of two data sets, at most
PAIRS = 40  # lines on doubtful pairs, at most
CLASSES = 10  # named in a sentence, at most


class DifferencesPart(TypedDict):
    """Two data sets, in sentences and as a table of labels, two means and a sign (`*`: matters)."""

    names: list[str]
    sentences: list[str]
    rows: list[list[str]]


class PairsPart(TypedDict):
    """The doubtful pairs of a data set between its splits: lines to paste into its source."""

    dataset: str
    source: str
    lines: list[str]
    left_out: int


class DataReport(TypedDict):
    """The data of the template `data.typ`."""

    experiment: str
    title: str
    question: str
    task: str
    data: DataPart
    differences: list[DifferencesPart]
    pairs: list[PairsPart]
    figures: dict[str, list[dict[str, str]]]


def data_report(described: DescribedDatasets, figures: Sequence[FigureEntry]) -> DataReport:
    """All that the data report says; `figures`: those of its sections."""
    by_section: dict[str, list[dict[str, str]]] = {}
    for entry in figures:
        by_section.setdefault(entry.section, []).append(entry.model_dump())
    names = " and ".join(described.datasets)
    return {
        "experiment": f"data: {names}",
        "title": names,
        "question": "",
        "task": described.task,
        "data": data(list(described.datasets.values())),
        "differences": [_differences(*two) for two in _pairs(described)],
        "pairs": [part for d in described.datasets.values() if (part := _undecided(d))],
        "figures": by_section,
    }


def _undecided(description: DatasetDescription) -> PairsPart | None:
    """The doubtful pairs in two splits, as items of `same` or `different`; None without any."""
    pairs = description.certificate.duplicates.doubtful_across
    names = {image.id: image.file_name for image in description.dataset.images}
    lines = [
        f"  - {json.dumps([names[n] for n in pair.images], ensure_ascii=False)}" for pair in pairs
    ]
    if not pairs:
        return None
    return {
        "dataset": description.name,
        "source": f"config/sources/{description.source}.yaml",
        "lines": lines[:PAIRS],
        "left_out": max(0, len(lines) - PAIRS),
    }


def _pairs(described: DescribedDatasets) -> list[tuple[DatasetDescription, DatasetDescription]]:
    """The first data set with each of the others; folds of one data set have nothing to compare."""
    return [
        (one, two)
        for one, two in combinations(described.datasets.values(), 2)
        if one is next(iter(described.datasets.values())) and not _same_folds(one, two)
    ]


def _same_folds(one: DatasetDescription, two: DatasetDescription) -> bool:
    return one.set_of_folds is not None and one.set_of_folds == two.set_of_folds


def _differences(one: DatasetDescription, two: DatasetDescription) -> DifferencesPart:
    compared = differences(one, two)
    matter = [difference for difference in compared if difference.matters]
    sentences = [*_classes_of_one(one, two)]
    sentences += [_sentence(difference, one.name, two.name) for difference in matter[:SENTENCES]]
    if len(matter) > SENTENCES:
        sentences.append(f"{len(matter) - SENTENCES} more are marked in the table.")
    if not sentences:
        sentences = ["No difference is both more than chance and large enough to matter."]
    rows = [[d.label, *_values(d), "*" if d.matters else ""] for d in compared]
    return {"names": [one.name, two.name], "sentences": sentences, "rows": rows}


def _classes_of_one(one: DatasetDescription, two: DatasetDescription) -> list[str]:
    """Sentences on the classes that only one of two data sets has objects of."""
    sentences = []
    for description, names in zip((one, two), classes_of_one(one, two), strict=True):
        if names:
            more = f" and {len(names) - CLASSES} more" if len(names) > CLASSES else ""
            plural = "classes" if len(names) > 1 else "class"
            listed = ", ".join(names[:CLASSES]) + more
            sentences.append(f"Only {description.name} has objects of the {plural} {listed}.")
    return sentences


def _sentence(difference: DataDifference, one: str, two: str) -> str:
    """`objects per image: 4.2 in this-year, 2.1 in last-year (2.0 times).`"""
    first, second = _values(difference)
    low, high = sorted((difference.first, difference.second))
    times = f" ({high / low:.1f} times)" if low > 0 and high >= 1.2 * low else ""
    label = difference.label[0].upper() + difference.label[1:]
    return f"{label}: {first} in {one}, {second} in {two}{times}."


def _values(difference: DataDifference) -> list[str]:
    values = (difference.first, difference.second)
    if difference.kind == "share":
        return [f"{value:.1%}".replace("%", " %") for value in values]
    return [f"{value:.3g}" if value < 100 else f"{value:.0f}" for value in values]
