"""What repetition shows: the spread over seeds, and whether equal seeds gave equal results."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TypedDict

from fairtrial.files.checksums import sha256
from fairtrial.report.standing import standing
from fairtrial.report.wording import listed, number
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES, FinishedRun
from fairtrial.scoring.power import Noise, detectable_gap, noise_of
from fairtrial.scoring.task_metrics import TASK_METRICS
from fairtrial.scoring.uncertainty import over_seeds

FEW = 4  # with more configurations, only the spread of the metric that ranks is printed
SPREADS = 40  # configurations with a spread at most: the best on val
SEEDS = (3, 5, 10, 20)  # numbers of seeds for which it is said which gap they tell


class SpreadPart(TypedDict):
    """The spread of one configuration over its seeds. `rows`: a row for each metric."""

    letter: str
    label: str
    repeats: str
    split: str
    rows: list[list[str]]


class Difference(TypedDict):
    """The largest difference of a metric between replicates, as number and as text."""

    size: float
    text: str


class ReplicateRow(TypedDict):
    """One seed with several replicates; `weights` and `predictions` say whether these are equal."""

    letter: str
    seed: str
    runs: str
    weights: str
    predictions: str
    largest_difference: Difference


class RepeatsPart(TypedDict):
    """Spreads over seeds, rows of replicates, and a sentence on the replicates. `plans`: sentences
    on the gaps that more seeds or images would tell, for each comparison."""

    spreads: list[SpreadPart]
    plans: list[str]
    replicates: list[ReplicateRow]
    summary: str


def repeats(experiment: ExperimentResults) -> RepeatsPart:
    """The spread of each configuration with several seeds, and a row for each seed that was run
    more than once."""
    rows = [row for c in experiment.configurations for row in _replicates(c)]
    spreads = [
        _spread(c, comparison)
        for comparison in experiment.comparisons
        for c in comparison.ranked()[:SPREADS]
        if not c.folds and len(c.scores(comparison.split, comparison.metric)) > 1
    ]
    plans = [_plan(comparison) for comparison in experiment.comparisons]
    if len(plans) > 1:
        plans = [f"Table {n}: {plan}" for n, plan in enumerate(plans, 1) if plan]
    return {
        "spreads": spreads,
        "plans": [plan for plan in plans if plan],
        "replicates": rows,
        "summary": _summary(rows),
    }


def _plan(comparison: Comparison) -> str:
    """Which true gaps would be told with more seeds or images; "" where that is unknown."""
    noise = _noise(comparison)
    if noise is None or not noise.seed:
        return ""
    told = [number(detectable_gap(noise, seeds)) for seeds in SEEDS]
    between = (
        "two configurations" if noise.means == 2 else f"any two of {noise.means} configurations"
    )
    by_seeds = [f"{gap} with {count} seeds" for gap, count in zip(told, SEEDS, strict=True)]
    text = (
        f"The smallest true gap in {comparison.metric} between {between} that would be found with "
        f"80 % probability: {listed([f'{by_seeds[0]} each', *by_seeds[1:]])}"
    )
    if not noise.unit:
        return f"{text} (on these images alone)."
    endless = (detectable_gap(noise, math.inf), detectable_gap(noise, SEEDS[0], math.inf))
    noun = comparison.unit_noun
    return (
        f"{text}. With any number of seeds on these {noun} it stays above {number(endless[0])}, "
        f"with {SEEDS[0]} seeds on any number of {noun} above {number(endless[1])}."
    )


def _noise(comparison: Comparison) -> Noise | None:
    """What makes the gap to the rival of the best vary; of one configuration alone, what would make
    that to another one like it vary over seeds."""
    outcome = standing(comparison)
    if outcome is None:
        return None
    if outcome.others:
        return noise_of(outcome.gaps[outcome.rival.letter])
    scores = outcome.best.scores(comparison.split, comparison.metric)
    if outcome.best.folds or len(scores) < 2:
        return None
    return Noise(2 * statistics.variance(scores), None, None, 2)


def _spread(configuration: Configuration, comparison: Comparison) -> SpreadPart:
    split, rows = comparison.split, []
    few = len(comparison.configurations) <= FEW
    for name in comparison.table_metrics if few else [comparison.metric]:
        scores = configuration.scores(split, name)
        if scores:
            seeds, lowest, highest = over_seeds(scores), min(scores), max(scores)
            numbers = [seeds.mean, seeds.sd, lowest, highest, highest - lowest]
            rows.append([METRIC_NAMES.get(name, name), *map(number, numbers)])
    return {
        "letter": configuration.letter,
        "label": configuration.full_label,
        "repeats": configuration.repeats_text,
        "split": split,
        "rows": rows,
    }


def _replicates(configuration: Configuration) -> list[ReplicateRow]:
    replicates: dict[tuple[str, int], list[FinishedRun]] = {}
    for run in configuration.runs:
        replicates.setdefault((run.dataset, run.seed), []).append(run)
    return [
        {
            "letter": configuration.letter,
            "seed": str(seed),
            "runs": str(len(runs)),
            "weights": _equality([run.record.weights_sha256 for run in runs]),
            "predictions": _equality([_predictions(run) for run in runs]),
            "largest_difference": _largest_difference(runs),
        }
        for (_, seed), runs in replicates.items()
        if len(runs) > 1
    ]


def _equality(digests: Sequence[str | None]) -> str:
    """`equal` or `differ`; `not recorded` where a digest is None."""
    if None in digests:
        return "not recorded"
    return "equal" if len(set(digests)) == 1 else "differ"


def _predictions(run: FinishedRun) -> str:
    """The SHA-256 of each prediction file of a run, in one text."""
    files = [run.folder / "predictions" / f"{split}.json" for split in ("val", "test")]
    return " ".join(sha256(file) for file in files if file.exists())


def _largest_difference(runs: list[FinishedRun]) -> Difference:
    """The metric of val or test in which the runs differ most, and by how much."""
    differences = []
    for split in ("val", "test"):
        for metric in TASK_METRICS[runs[0].task].all:
            scores = [run.score(split, metric) for run in runs]
            defined = [score for score in scores if score is not None]
            if defined:
                differences.append((max(defined) - min(defined), f"{metric} on {split}"))
    size, where = max(differences, default=(0.0, ""))
    return {"size": size, "text": f"{size:.4f} ({where})" if size else "0"}


def _summary(rows: list[ReplicateRow]) -> str:
    """Whether equal seeds gave equal results; "" without replicates."""
    if not rows:
        return ""
    equal = [row for row in rows if row["predictions"] == "equal" and row["weights"] != "differ"]
    if len(equal) == len(rows):
        return "Equal seeds gave equal results: the detections of replicates are equal to the byte."
    largest = max((row["largest_difference"] for row in rows), key=lambda d: d["size"])
    share = f"{len(equal)} of {len(rows)}" if equal else f"none of {len(rows)}"
    return (
        f"Equal seeds gave equal results in {share} cases; largest difference: {largest['text']}. "
        "What differs is randomness that the seed does not control, as on a GPU."
    )
