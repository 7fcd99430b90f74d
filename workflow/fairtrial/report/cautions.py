"""Warnings that a reader needs before the tables: leaks, small sets, runs that are in doubt, and
unequal code, versions, machines or data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from fairtrial.plugins import plugin
from fairtrial.report.doubtful_runs import doubtful_runs
from fairtrial.report.glyphs import glyph_cautions
from fairtrial.report.leaks import leak_cautions
from fairtrial.report.origins import origin_cautions, seen_cautions
from fairtrial.report.small_sets import small_sets
from fairtrial.report.wording import listed
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import FinishedRun
from fairtrial.scoring.coco_metrics import highest_ap
from fairtrial.scoring.matching import MAX_DET
from fairtrial.settings.stages import ReportSettings
from fairtrial.training.effects import effects_of, partial
from fairtrial.training.provenance import CODE

Value = TypeVar("Value")
HARDWARE = ("cpu", "gpu", "cores", "threads")


def cautions(experiment: ExperimentResults, planned: Sequence[str] = ()) -> list[str]:
    """One sentence for each warning, the gravest first; none if all runs are alike.

    planned: what only the plan knows: accepted edits of code, settings that change nothing in some
    runs; a sentence each.
    """
    sentences = [
        *leak_cautions(experiment),
        *(leak for d in experiment.datasets.values() for leak in overlaps(d)),
        *(pairs for d in experiment.datasets.values() for pairs in similar_pairs(d)),
        *_comparability(experiment),
        *_elsewhere(experiment),
        *doubtful_runs(experiment),
        *small_sets(experiment),
        *_ceilings(experiment),
        *_code(experiment),
        *_versions(experiment),
        *_hardware(experiment),
        *_seeds(experiment),
        *_resumed(experiment),
        *_of_few_epochs(experiment),
        *planned,
        *_of_trainings(experiment),
    ]
    if any(run.record.dirty for run in experiment.runs):
        sentences.append("Some runs were made with changes that were not committed to git.")
    problems = sorted({run.record.commit_problem for run in experiment.runs} - {""})
    return sentences + [f"{problem[0].upper()}{problem[1:]}." for problem in problems]


def _comparability(experiment: ExperimentResults) -> list[str]:
    """Metrics that come from different images, or from the images on which the best was chosen."""
    sentences = []
    if len(experiment.comparisons) > 1:
        sentences.append(
            "Not all configurations were scored on the same images with the same ground truth. "
            "They stand in separate tables, which must not be compared."
        )
    if any(c.split == "val" for c in experiment.comparisons):
        sentences.append(
            "Without a test set all metrics come from val, where the best was chosen too: its "
            "metrics are inflated by that choice."
        )
    for comparison in experiment.comparisons:
        if not comparison.same_val:
            sentences.append(
                f"The data sets {comparison.names} share their test images but not their val "
                "images, so the best is chosen on val by metrics that cannot be compared."
            )
    return sentences


def _elsewhere(experiment: ExperimentResults) -> list[str]:
    """A sentence on configurations whose predictions were made elsewhere."""
    letters = [c.letter for c in experiment.configurations if c.first.record.elsewhere]
    if not letters:
        return []
    sentences = [
        f"The predictions of {listed(letters)} were made elsewhere: nothing here shows on which "
        "images the models were trained, nor how their settings were chosen."
    ]
    if without := [c.letter for c in experiment.configurations if not c.predicted_val]:
        sentences.append(
            f"There are no predictions of {listed(without)} on val: without a confidence chosen "
            "there, precision, recall, F1 and what else depends on one stay empty (–), and the "
            "choice on val is made without it."
        )
    return sentences


def _ceilings(experiment: ExperimentResults) -> list[str]:
    """A sentence for each comparison in which not even a perfect detector could have an AP of 1."""
    sentences = []
    for comparison in experiment.comparisons:
        if comparison.task != "detect":
            continue
        truths = [
            d.dataset.on_images(d.certificate.splits[comparison.split]) for d in comparison.datasets
        ]
        possible = [ap for truth in truths if (ap := highest_ap(truth)) is not None]
        if min(possible, default=1.0) < 1:
            sentences.append(
                f"{comparison.split.capitalize()} of {comparison.names} has images with more than "
                f"{MAX_DET} objects of one class, of which COCO counts {MAX_DET} detections: a "
                f"perfect detector would have AP {min(possible):.3f}. {_own_number(comparison)}"
            )
    return sentences


def _own_number(comparison: Comparison) -> str:
    """AP where more detections count than COCO's, or how to have it."""
    split, metric = comparison.split, "AP_max_detections"
    counts = {run.max_detections for c in comparison.configurations for run in c.runs} - {None}
    if len(counts) != 1:
        return "AP with more detections: `validate.max_detections` in params.yaml."
    means = [(c.letter, c.mean(split, metric)) for c in comparison.ranked()]
    values = [f"{letter} {mean:.3f}" for letter, mean in means[:4] if mean is not None]
    return f"AP with up to {counts.pop()} detections: {', '.join(values)} (in runs.csv)."


