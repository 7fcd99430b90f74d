"""How far a study has come, for whoever looks at it from another terminal.

Beside the logs of its workers lies `logs/<experiment>/search/<study>.json`, which each of them
writes anew when a trial begins or ends:

    settings          a hash of what the workers were told
    key               the study's place in the store, whose locks say which trials are in hand
    trials, hours     the budget: one is null
    states            trials by state: finished, pruned, failed, unfinished
    seconds           spent on all trials
    best              highest fitness so far, or null
    over              whether the budget is spent, or the space

It is for people alone: no result depends on it, and a search goes on if it cannot be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairtrial.files.jsonfile import write_json
from fairtrial.store import keys
from fairtrial.training import progress

if TYPE_CHECKING:
    from fairtrial.search.journal import Trial
    from fairtrial.search.worker import Task


def place(experiment: str, study: str) -> Path:
    """Where the progress of a study is told."""
    return Path("logs", experiment, "search", f"{study}.json")


def teller(
    done: Path, settings: dict[str, Any], task: Task
) -> Callable[[Sequence[Trial], bool], None]:
    """A function that tells of all trials as they are, and of whether no other begins.

    done: the worker's declared output, results/<experiment>/search/<study>/workers/<n>.json;
    settings: what the job was told.
    """
    file = place(done.parts[-5], done.parts[-3])
    budget: dict[str, Any] = {"trials": task.trials, "hours": task.hours}
    asked = budget | {"settings": keys.key(settings), "key": task.key}

    def tell(trials: Sequence[Trial], is_last: bool) -> None:
        with suppress(OSError):
            write_json(file, asked | _state(trials, task, is_last))

    return tell


def _state(trials: Sequence[Trial], task: Task, is_last: bool) -> dict[str, Any]:
    states = Counter(trial.state for trial in trials)
    values = [max(t.judged(task.weights)) for t in trials if t.state == "finished"]
    return {
        "states": dict(sorted(states.items())),
        "seconds": sum(trial.note("seconds", 0.0) for trial in trials),
        "best": max(values, default=None),
        "over": is_last and not states["unfinished"],
    }


def read(experiment: str, study: str, settings: dict[str, Any]) -> dict[str, Any] | None:
    """What was told of a study with these settings; None where there is nothing."""
    state = progress.read(place(experiment, study))
    return state if state and state.get("settings") == keys.key(settings) else None
