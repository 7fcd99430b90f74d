"""The files of an unfinished training, from which the next attempt goes on.

    state.pt          everything that the next epoch depends on
    history.csv       a row an epoch
    state.pt.damaged  a state that could not be read; removed when the training is finished

The first two are replaced as whole files (`saving`), so that a kill at any moment leaves the last
good ones.
"""

from __future__ import annotations

import contextlib
import csv
import io
import shutil
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from fairtrial import StoreError
from fairtrial.files.folders import whole_file
from fairtrial.training.contract import HistoryRow

STATE = "state.pt"
DAMAGED = "state.pt.damaged"
HISTORY = "history.csv"
WEIGHTS = "weights.pt"


def last_state(folder: Path) -> dict[str, Any] | None:
    """The state that `saving.commit` wrote, its tensors on the CPU; None where there is none.

    A damaged file is renamed to DAMAGED, with a message on stderr, and None is returned. Raises
    StoreError where the disk or the memory fails, since the next attempt may be able to read it.
    """
    import torch

    path = folder / STATE
    try:
        content = io.BytesIO(path.read_bytes())
        _check(content)
        state: dict[str, Any] = torch.load(content, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = str(error).partition("\n")[0]
        if isinstance(error, OSError | MemoryError) or "allocate memory" in reason:
            raise StoreError(
                f"{path}: cannot be read now ({reason or 'out of memory'}); its epochs are not "
                "lost: the same command resumes the training once disk and memory allow it"
            ) from error
        print(f"{path}: cannot be read ({reason}); training starts anew", file=sys.stderr)
        with contextlib.suppress(FileNotFoundError):  # another process of the training was faster
            path.replace(folder / DAMAGED)
        return None
    return state


def _check(content: IO[bytes]) -> None:
    """Raise BadZipFile where a file of torch is not as it was written: torch writes checksums
    (CRC-32) into it, and does not look at them when it reads."""
    with zipfile.ZipFile(content) as archive:
        if name := archive.testzip():
            raise zipfile.BadZipFile(f"{name} was changed")
    content.seek(0)


def write_history(folder: Path, rows: Sequence[HistoryRow]) -> None:
    """Write history.csv: a row for each epoch, numbers to six significant digits."""
    columns = list(rows[0]) if rows else ["epoch"]
    with whole_file(folder / HISTORY) as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def conditions(threads: int, **versions: str) -> dict[str, Any]:
    """What two attempts must share for a result that equals that of one attempt bit by bit."""
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {"threads": threads, "gpu": gpu, "torch": str(torch.__version__), **versions}


def deviations(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Reasons why a resumed training may differ from an uninterrupted one; none where it cannot.

    then, now: the `conditions` of the two attempts.
    """
    reasons = [f"{n}: {then.get(n)}, then {now[n]}" for n in now if now[n] != then.get(n)]
    if now["gpu"]:
        reasons.append("on a GPU, where no training can be repeated bit by bit")
    return reasons


def all_deviations(state: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The distinct reasons of a state and of its restoration under the conditions `now`."""
    reasons = [*state["deviations"], *deviations(state["conditions"], now)]
    return list(dict.fromkeys(reasons))


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file, which appears under its name only when it is whole."""
    with source.open("rb") as reader, whole_file(target, "wb") as writer:
        shutil.copyfileobj(reader, writer)


def epochs_done(folder: Path) -> int:
    """How many epochs the history holds; 0 where there is none. Does not open the state."""
    try:
        lines = (folder / HISTORY).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return 0
    return max(len(lines) - 1, 0)


def best_epoch(rows: Sequence[HistoryRow]) -> int | None:
    """The first epoch (from 1) with the highest fitness on val; None without an epoch."""
    scores = [row["val/fitness"] for row in rows]
    return scores.index(max(scores)) + 1 if scores else None


def finished(rows: Sequence[HistoryRow], epochs: int, patience: int) -> bool:
    """Whether all epochs are done, or the last `patience` brought no improvement (early
    stopping); `patience` 0 switches early stopping off.

    Epochs count from the first with a fitness above 0: from scratch a detector may need some
    before it finds anything. Ultralytics, which counts by itself, has the same rule.
    """
    best = best_epoch(rows)
    waited = len(rows) - best if best and rows[best - 1]["val/fitness"] > 0 else 0
    return len(rows) >= epochs or 0 < patience <= waited