def overlaps(description: DatasetDescription) -> list[str]:
    """Leaks between the splits of a data set: a sentence for each pair of splits, one on copies."""
    sentences = [
        f"Data set {description.name}: {count} images of {split} have their content or their group "
        f"in {other} too, which inflates the metrics."
        for split, other in (("test", "train"), ("test", "val"), ("val", "train"))
        if (count := description.shared_images(split, other))
    ]
    if leak := description.certificate.leaks.get("near"):
        sentences.append(
            f"Data set {description.name}: {leak.images} images have a copy of their picture in "
            "another split, which inflates the metrics."
        )
    return sentences


def similar_pairs(description: DatasetDescription) -> list[str]:
    """A sentence on the pairs of images in two splits that may show the same."""
    pairs = len(description.certificate.duplicates.doubtful_across)
    if not pairs:
        return []
    return [
        f"Data set {description.name}: pairs of images that look alike are in two splits ({pairs} "
        "such pairs). If they show the same, the metrics are inflated: see them in section Data."
    ]


def planned_cautions(experiment: ExperimentResults, settings: ReportSettings) -> tuple[str, ...]:
    """What only the plan and the choices of others know."""
    return (
        *seen_cautions(experiment, settings.seen),
        *origin_cautions(experiment, settings.origins),
        *unshared_images(settings.unshared),
        *glyph_cautions(
            experiment, (settings.title, settings.question), [f.path for f in settings.fonts]
        ),
        *settings.accepted,
        *settings.idle,
    )


def unshared_images(sources: Sequence[str]) -> list[str]:
    """A sentence on sources whose images may not be handed on."""
    if not sources:
        return []
    return [
        f"Images of {listed(sources)} may not be handed on (share: false): the page shows none, "
        "and the PDF with its pictures is for those who have them."
    ]


def _code(experiment: ExperimentResults) -> list[str]:
    """A sentence for each backend whose runs had unequal training code."""
    sentences = []
    for backend in sorted({run.record.backend for run in experiment.runs}):
        runs = [run for run in experiment.runs if run.record.backend == backend]
        groups = _grouped((run.record.code[:8], run) for run in runs)
        if len(groups) > 1:
            sentences.append(f"Training code ({backend}) differs: {_listed(groups, experiment)}.")
    return sentences


def _versions(experiment: ExperimentResults) -> list[str]:
    """A sentence for each package of which the runs used several versions. Of fairtrial's own code
    what trains matters, of which another sentence tells."""
    versions = [(run.record.versions, run) for run in experiment.runs]
    sentences = []
    for name in sorted({name for of_run, _ in versions for name in of_run} - {CODE}):
        groups = _grouped((of_run[name], run) for of_run, run in versions if name in of_run)
        if len(groups) > 1:
            sentences.append(f"Versions of {name} differ: {_listed(groups, experiment)}.")
    return sentences


