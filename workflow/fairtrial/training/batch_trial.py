"""A few steps of a training at one batch, in a process of its own: do they fit, and how fast are
they? Nothing is kept of them.

    python -m fairtrial.training.batch_trial < trial.json > outcome.json
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal
from unittest import mock

from pydantic import ValidationError

from fairtrial import BackendError
from fairtrial.data.dataset import SplitDataset
from fairtrial.data.split_dataset import read_leak_free_dataset
from fairtrial.files import memory
from fairtrial.files.modelfile import FileModel
from fairtrial.plugins import plugin
from fairtrial.training.cached_training import backend_settings
from fairtrial.training.contract import HistoryRow
from fairtrial.training.unpickling import trusting

STEPS = 4  # batches; after the first, the optimizer has its whole memory


class BatchTrial(FileModel):
    """Settings and files of the training; memory: bytes of a GPU that it may take, None: all."""

    backend: str
    settings: dict[str, Any]
    trusted: str | None
    annotations: str
    split: str
    images: str
    pretrained: str | None
    threads: int
    batch: int
    memory: int | None


class BatchOutcome(FileModel):
    """peak: bytes at most, of the GPU or of the process; rate: images a second of training steps,
    None where train has too few images to tell; problem: why it cannot be tried, else empty."""

    fits: bool
    peak: int
    memory_of: Literal["gpu", "process"]
    rate: float | None = None
    problem: str = ""


class _EnoughError(Exception):
    """Ends a training that has shown what it needs."""


@dataclass
class _Steps:
    """When the gradients of each batch were there, by epoch."""

    epochs: list[list[float]] = field(default_factory=lambda: [[]])

    def after_batch(self) -> None:
        self.epochs[-1].append(time.monotonic())

    def after_epoch(self, row: HistoryRow) -> None:
        if sum(map(len, self.epochs)) >= min(STEPS, 2):
            raise _EnoughError
        self.epochs.append([])

    def rate(self, batch: int) -> float | None:
        """Images a second between the batches of an epoch, but for its first one."""
        gaps = [later - earlier for e in self.epochs for earlier, later in pairwise(e)]
        later = gaps[1:] or gaps
        return batch * len(later) / sum(later) if sum(later) > 0 else None


def tried(trial: BatchTrial) -> BatchOutcome:
    """Train some steps, the end of an epoch with its evaluation among them."""
    settings = backend_settings(trial.backend, trial.settings | {"batch": trial.batch})
    whole = read_leak_free_dataset(
        Path(trial.annotations), Path(trial.split), Path(trial.images), settings.train_share
    )
    data = crowded(whole, trial.batch)
    gpu = _gpu(trial.memory)
    steps = _Steps()
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder, _counted(steps):
        try:
            plugin("backends", trial.backend).fit(
                settings.model_copy(update={"train_share": 1.0}),
                data,
                Path(trial.pretrained) if trial.pretrained else None,
                Path(folder),
                trial.threads,
                steps.after_epoch,
            )
        except _EnoughError:
            pass
        except (RuntimeError, MemoryError, BackendError) as error:
            if isinstance(error, MemoryError) or "out of memory" in str(error):
                return BatchOutcome(fits=False, peak=_peak(gpu), memory_of=_kind(gpu))
            raise
    return BatchOutcome(
        fits=True, peak=_peak(gpu), memory_of=_kind(gpu), rate=steps.rate(trial.batch)
    )


def crowded(data: SplitDataset, batch: int) -> SplitDataset:
    """As many images of train as STEPS full batches take, and two batches of val: those with the
    most objects, whose batches need the most memory."""
    objects = Counter(annotation.image_id for annotation in data.dataset.annotations)
    train = data.splits["train"]
    full = max(1, min(STEPS, len(train) // batch))
    wanted = {"train": full * batch, "val": 2 * batch, "test": 0}
    splits = {
        name: sorted(sorted(ids, key=lambda image: (-objects[image], image))[: wanted[name]])
        for name, ids in data.splits.items()
    }
    return SplitDataset(data.dataset, splits, data.folder)


@contextlib.contextmanager
def _counted(steps: _Steps) -> Iterator[None]:
    """Within it each call of `backward` is counted: every loop has one a batch."""
    import torch

    backward = torch.Tensor.backward

    def counting(loss: Any, *arguments: Any, **keywords: Any) -> None:
        backward(loss, *arguments, **keywords)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        steps.after_batch()

    with mock.patch.object(torch.Tensor, "backward", counting):
        yield


def _gpu(limit: int | None) -> Any:
    """torch's functions of its GPUs, with a limit to the memory of the first; None without one."""
    import torch

    if not torch.cuda.is_available():
        memory.forget_peak()
        return None
    if limit is not None:
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total))
    return torch.cuda


def _peak(gpu: Any) -> int:
    return memory.peak() if gpu is None else int(gpu.max_memory_reserved())


def _kind(gpu: Any) -> Literal["gpu", "process"]:
    return "process" if gpu is None else "gpu"


def _main() -> None:
    """Read a trial and write its outcome; what backends print goes to the other stream."""
    trial = BatchTrial.model_validate_json(sys.stdin.read())
    answer = sys.stdout
    with contextlib.redirect_stdout(sys.stderr), trusting(trial.trusted):
        try:
            outcome = tried(trial)
        except (BackendError, ValidationError) as error:
            outcome = BatchOutcome(fits=False, peak=0, memory_of="process", problem=str(error))
    answer.write(outcome.model_dump_json())


if __name__ == "__main__":
    _main()
