"""What repetition shows: the spread over seeds, and whether equal seeds gave equal results."""

from __future__ import annotations

from typing import Any

from fairtrial.files.checksums import sha256
from fairtrial.report.answer import number
from fairtrial.report.tables import figures
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES, FinishedRun
from fairtrial.scoring.task_metrics import TASK_METRICS
from fairtrial.scoring.uncertainty import least_gap, over_seeds

FEW = 4  # configurations up to which each one's spread is told by itself
SEEDS = (2, 3, 5, 10)  # numbers of seeds for which the least gap is told


def repeats(trial: ExperimentResults) -> dict[str, Any]:
    """`spreads`: of each configuration with several seeds, where there are few configurations;
    `replicates`: a row a seed that was run more than once, and in words what they show."""
    rows = [row for c in trial.configurations for row in _replicates(c)]
    spreads = [
        _spread(c, comparison)
        for comparison in trial.comparisons
        if len(comparison.configurations) <= FEW
        for c in comparison.configurations
        if not c.folds and len(c.scores(comparison.split, comparison.metric)) > 1
    ]
    return {"spreads": spreads, "replicates": rows, "said": _said(rows)}


def _spread(configuration: Configuration, comparison: Comparison) -> dict[str, Any]:
    split, metric = comparison.split, comparison.metric
    rows = []
    for name in figures(comparison):
        scores = configuration.scores(split, name)
        if scores:
            found = over_seeds(scores)
            told = [found.mean, found.sd, min(scores), max(scores), max(scores) - min(scores)]
            rows.append([METRIC_NAMES.get(name, name), *map(number, told)])
    sd = over_seeds(configuration.scores(split, metric)).sd or 0.0
    return {
        "letter": configuration.letter,
        "told": configuration.full_label,
        "over": configuration.repeats_text,
        "split": split,
        "rows": rows,
        "rule": comparison.ranking_rule.label,
        "gaps": [[str(n), number(least_gap(sd, n))] for n in SEEDS] if sd else [],
    }


def _replicates(configuration: Configuration) -> list[dict[str, Any]]:
    found: dict[tuple[str, int], list[FinishedRun]] = {}
    for run in configuration.runs:
        found.setdefault((run.dataset, run.seed), []).append(run)
    return [
        {
            "letter": configuration.letter,
            "seed": str(seed),
            "runs": str(len(runs)),
            "weights": _alike([run.record.get("weights_sha256") for run in runs]),
            "predictions": _alike([_predictions(run) for run in runs]),
            "farthest": _farthest(runs),
        }
        for (_, seed), runs in found.items()
        if len(runs) > 1
    ]


def _alike(found: list[Any]) -> str:
    if any(each is None for each in found):
        return "not recorded"
    return "equal" if len(set(found)) == 1 else "differ"


def _predictions(run: FinishedRun) -> str:
    """What tells its detections from another run's, to the byte."""
    files = [run.folder / "predictions" / f"{side}.json" for side in ("val", "test")]
    return " ".join(sha256(file) for file in files if file.exists())


def _farthest(runs: list[FinishedRun]) -> dict[str, Any]:
    """The figure in which they are farthest apart, on either side, and by how much."""
    gaps = []
    for side in ("val", "test"):
        for metric in TASK_METRICS[runs[0].task].all:
            scores = [run.score(side, metric) for run in runs]
            defined = [score for score in scores if score is not None]
            if defined:
                gaps.append((max(defined) - min(defined), f"{metric} on {side}"))
    by, where = max(gaps, default=(0.0, ""))
    return {"by": by, "text": f"{by:.4f} ({where})" if by else "0"}


def _said(rows: list[dict[str, Any]]) -> str:
    """Whether equal seeds gave equal results."""
    if not rows:
        return ""
    equal = [row for row in rows if row["predictions"] == "equal" and row["weights"] != "differ"]
    if len(equal) == len(rows):
        return "Equal seeds gave equal results: the detections of replicates are equal to the byte."
    farthest = max(rows, key=lambda row: row["farthest"]["by"])["farthest"]
    share = f"{len(equal)} of {len(rows)}" if equal else f"none of {len(rows)}"
    return (
        f"Equal seeds gave equal results in {share} cases; farthest apart: {farthest['text']}. "
        "What differs is chance that the seed does not govern, as on a GPU."
    )
