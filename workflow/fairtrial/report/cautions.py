"""What a reader must know before believing a table: unequal code, versions, machines, data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.run import FinishedRun

HARDWARE = ("cpu", "gpu", "cores", "threads")


def cautions(trial: ExperimentResults) -> list[str]:
    """One sentence a caution, the weightiest first; none for runs made alike."""
    found = [
        *(leak for view in trial.datasets.values() for leak in overlaps(view)),
        *(doubt for view in trial.datasets.values() for doubt in alike(view)),
        *_comparability(trial),
        *_code(trial),
        *_versions(trial),
        *_hardware(trial),
        *_seeds(trial),
        *_resumed(trial),
    ]
    if any(run.record.get("dirty") for run in trial.runs):
        found.append("Some runs were made with changes that were not committed to git.")
    return found


def _comparability(trial: ExperimentResults) -> list[str]:
    found = []
    if len(trial.comparisons) > 1:
        found.append(
            "Not all configurations were scored on the same images with the same ground truth. "
            "They stand in separate tables, and nothing is said across them."
        )
    if any(c.split == "val" for c in trial.comparisons):
        found.append(
            "Without a test set all figures come from val, where the best was chosen too: "
            "they flatter it."
        )
    for comparison in trial.comparisons:
        if not comparison.same_val:
            found.append(
                f"The data sets {comparison.names} share their test images but not their val "
                "images, so the choice of the best on val compares unlike figures."
            )
    return found


def overlaps(view: DatasetDescription) -> list[str]:
    """Leaks between the splits of a data set: a sentence a pair of splits, and one of copies."""
    found = [
        f"Data set {view.name}: {count} images of {side} have their content or their group on "
        f"{other} too, which flatters the figures."
        for side, other in (("test", "train"), ("test", "val"), ("val", "train"))
        if (count := view.shared_images(side, other))
    ]
    if leak := view.certificate.leaks.get("near"):
        found.append(
            f"Data set {view.name}: {leak.images} images have a copy of their picture in "
            "another split, which flatters the figures."
        )
    return found


def alike(view: DatasetDescription) -> list[str]:
    """Pairs in two splits that may show the same."""
    pairs = len(view.certificate.duplicates.doubtful_across)
    if not pairs:
        return []
    return [
        f"Data set {view.name}: pairs of images that look alike are in two splits ({pairs} such "
        "pairs). If they show the same, that flatters the figures: see them in section Data."
    ]


def _code(trial: ExperimentResults) -> list[str]:
    """A backend's fingerprint differs from another's by design, so each is looked at alone."""
    found = []
    for backend in sorted({str(run.record.get("backend")) for run in trial.runs}):
        runs = [run for run in trial.runs if str(run.record.get("backend")) == backend]
        groups = _by(runs, lambda run: str(run.record.get("code"))[:8])
        if len(groups) > 1:
            found.append(f"Training code ({backend}) differs: {_listed(groups, trial)}.")
    return found


def _versions(trial: ExperimentResults) -> list[str]:
    names = sorted({name for run in trial.runs for name in run.record.get("versions") or {}})
    found = []
    for name in names:
        runs = [run for run in trial.runs if name in (run.record.get("versions") or {})]
        groups = _by(runs, lambda run, key=name: str(run.record["versions"][key]))
        if len(groups) > 1:
            found.append(f"Versions of {name} differ: {_listed(groups, trial)}.")
    return found


def _hardware(trial: ExperimentResults) -> list[str]:
    found = []
    for name in HARDWARE:
        groups = _by(
            trial.runs, lambda run, key=name: str((run.record.get("hardware") or {}).get(key))
        )
        if len(groups) > 1:
            found.append(f"Hardware differs, {name}: {_listed(groups, trial)}.")
    return found


def _seeds(trial: ExperimentResults) -> list[str]:
    sets = {tuple(sorted({run.seed for run in c.runs})) for c in trial.configurations}
    if len(sets) > 1:
        return ["The configurations were not run with the same seeds."]
    return []


def _resumed(trial: ExperimentResults) -> list[str]:
    """On the CPU an interruption changes nothing; what it may have changed is in the record."""
    groups = _by(trial.runs, lambda run: "; ".join(run.record.get("deviations") or []))
    groups.pop("", None)
    if not groups:
        return []
    return [
        "Some runs were interrupted and went on under other conditions, so they may differ from "
        f"uninterrupted ones: {_listed(groups, trial)}."
    ]


def _by(runs: list[FinishedRun], read: Callable[..., str]) -> dict[str, list[FinishedRun]]:
    groups: dict[str, list[FinishedRun]] = {}
    for run in runs:
        groups.setdefault(read(run), []).append(run)
    return groups


def _listed(groups: dict[str, list[FinishedRun]], trial: ExperimentResults) -> str:
    """`2.13 (A, B), 2.15 (C)`, by letter; beyond eight letters, by number of runs."""
    letters = {run.name: c.letter for c in trial.configurations for run in c.runs}
    said = []
    for shown, runs in sorted(groups.items()):
        owners = list(dict.fromkeys(letters[run.name] for run in runs))
        text = ", ".join(owners) if len(owners) <= 8 else f"{len(runs)} runs"
        said.append(f"{'none' if shown == 'None' else shown} ({text})")
    return "; ".join(said)


def differences(parts: list[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """What is equal in all of several mappings, and the keys that are not (or are missing)."""
    keys = sorted({key for part in parts for key in part})
    equal = {
        key: parts[0][key]
        for key in keys
        if all(key in part and part[key] == parts[0][key] for part in parts)
    }
    return equal, [key for key in keys if key not in equal]
