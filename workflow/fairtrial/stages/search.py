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
    """Train trials of a study until its budget is spent.

    Other workers may do so at the same time.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        code: fingerprint of the code that trains
        images: the folder of images
        annotations: the data set's annotations
        split: the data set's split certificate
        initial: the pretrained checkpoint that trials start from, or nothing
        threads: CPU threads
        done: file to write when the budget is spent: the study's place in the store

    Raises:
        BackendError: no trial can be trained
        StoreError: an entry of the store cannot be used
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
