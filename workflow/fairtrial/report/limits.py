"""What the results of an experiment cannot say, from its facts."""

from __future__ import annotations

from fairtrial.data.units import GROUPS, IMAGES
from fairtrial.report.wording import LISTED, counted, listed
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.significance import independent_units

TUNED = (
    "Settings that do not differ were the same for all and tuned for none: with settings of its "
    "own each might do better."
)
LABELS = (
    "Labels are the source's: what is wrong or missing in them counts against the models, and no "
    "second annotator says how often that is."
)


def limits(experiment: ExperimentResults) -> list[str]:
    """Sentences on images, repeats, choice, groups, settings and labels."""
    several = len(experiment.comparisons) > 1
    sentences = []
    for number, comparison in enumerate(experiment.comparisons, 1):
        prefix = f"Table {number}: " if several else ""
        sentences += [prefix + text for text in (_images(comparison), _repeats(comparison))]
        sentences += [prefix + text for text in _choice(comparison)]
    sentences += _groups(experiment)
    if len(experiment.configurations) > 1:
        sentences.append(TUNED)
    return [*sentences, LABELS]


def _images(comparison: Comparison) -> str:
    """Of how many independent images, and for which others they speak."""
    units = _units(comparison)
    noun = comparison.unit_noun
    of = counted(units, f"independent {noun}") if units else f"the {noun}"
    sources = listed(sorted({d.source for d in comparison.datasets}))
    return (
        f"All metrics come from {of} of {comparison.split} (source {sources}): they speak for "
        "images like these, not for other devices, places or times."
    )


def _units(comparison: Comparison) -> int | None:
    """How many independent units the shown split has; of folds, all of them together."""
    first = comparison.configurations[0]
    if not first.folds:
        return independent_units(comparison.configurations, comparison.split)
    resamples = [repeat[0].resamples(comparison.split) for repeat in first.repeats]
    return sum(r.units for r in resamples if r is not None) or None


def _repeats(comparison: Comparison) -> str:
    counts = sorted({len(c.repeats) for c in comparison.configurations})
    if counts == [1]:
        return "Each was trained once: what another seed gives is unknown."
    span = counted(counts[0], comparison.repeated)
    if len(counts) > 1:
        span = f"{counts[0]} to {counts[-1]} {comparison.repeated}"
    return f"Spreads and intervals over trainings rest on {span} each."


def _choice(comparison: Comparison) -> list[str]:
    """What the choice of the best rests on."""
    images = sum(len(d.certificate.splits["val"]) for d in comparison.datasets)
    if comparison.chosen_on != "val" or not images:
        return ["The best was chosen on the very images that tables show, which flatters it."]
    return [
        f"{counted(images, 'images')} of val chose epochs and the best: with so few, chance has a "
        "part in the choice."
        if images < 100
        else f"{images} images of val chose epochs and the best."
    ]


def _groups(experiment: ExperimentResults) -> list[str]:
    """Data sets of which nobody knows which images belong together."""
    unknown = list(
        dict.fromkeys(
            description.name_of_folds
            for description in experiment.datasets.values()
            if description.certificate.unit_name in (IMAGES, GROUPS)
            and not any(image.group for image in description.dataset.images)
        )
    )
    if not unknown:
        return []
    several = (
        f"Data sets {listed(unknown)}" if len(unknown) <= LISTED else f"{len(unknown)} data sets"
    )
    sets = f"Data set {unknown[0]}" if len(unknown) == 1 else several
    return [
        f"{sets}: no groups are named, so images of one patient, video or place may "
        "stand in several splits and count as independent."
    ]
