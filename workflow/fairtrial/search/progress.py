"""How far a study is, for `status` in another terminal.

Each worker writes `logs/<experiment>/search/<study>.json` anew when a trial begins or ends. No
result depends on this file, and a search continues if it cannot be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial import DataError
from fairtrial.files.modelfile import FileModel, read_model, write_model
from fairtrial.settings.study import SearchStageSettings
from fairtrial.training.progress import settings_hash

if TYPE_CHECKING:
    from fairtrial.search.journal import Trial
    from fairtrial.search.worker import RunningStudy


class StudyProgress(FileModel):
    """The state of a study when one of its trials last began or ended."""

    settings: str  # a hash of the workers' settings
    key: str  # of the study in the store, whose locks say which trials are being trained
    trials: int | None  # the budget, as `hours`
    hours: float | None
    states: dict[str, int]  # number of trials by state: finished, pruned, failed, unfinished
    seconds: float  # of training, over all trials
    best: float | None  # highest fitness of a finished trial
    over: bool  # whether budget or space are spent, and no trial is being trained


def progress_file(experiment: str, study: str) -> Path:
    """The file with the progress of a study."""
    return Path("logs", experiment, "search", f"{study}.json")


def progress_writer(file: Path, study: RunningStudy) -> Callable[[Sequence[Trial], bool], None]:
    """A function that writes `file`, given all trials and whether no further one begins."""

    def write(trials: Sequence[Trial], is_last: bool) -> None:
        with suppress(OSError):
            write_model(file, _progress(trials, study, is_last))

    return write


def _progress(trials: Sequence[Trial], study: RunningStudy, is_last: bool) -> StudyProgress:
    states = Counter(trial.state for trial in trials if not trial.is_first)
    weights = study.metric_weights
    values = [max(t.fitness_by_epoch(weights)) for t in trials if t.state == "finished"]
    return StudyProgress(
        settings=settings_hash(study.settings),
        key=study.key,
        trials=study.settings.trials,
        hours=study.settings.hours,
        states=dict(sorted(states.items())),
        seconds=sum(trial.seconds for trial in trials),
        best=max(values, default=None),
        over=is_last and not states["unfinished"],
    )


def read_progress(
    experiment: str, study: str, settings: SearchStageSettings
) -> StudyProgress | None:
    """The progress of a study with these settings; None where there is none that can be read."""
    progress = read_study(progress_file(experiment, study))
    return progress if progress and progress.settings == settings_hash(settings) else None


def read_study(file: Path) -> StudyProgress | None:
    """The content of a study's progress file; None where it is missing or cannot be read."""
    try:
        return read_model(file, StudyProgress)
    except (DataError, OSError):
        return None