def _hardware(experiment: ExperimentResults) -> list[str]:
    hardware = [
        (run.record.hardware.model_dump(), run) for run in experiment.runs if run.record.hardware
    ]
    sentences = []
    for name in HARDWARE:
        groups = _grouped((str(of_run[name]), run) for of_run, run in hardware)
        if len(groups) > 1:
            sentences.append(f"Hardware differs, {name}: {_listed(groups, experiment)}.")
    return sentences


def _seeds(experiment: ExperimentResults) -> list[str]:
    seeds = {tuple(sorted({run.seed for run in c.runs})) for c in experiment.configurations}
    if len(seeds) > 1:
        return ["The configurations were not run with the same seeds."]
    return []


def _resumed(experiment: ExperimentResults) -> list[str]:
    """Runs whose result may differ from that of an uninterrupted training, as they recorded."""
    deviations = [("; ".join(run.record.deviations), run) for run in experiment.runs]
    groups = _grouped((text, run) for text, run in deviations if text)
    if not groups:
        return []
    return [
        "Some runs were interrupted and went on under other conditions, so they may differ from "
        f"uninterrupted ones: {_listed(groups, experiment)}."
    ]


def _of_few_epochs(experiment: ExperimentResults) -> list[str]:
    """A sentence for each setting that acts in a small part of the epochs."""
    groups: dict[tuple[str, float, int], list[str]] = {}
    for c in experiment.configurations:
        if not c.first.record.elsewhere:
            settings, backend = c.first.record.settings, c.first.record.backend
            for name, acting in partial(effects_of(plugin("backends", backend)), settings).items():
                place = (name, acting, settings["epochs"])
                groups.setdefault(place, []).append(c.letter)
    return [
        f"{name} acts in {acting:g} of {epochs} epochs of {listed(letters)}."
        for (name, acting, epochs), letters in sorted(groups.items())
    ]


def _of_trainings(experiment: ExperimentResults) -> list[str]:
    """What the jobs of trainings recorded for the reader of their results."""
    groups = _grouped(
        (text.replace("`", ""), run) for run in experiment.runs for text in run.record.cautions
    )
    return [f"In trainings: {_listed(groups, experiment)}."] if groups else []


def _grouped(runs: Iterable[tuple[str, FinishedRun]]) -> dict[str, list[FinishedRun]]:
    """Text → its runs, from pairs of both."""
    groups: dict[str, list[FinishedRun]] = {}
    for text, run in runs:
        groups.setdefault(text, []).append(run)
    return groups


def _listed(groups: dict[str, list[FinishedRun]], experiment: ExperimentResults) -> str:
    """`2.13 (A, B); 2.15 (C)`: each value with the letters of its configurations or, where these
    are more than eight, with its number of runs."""
    letter_of_run = {run.name: c.letter for c in experiment.configurations for run in c.runs}
    parts = []
    for value, runs in sorted(groups.items()):
        letters = sorted({letter_of_run[run.name] for run in runs}, key=lambda x: (len(x), x))
        text = ", ".join(letters) if len(letters) <= 8 else f"{len(runs)} runs"
        parts.append(f"{'none' if value == 'None' else value} ({text})")
    return "; ".join(parts)


def differences(
    mappings: Sequence[Mapping[str, Value]],
) -> tuple[dict[str, Value], list[str]]:
    """The items that all mappings share, and the keys that some lack or have with another value.

    Both are sorted by key. Of no mappings there are none.
    """
    keys = sorted({key for mapping in mappings for key in mapping})
    first = mappings[0] if mappings else {}
    equal = {
        key: first[key]
        for key in keys
        if all(key in mapping and mapping[key] == first[key] for mapping in mappings)
    }
    return equal, [key for key in keys if key not in equal]
