"""Whether a stage works at this moment: a file with its process, touched as long as it runs.

`logs/<experiment>/<stage>/<run>.alive`, or `logs/<stage>/<source or data set>.alive`. A process
that was killed leaves it behind, untouched. No result depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fairtrial.files.modelfile import write_model
from fairtrial.store import locks


def alive_file(made: str | Path) -> Path:
    """The file of the job whose record is `made`."""
    _, *folders, name = (part for part in Path(made).parts if part != "made")
    return Path("logs", *folders, name).with_suffix(".alive")


@contextmanager
def shown_alive(made: Path) -> Iterator[None]:
    """Keep the file of a job meanwhile; one that cannot be written ends no job."""
    file = alive_file(made)
    with suppress(OSError):
        write_model(file, locks.holder())
    try:
        with locks.kept_alive(file):
            yield
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)
