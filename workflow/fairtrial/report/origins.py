"""What runs begin with: results of other experiments, or a trial of the own search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fairtrial.files.modelfile import read_model
from fairtrial.report.wording import listed, number
from fairtrial.results.experiment import ExperimentResults
from fairtrial.settings.choice import BEST, LEAK, ChoiceVerdict, ChosenSettings, Reference
from fairtrial.settings.stages import ReferredResult


def origin_pairs(
    experiment: ExperimentResults, references: Sequence[ReferredResult]
) -> list[list[str]]:
    """What each reference stands for, as pairs: the reference, and what was chosen."""
    return [[str(_reference(one)), _chosen(_folder(experiment, one))] for one in references]


def origin_cautions(
    experiment: ExperimentResults, references: Sequence[ReferredResult]
) -> list[str]:
    """A sentence for each choice that might have come out differently, and for weights that were
    trained on other data."""
    places = [(_reference(one), _folder(experiment, one)) for one in references]
    texts = [text(*place) for place in places for text in (_leak, _doubt)]
    return [*filter(None, texts), *_of_other_data(experiment)]


def _reference(one: ReferredResult) -> Reference:
    return Reference(one.experiment, one.name, one.best)


def _folder(experiment: ExperimentResults, one: ReferredResult) -> Path:
    reference = _reference(one)
    return experiment.results.parent / reference.experiment / "choices" / reference.choice


def _chosen(folder: Path) -> str:
    """`lr0=0.1, the best by AP 0.412 on val; next: lr0=0.01`."""
    start = read_model(folder / "start.json", ChosenSettings)
    how = read_model(folder / "verdict.json", ChoiceVerdict)
    what = start.name if start.trial is None else f"trial {start.trial} of {start.name}"
    if not how.by:
        return what
    value = f"{how.by} {number(how.value)} on val"
    if start.trial is not None:
        return f"{what}, with {value}"
    rival = f"; next: {how.runner_up}" if how.runner_up else ""
    return f"{what}, the {BEST} by {value}{rival}"


def _leak(reference: Reference, folder: Path) -> str:
    """Of a choice that learned from val."""
    if not read_model(folder / "verdict.json", ChoiceVerdict).learned_from_val:
        return ""
    start = read_model(folder / "start.json", ChosenSettings)
    return (
        f"Runs begin with {start.name} of {reference.experiment}, which learned from the images of "
        f"val there ({LEAK}): it may have been chosen for that."
    )


def _doubt(reference: Reference, folder: Path) -> str:
    """Of a choice that cannot be told from others."""
    how = read_model(folder / "verdict.json", ChoiceVerdict)
    if how.told is not False:
        return ""
    start = read_model(folder / "start.json", ChosenSettings)
    return (
        f"Runs begin with {start.name} of {reference.experiment}, the best on val by {how.by} "
        f"there. It cannot be told from all others, such as {how.runner_up}: with other seeds "
        "another one might have been chosen."
    )


def _of_other_data(experiment: ExperimentResults) -> list[str]:
    """Of weights that were trained on another data set."""
    letters: dict[str, list[str]] = {}
    for configuration in experiment.configurations:
        for run in configuration.runs:
            for origin in run.record.started_from:
                if origin.weights_of not in {"", run.dataset}:
                    known = letters.setdefault(origin.weights_of, [])
                    known += [configuration.letter] if configuration.letter not in known else []
    return [
        f"The weights with which {listed(names)} {'begins' if len(names) == 1 else 'begin'} were "
        f"trained on data set {dataset}: nothing here shows whether images of val and test were "
        "among its train images, which would inflate the metrics."
        for dataset, names in sorted(letters.items())
    ]


def seen_cautions(experiment: ExperimentResults, seen: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence on each checkpoint that was trained on images of the source on which it is used.

    seen: checkpoint → such sources.
    """
    sentences = []
    for checkpoint, sources in sorted(seen.items()):
        letters = [
            c.letter
            for c in experiment.configurations
            if c.first.record.settings.get("pretrained") == checkpoint
            and experiment.datasets[c.first.dataset].source in sources
        ]
        if letters:
            begins = "begins" if len(letters) == 1 else "begin"
            sentences.append(
                f"The checkpoint {checkpoint}, with which {listed(letters)} {begins}, was trained "
                f"on images of {listed(sources)}: their metrics are inflated by what it has seen, "
                "and say little of new images."
            )
    return sentences
