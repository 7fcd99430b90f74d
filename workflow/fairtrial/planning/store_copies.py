"""Whether the store still has what a job under results/ was copied from."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from fairtrial import DataError
from fairtrial.files.checksums import sha256
from fairtrial.lineage.made import read_made
from fairtrial.planning.job_names import JobName
from fairtrial.store import entries, sums
from fairtrial.training.checkpoint import STATE, WEIGHTS
from fairtrial.training.record import read_record


def has_training(job: JobName) -> bool:
    """Whether the store has a whole entry with the weights of a run."""
    weights, record = (Path(name) for name in job.outputs[:2])
    with suppress(DataError):
        entry = entries.root() / "runs" / read_record(record).key
        if not sums.damage(entry, (STATE,)):
            return True
    total = _recorded(job, weights)
    found = (entry for entry in entries.entries("runs") if _weights_sha256(entry) == total)
    return any(not sums.damage(entry, (STATE,)) for entry in found)


def has_search(job: JobName) -> bool:
    """Whether the store has the study of a worker."""
    (done,) = (Path(name) for name in job.outputs)
    total = _recorded(job, done)
    studies = (path.name for path in (entries.root() / "searches").glob("*"))
    return any(_of_text(json.dumps({"study": key}, indent=1) + "\n") == total for key in studies)


def _recorded(job: JobName, file: Path) -> str:
    """The SHA-256 of an output by the job's record; without a record, as it is."""
    with suppress(DataError):
        return read_made(Path(job.made)).outputs.get(file.as_posix(), "")
    return sha256(file) if file.is_file() else ""


def _weights_sha256(entry: Path) -> str:
    try:
        return str(json.loads((entry / sums.FILE).read_text(encoding="utf-8"))[WEIGHTS])
    except (OSError, ValueError, KeyError, TypeError):
        return "none"


def _of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
