"""A page by the headings of CLAIM 2024, the checklist for artificial intelligence in medical
imaging (Tejani et al., Radiology: Artificial Intelligence, 2024), filled with what is known.

What only the author knows stays blank.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from fairtrial.data.dataset import SPLITS
from fairtrial.report.answer import method
from fairtrial.report.limits import limits
from fairtrial.report.reproduction import made_text
from fairtrial.report.wording import counted
from fairtrial.results.dataset import DatasetDescription, without_further_folds
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.run import METRIC_NAMES

TASKS = {"detect": "object detection", "classify": "classification of images"}
HEADINGS: dict[str, tuple[str, ...]] = {
    "Title, abstract, introduction": (
        "Category of technology",
        "Abstract",
        "Background, intended use and role",
        "Aims, objectives, hypotheses",
    ),
    "Study design": ("Prospective or retrospective", "Study goal"),
    "Data": (
        "Data sources",
        "Inclusion and exclusion criteria",
        "Preprocessing",
        "Selection of data subsets",
        "De-identification",
        "Missing data",
        "Image acquisition protocol",
    ),
    "Reference standard": (
        "Definition",
        "Rationale",
        "Source of annotations",
        "Annotation of the test set",
        "Variability between and within raters",
    ),
    "Data partitions and testing data": (
        "Assignment to partitions",
        "Level at which partitions are disjoint",
        "Intended sample size",
    ),
    "Model": ("Description", "Software", "Initial parameters"),
    "Training": ("Approach", "Selection of the final model", "Ensembles"),
    "Evaluation": (
        "Metrics",
        "Significance and uncertainty",
        "Robustness or sensitivity",
        "Explainability",
        "Internal data",
        "External data",
        "Trial registration",
    ),
    "Results": (
        "Patients or examinations included and excluded",
        "Demographic and clinical characteristics",
        "Performance with uncertainty",
        "Diagnostic performance and its precision",
        "Failure analysis",
    ),
    "Discussion and other information": (
        "Limitations",
        "Implications for practice",
        "Protocol and technical details",
        "Availability of software, model, data",
        "Funding",
    ),
}


# Number of an item → the labels of the report's sections that answer it, where they are there.
SECTIONS = {
    9: ("data",),
    22: ("size",),
    25: ("provenance",),
    26: ("method",),
    28: ("method",),
    37: ("classes",),
    39: ("errors", "confusion", "gallery"),
}


class ClaimItem(TypedDict):
    """An item of the checklist, numbered as there; "" where only the author knows. `sections`: the
    labels of those that say more."""

    number: str
    name: str
    text: str
    sections: list[str]


class ClaimPart(TypedDict):
    """A heading with its items."""

    heading: str
    items: list[ClaimItem]


def claim(experiment: ExperimentResults, title: str, question: str) -> list[ClaimPart]:
    """All headings; items are numbered through."""
    known = _known(experiment, title, question)
    parts, number = [], 0
    for heading, names in HEADINGS.items():
        items = []
        for name in names:
            number += 1
            text, more = known.get(number, ""), list(SECTIONS.get(number, ()))
            items.append(ClaimItem(number=str(number), name=name, text=text, sections=more))
        parts.append(ClaimPart(heading=heading, items=items))
    return parts


def _known(experiment: ExperimentResults, title: str, question: str) -> dict[int, str]:
    """Number of an item → what the experiment knows of it."""
    sets = without_further_folds(experiment.datasets.values())
    metrics = experiment.comparisons[0].table_metrics
    return {
        1: f"Deep learning for {TASKS[experiment.task]}.",
        4: f"{title} {question}".strip(),
        7: _joined(f"{d.name_of_folds}: source {d.source}" for d in sets),
        9: _joined(map(_repaired, sets)),
        10: _joined(map(_subset, sets)),
        19: _joined(
            f"{d.name_of_folds}: {d.certificate.method}, seed {d.certificate.seed}" for d in sets
        ),
        20: _joined(
            f"{d.name_of_folds}: {d.certificate.unit_name}, and equal or copied images"
            for d in sets
        ),
        22: _models(experiment),
        23: _software(experiment),
        24: _initial(experiment),
        25: "All settings of each configuration",
        26: "The best epoch and configuration on val",
        28: ", ".join(METRIC_NAMES.get(m, m) for m in metrics),
        29: method(experiment.comparisons),
        32: _joined(map(_sizes, sets)),
        37: "On page one",
        40: " ".join(limits(experiment)[:2]),
        42: made_text(experiment),
    }


def _joined(sentences: Iterable[str]) -> str:
    return "; ".join(text for text in sentences if text)


def _repaired(description: DatasetDescription) -> str:
    quality = description.quality
    if quality is None:
        return ""
    defects = sum(defect.count for defect in quality.defects.values())
    if not defects:
        return f"{description.name_of_folds}: no defect was found"
    return f"{description.name_of_folds}: {counted(defects, 'defects')} repaired or left out"


def _subset(description: DatasetDescription) -> str:
    left = description.certificate.without_split
    return f"{description.name_of_folds}: {left} images in no split" if left else ""


def _sizes(description: DatasetDescription) -> str:
    summary = description.certificate.summary
    counts = ", ".join(f"{split} {summary[split].images}" for split in SPLITS)
    first = ", in the first" if description.set_of_folds else ""
    return f"{description.name_of_folds}{first}: images of {counts}"


def _models(experiment: ExperimentResults) -> str:
    pairs = {
        f"{run.record.backend} {run.record.settings.get('model', '')}".strip()
        for run in experiment.runs
    }
    return ", ".join(sorted(pairs))


def _software(experiment: ExperimentResults) -> str:
    versions = {
        f"{name} {version}"
        for run in experiment.runs
        for name, version in run.record.versions.items()
        if name in ("python", "torch", "ultralytics", "torchvision")
    }
    return ", ".join(sorted(versions))


def _initial(experiment: ExperimentResults) -> str:
    starts = {
        checkpoint.path if checkpoint else "random weights"
        for checkpoint in (run.record.inputs.pretrained for run in experiment.runs)
    }
    return ", ".join(sorted(starts))
