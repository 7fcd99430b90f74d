"""Warnings on single trainings: too short, too long, without any success, chosen for their luck, or
without a metric."""

from __future__ import annotations

from pathlib import Path

from fairtrial.files.csvfile import read_rows
from fairtrial.report.falling_metrics import falling_metrics
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import FinishedRun


def doubtful_runs(experiment: ExperimentResults) -> list[str]:
    """A sentence for each kind of doubt, the gravest first."""
    return [
        *_learned_nothing(experiment),
        *(sentence for c in experiment.comparisons for sentence in _undefined(c)),
        *_winning_trials(experiment),
        *falling_metrics(experiment),
        *_still_rising(experiment),
    ]


def _learned_nothing(experiment: ExperimentResults) -> list[str]:
    parts = []
    for c in experiment.configurations:
        failed = [run for run in c.runs if not run.learned]
        if failed:
            parts.append(f"{c.letter} ({_share(len(failed), len(c.runs))})")
    if not parts:
        return []
    detects = experiment.task == "detect"
    what = "find no object (AP50 0.000)" if detects else "are no better than one class for all"
    return [f"Trainings that {what}: {', '.join(parts)}."]


def _share(part: int, whole: int) -> str:
    """`1 of 3 runs`, `all 3 runs` or `its one run`."""
    if whole == 1:
        return "its one run"
    return f"all {whole} runs" if part == whole else f"{part} of {whole} runs"


def _undefined(comparison: Comparison) -> list[str]:
    """Configurations whose mean is over fewer seeds (or folds) than were run."""
    split, metric = comparison.split, comparison.metric
    parts = [
        f"of {len(c.repeats)} {c.repeated} of {c.letter} {count} {_have(count)}"
        for c in comparison.configurations
        if (count := len(c.scores(split, metric))) < len(c.repeats)
    ]
    if not parts:
        return []
    text = f"{'; '.join(parts)} a value of {metric} on {split}. Means are over these alone."
    return [text[0].upper() + text[1:]]


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _still_rising(experiment: ExperimentResults) -> list[str]:
    """A sentence where the best epoch is the last one in most runs, of all or of some
    configurations."""
    trained = [run for run in experiment.runs if run.record.epochs_run]
    rising = [run for run in trained if rises(run)]
    if 2 * len(rising) > len(trained):
        who = f"In {len(rising)} of {len(trained)} runs" if len(trained) > 1 else "In the one run"
    else:
        letters = [c.letter for c in experiment.configurations if mostly_rises(c)]
        if not letters:
            return []
        who = f"In most runs of {', '.join(letters)}"
    return [
        f"{who} the best epoch is the last one, so that metrics were still rising: longer training "
        "may change the order."
    ]


def rises(run: FinishedRun) -> bool:
    """Whether its best epoch is its last one, of several."""
    return 1 < run.record.epochs_run == run.record.best_epoch


def loss_falls(run: FinishedRun) -> bool:
    """Whether its loss on val, the sum of all parts, is lowest at the last epoch."""
    parts = [v for k, v in run.history.items() if k.startswith("val/") and k.endswith("_loss")]
    losses = [sum(epoch) for epoch in zip(*parts, strict=True)]
    return len(losses) > 1 and losses[-1] < min(losses[:-1])


def mostly_rises(configuration: Configuration) -> bool:
    """Whether that is so in most of its runs."""
    return 2 * sum(map(rises, configuration.runs)) > len(configuration.runs)


def _winning_trials(experiment: ExperimentResults) -> list[str]:
    """Runs that are the very training that won a search, chosen for the luck of its seed too."""
    won = [run for run in experiment.runs if _is_trial(run, experiment.results)]
    if not won:
        return []
    letter = {run.name: c.letter for c in experiment.configurations for run in c.runs}
    names = ", ".join(f"{run.name} ({letter[run.name]})" for run in won)
    return [
        f"The trial of the search that gave the settings is itself a run here: {names}. It was "
        "chosen for the luck of its seed too, which flatters it on val: seeds that no trial had "
        "would not."
    ]


def _is_trial(run: FinishedRun, results: Path) -> bool:
    """Whether its epochs and metrics are those of the trial that it has settings from."""
    rows = [
        row
        for source in run.record.started_from
        for row in _trials(results, source.name)
        if row["trial"] == str(source.trial)
    ]
    epochs = (str(run.record.epochs_run), str(run.record.best_epoch))
    return any((row["epochs"], row["best_epoch"]) == epochs and _equal(row, run) for row in rows)


def _trials(results: Path, study: str) -> list[dict[str, str]]:
    """The trials of a study of the experiment; none where it has no such study, or `compare` has
    copied none."""
    table = results / "search" / study / "trials.csv"
    if not table.exists():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        return list(read_rows(file))


def _equal(trial: dict[str, str], run: FinishedRun) -> bool:
    """Whether the metrics on val of a trial's best epoch are those of the run at that epoch."""
    epoch = int(trial["best_epoch"]) - 1
    of_run = {
        column.removeprefix("val/"): values[epoch]
        for column, values in run.history.items()
        if column.startswith("val/") and column.removeprefix("val/") in trial
    }
    of_run.pop("fitness", None)  # it is rounded in trials.csv
    return bool(of_run) and all(float(trial[name]) == value for name, value in of_run.items())
