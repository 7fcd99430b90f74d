"""search: one worker of a search; its trials stand in the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairtrial.data.leaks import read_leak_free_dataset
from fairtrial.files.jsonfile import write_json
from fairtrial.stages.train import inputs_of


def search(
    *,
    settings: dict[str, Any],
    code: str,
    images: Path,
    annotations: Path,
    split: Path,
    initial: Path | None,
    threads: int,
    done: Path,
) -> None:
    """Train trials until the study's budget is spent; other workers may do so meanwhile.

    settings: `backend`, `start` (settings of the first trial), `space`, `engine`, `seed`,
    `pruning`, and `trials` or `hours`; code: fingerprint of the code that fits; initial: the
    checkpoint that trials start from, or none. `done` names the study's place in the store.
    Raises BackendError and StoreError.
    """
    from fairtrial.search.progress import teller
    from fairtrial.search.worker import Task, work

    own = {name: value for name, value in settings.items() if name != "backend"}
    task = Task(
        framework=settings["backend"],
        **own,
        code=code,
        inputs=inputs_of(annotations, split, initial),
        view=lambda: read_leak_free_dataset(annotations, split, images),
        initial=initial,
        threads=threads,
    )
    work(task, teller(done, settings, task))
    write_json(done, {"study": task.key})
