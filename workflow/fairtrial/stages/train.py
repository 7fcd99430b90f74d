"""train: fits one run, in the store; the declared outputs are copies of its entry."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from fairtrial import checksums, progress, provenance
from fairtrial.dataset import read_json, read_sides, read_view, whole_file, write_json
from fairtrial.training import entry_key, obtain_trained


def train(
    *,
    settings: dict[str, Any],
    code: str,
    images: Path,
    annotations: Path,
    split: Path,
    initial: Path | None,
    chosen: Path | None,
    threads: int,
    weights: Path,
    record: Path,
    history: Path,
) -> None:
    """Fit one run, or adopt it from the store where an equal one is finished.

    settings: `backend`, `task`, everything its `Settings` holds, and as `chosen` the names of those
    that `chosen`, a trial of a search, gives; code: fingerprint of the code that fits; initial: the
    checkpoint to start from, or none. Raises BackendError and StoreError.
    """
    inputs = inputs_of(annotations, split, initial)
    framework = settings["backend"]
    own, trial = _own(settings, chosen)
    with progress.told(weights, settings, entry_key(framework, own, code, inputs)) as live:
        entry, adopted = obtain_trained(
            framework=framework,
            settings=own,
            code=code,
            inputs=inputs,
            view=lambda: read_view(annotations, split, images),
            initial=initial,
            threads=threads,
            after_epoch=live.after_epoch,
        )
        made = read_json(entry / "record.json")
        name = trial | {
            "run": weights.parent.name,
            "configuration": weights.parent.name.rpartition("-s")[0],
            "seed": settings["seed"],
            "dataset": annotations.parent.name,
            "backend": framework,
            "settings": own,
            "key": entry.name,
            "code": code,
            "inputs": inputs | {"weights": _named(settings["weights"], inputs["weights"])},
            "adopted": adopted,
        }
        _copy(entry / "weights.pt", weights)
        _copy(entry / "history.csv", history)
        write_json(record, made | name)


def _own(settings: dict[str, Any], chosen: Path | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The framework's settings, with the values of a chosen trial, and a word about that."""
    names = settings.get("chosen", ())
    own = {name: value for name, value in settings.items() if name not in {"backend", "chosen"}}
    if chosen is None:
        return own, {}
    trial = read_json(chosen)
    said = {"from_search": {"study": trial["study"], "trial": trial["trial"]}}
    return own | {name: trial["values"][name] for name in names}, said


def inputs_of(annotations: Path, split: Path, initial: Path | None) -> dict[str, str | None]:
    """What a training reads, by content: annotations, sides, the checkpoint to start from."""
    return {
        "annotations": checksums.sha256(annotations),
        "split": provenance.key(read_sides(split)),
        "weights": checksums.sha256(initial) if initial else None,
    }


def _named(path: str | None, sha: str | None) -> dict[str, str] | None:
    """The checkpoint that a run started from, by its source's name and its content."""
    return {"path": path, "sha256": sha} if path and sha else None


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, whole_file(target, "wb") as writer:
        shutil.copyfileobj(reader, writer)
