"""The state of an unfinished training, on disk at each epoch's end.

    state.pt          everything that the next epoch depends on
    history.csv       a row an epoch
    state.pt.damaged  a state that could not be read, until the training is finished

The first two are replaced as a whole, so a kill at any moment leaves the last good one.
"""

from __future__ import annotations

import contextlib
import csv
import io
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fairtrial import StoreError
from fairtrial.files.folders import whole_file

STATE = "state.pt"
DAMAGED = "state.pt.damaged"
HISTORY = "history.csv"
WEIGHTS = "weights.pt"


def commit(folder: Path, state: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """Replace the state in `folder`, and then the history: from here on the epoch counts.

    `state` holds tensors and plain values only: loading it must run no code of others.
    """
    import torch

    content = io.BytesIO()  # on a full disk torch's own writer fails with a riddle
    torch.save(state, content)
    with whole_file(folder / STATE, "wb") as file:
        file.write(content.getbuffer())
    write_history(folder, rows)


def last_state(folder: Path) -> dict[str, Any] | None:
    """What `commit` left, its tensors on the CPU; None at a first attempt.

    A damaged file is put aside as DAMAGED, with a word about it. Raises StoreError where the
    disk or the memory fails, for then the next attempt may read it.
    """
    import torch

    path = folder / STATE
    try:
        content = io.BytesIO(path.read_bytes())
        found: dict[str, Any] = torch.load(content, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = str(error).partition("\n")[0]
        if isinstance(error, OSError | MemoryError) or "allocate memory" in reason:
            raise StoreError(
                f"{path}: cannot be read now ({reason or 'out of memory'}); its epochs are not "
                "lost: the same command goes on from them once disk and memory allow it"
            ) from error
        print(f"{path}: cannot be read ({reason}); training starts afresh", file=sys.stderr)
        with contextlib.suppress(FileNotFoundError):  # another process of it was faster
            path.replace(folder / DAMAGED)
        return None
    return found


def write_history(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """history.csv: a row an epoch, numbers to six digits."""
    columns = list(rows[0]) if rows else ["epoch"]
    with whole_file(folder / HISTORY) as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def conditions(threads: int, **versions: str) -> dict[str, Any]:
    """What two attempts must have alike for their result to be that of one, to the bit."""
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {"threads": threads, "gpu": gpu, "torch": str(torch.__version__), **versions}


def deviations(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Why a training that goes on may differ from an uninterrupted one; empty: it does not."""
    found = [f"{n}: {then.get(n)}, then {now[n]}" for n in now if now[n] != then.get(n)]
    if now["gpu"]:
        found.append("on a GPU, where no training repeats itself to the bit")
    return found


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file, which appears under its name only when it is whole."""
    with source.open("rb") as reader, whole_file(target, "wb") as writer:
        shutil.copyfileobj(reader, writer)


def epochs_done(folder: Path) -> int:
    """How many epochs the history holds; quick, since it opens no state."""
    try:
        lines = (folder / HISTORY).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return 0
    return max(len(lines) - 1, 0)


def best_epoch(rows: Sequence[dict[str, Any]]) -> int | None:
    """The first epoch (from 1) with the highest fitness on val; None without an epoch."""
    scores = [row["val/fitness"] for row in rows]
    return scores.index(max(scores)) + 1 if scores else None


def finished(rows: Sequence[dict[str, Any]], epochs: int, patience: int) -> bool:
    """Whether all epochs are done, or none of the last `patience` was better; 0: never mind.

    Epochs count from the first with a fitness above 0: from scratch a detector may need some
    before it finds anything. This is the rule of Ultralytics, which stops by its own count.
    """
    best = best_epoch(rows)
    waited = len(rows) - best if best and rows[best - 1]["val/fitness"] > 0 else 0
    return len(rows) >= epochs or 0 < patience <= waited
