"""train: fits one run, in the store; the declared outputs are copies of its entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairtrial.data.dataset import read_splits
from fairtrial.data.leaks import read_leak_free_dataset
from fairtrial.files import checksums
from fairtrial.files.jsonfile import read_json, write_json
from fairtrial.store import keys
from fairtrial.training import progress
from fairtrial.training.cached_training import entry_key, train_or_adopt
from fairtrial.training.checkpoint import copy_whole


def train(
    *,
    settings: dict[str, Any],
    code: str,
    images: Path,
    annotations: Path,
    split: Path,
    initial: Path | None,
    continues: Path | None,
    chosen: Path | None,
    threads: int,
    weights: Path,
    record: Path,
    history: Path,
) -> None:
    """Train one run, or take it from the store where an equal one is finished.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        code: fingerprint of the code that trains
        images: the folder of images
        annotations: the data set's annotations
        split: the data set's split certificate
        initial: the pretrained checkpoint to start from, or nothing
        continues: record.json of the run from whose end state this one goes on, or nothing
        chosen: settings that a search gives this run, or nothing
        threads: CPU threads
        weights: file to write: the trained weights
        record: file to write: what made them
        history: file to write: a row an epoch

    Raises:
        BackendError: the backend did not do what the settings ask for
        DataError: the split leaks
        StoreError: an entry of the store cannot be used
    """
    earlier = read_json(continues) if continues else {}
    inputs = inputs_of(annotations, split, initial) | _continued(earlier)
    framework = settings["backend"]
    own, trial = _own(settings, chosen)
    with progress.reported(weights, settings, entry_key(framework, own, code, inputs)) as live:
        entry, adopted = train_or_adopt(
            framework=framework,
            settings=own,
            code=code,
            inputs=inputs,
            view=lambda: read_leak_free_dataset(annotations, split, images),
            initial=initial,
            threads=threads,
            after_epoch=live.after_epoch,
        )
        name = _name(weights.parent.name, annotations.parent.name, settings["seed"]) | {
            "backend": framework,
            "settings": own,
            "key": entry.name,
            "code": code,
            "inputs": inputs | {"weights": _named(settings["weights"], inputs["weights"])},
            "continued_from": earlier.get("run"),
            "adopted": adopted,
        }
        copy_whole(entry / "weights.pt", weights)
        copy_whole(entry / "history.csv", history)
        write_json(record, read_json(entry / "record.json") | name | trial)


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
        "split": keys.key(read_splits(split)),
        "weights": checksums.sha256(initial) if initial else None,
    }


def _continued(earlier: dict[str, Any]) -> dict[str, str | None]:
    return {"continues": earlier["key"]} if earlier else {}


def _name(run: str, dataset: str, seed: int) -> dict[str, Any]:
    configuration = run.rpartition("-s")[0]
    return {"run": run, "configuration": configuration, "dataset": dataset, "seed": seed}


def _named(path: str | None, sha: str | None) -> dict[str, str] | None:
    """The checkpoint that a run started from, by its source's name and its content."""
    return {"path": path, "sha256": sha} if path and sha else None
