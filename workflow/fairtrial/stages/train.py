"""train: fits one run, in the store; the declared outputs are copies of its entry."""

from __future__ import annotations

import importlib
import shutil
import time
from pathlib import Path
from typing import Any

from fairtrial import checksums, provenance, store
from fairtrial.dataset import read_json, read_sides, read_view, whole_file, write_json


def train(
    *,
    settings: dict[str, Any],
    code: str,
    images: Path,
    annotations: Path,
    split: Path,
    initial: Path | None,
    threads: int,
    weights: Path,
    record: Path,
    history: Path,
) -> None:
    """Fit one run, or adopt it from the store where an equal one is finished.

    settings: `backend` and everything its `Settings` holds; code: fingerprint of the code that
    fits; initial: the checkpoint to start from, or none. The entry's key is everything that
    determines the result: never a name, a path or a time. Raises BackendError and StoreError.
    """
    inputs = _inputs(annotations, split, initial)
    framework = settings["backend"]
    own = {name: value for name, value in settings.items() if name != "backend"}
    nameless = own | {"weights": None}  # their content is among the inputs
    key = provenance.key([framework, nameless, code, inputs])
    backend = importlib.import_module(f"fairtrial.backends.{framework}")

    def make(folder: Path) -> None:
        view = read_view(annotations, split, images)
        start = time.monotonic()
        facts = backend.fit(own, view, initial, folder, threads)
        seconds = time.monotonic() - start
        write_json(folder / "record.json", _record(facts, seconds, threads))

    entry, adopted = store.obtain("runs", key, make)
    made = read_json(entry / "record.json")
    name = {
        "run": weights.parent.name,
        "configuration": weights.parent.name.rpartition("-s")[0],
        "seed": settings["seed"],
        "dataset": annotations.parent.name,
        "backend": framework,
        "settings": own,
        "key": key,
        "code": code,
        "inputs": inputs | {"weights": _named(settings["weights"], inputs["weights"])},
        "adopted": adopted,
    }
    _copy(entry / "weights.pt", weights)
    _copy(entry / "history.csv", history)
    write_json(record, made | name)


def _inputs(annotations: Path, split: Path, initial: Path | None) -> dict[str, Any]:
    return {
        "annotations": checksums.sha256(annotations),
        "split": provenance.key(read_sides(split)),
        "weights": checksums.sha256(initial) if initial else None,
    }


def _named(path: str | None, sha: str | None) -> dict[str, str] | None:
    """The checkpoint that a run started from, by its source's name and its content."""
    return {"path": path, "sha256": sha} if path and sha else None


def _record(facts: dict[str, Any], seconds: float, threads: int) -> dict[str, Any]:
    hardware = provenance.hardware(threads)
    commit, dirty = provenance.commit()
    return {
        "best_epoch": facts.pop("best_epoch"),
        "epochs_run": facts.pop("epochs_run"),
        "model": facts,
        "seconds": round(seconds, 3),
        "gpu_seconds": round(seconds, 3) if hardware["gpu"] else None,
        "hardware": hardware,
        "versions": provenance.versions(),
        "commit": commit,
        "dirty": dirty,
        "slurm": provenance.slurm(),
    }


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, whole_file(target, "wb") as writer:
        shutil.copyfileobj(reader, writer)
