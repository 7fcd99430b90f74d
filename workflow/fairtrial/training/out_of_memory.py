"""Too little memory, told in one sentence with what helps, instead of a framework's traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fairtrial import BackendError


@contextmanager
def helped(doing: str, remedy: str) -> Iterator[None]:
    """Within it the memory of a GPU or of the machine that does not suffice is a BackendError that
    says at what, and what would help. Other errors are passed on."""
    try:
        yield
    except (RuntimeError, MemoryError, BackendError) as error:
        if not isinstance(error, MemoryError) and "out of memory" not in str(error):
            raise
        if isinstance(error, BackendError):  # which says at what itself
            raise BackendError(f"{error}: {remedy}") from error
        reason = str(error).partition("\n")[0].rstrip(".")
        said = f" ({reason})" if reason else ""
        raise BackendError(f"out of memory {doing}{said}: {remedy}") from error


def training(run: str, batch: int) -> tuple[str, str]:
    """At what, and what helps, where a run is trained."""
    return (
        f"with a `batch` of {batch}",
        f"`fairtrial fit-batch <experiment>/{run}` finds the largest that fits; or set a smaller "
        "`batch`, a smaller `imgsz` or a smaller model in the experiment",
    )


def predicting(batch: int) -> tuple[str, str]:
    """The same where images are predicted."""
    if batch == 1:
        return (
            "at predicting a single image",
            "it needs more memory, or a smaller model",
        )
    return (
        f"at predicting {batch} images at once",
        "set a smaller `predict.batch` in params.yaml; 1 needs least",
    )
