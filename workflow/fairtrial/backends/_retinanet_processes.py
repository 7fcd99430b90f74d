"""Where a training runs: on the CPU, on one GPU, or on several GPUs of one machine.

With several GPUs this process is the first of as many; the others are started here, do the
same with other parts of each batch, and end with this one, however it ends. When one of them
dies this one fails, and does not wait for it in the next all-reduce.
"""

from __future__ import annotations

import datetime
import multiprocessing
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from fairtrial import BackendError
from fairtrial.backends import _retinanet_images as pictures

PATIENCE = datetime.timedelta(hours=1)  # for the slowest process: process 0 also scores val
GRACE = 10  # seconds in which this process may fail of itself, and say why, after another's death


@dataclass(frozen=True)
class Process:
    """One of `world` processes that train together, and what differs between them."""

    rank: int = 0
    world: int = 1

    @property
    def on_gpu(self) -> bool:
        """Whether it computes on a GPU."""
        return bool(torch.cuda.is_available())

    @property
    def device(self) -> Any:
        """Where its tensors are."""
        return torch.device("cuda", self.rank) if self.on_gpu else torch.device("cpu")

    def share(self, net: Any) -> Any:
        """The network, its gradients averaged over all processes (and batch norms over the
        whole batch, which torch can do on GPUs only)."""
        if self.world == 1:
            return net
        if self.on_gpu:
            torch.nn.SyncBatchNorm.convert_sync_batchnorm(net)
        return torch.nn.parallel.DistributedDataParallel(
            net, device_ids=[self.rank] if self.on_gpu else None
        )

    def load(self, images: Any, batches: list[list[int]], workers: int) -> Any:
        """torch's loader. On the CPU images are loaded by this process: a run has `threads`."""
        return pictures.loader(images, batches, workers if self.on_gpu else 0, pin=self.on_gpu)

    def take(self, images: list[Any], targets: list[dict[str, Any]]) -> tuple[Any, Any]:
        """A batch on the device, its images as numbers from 0 to 1."""
        moved = [image.to(self.device, non_blocking=True) / 255 for image in images]
        return moved, [
            {k: target[k].to(self.device, non_blocking=True) for k in ("boxes", "labels")}
            for target in targets
        ]

    def mean(self, tensor: Any) -> Any:
        """The mean of a tensor over all processes."""
        if self.world > 1:
            distributed.all_reduce(tensor)
        return tensor / self.world

    def gather(self, items: list[Any]) -> list[Any]:
        """The items of all processes, by rank."""
        if self.world == 1:
            return items
        found: list[Any] = [None] * self.world
        distributed.all_gather_object(found, items)
        return [item for part in found for item in part]


def fitting(batch: int) -> int:
    """How many processes share a batch: as many GPUs as are visible and divide it evenly."""
    most = min(torch.cuda.device_count(), batch)
    return next((n for n in range(most, 1, -1) if batch % n == 0), 1)


@contextmanager
def together(world: int, work: Callable[[Process], Any]) -> Iterator[Process]:
    """This process as the first of `world`; the others run `work`, which must be picklable."""
    if world == 1:
        yield Process()
        return
    context = torch.multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder:
        meeting = Path(folder, "meeting")
        others = [
            context.Process(target=_other, args=(meeting, rank, world, work))  # may load images
            for rank in range(1, world)
        ]
        for other in others:
            other.start()
        try:
            with _watched(others), _joined(meeting, process := Process(0, world)), _led(others):
                yield process
            for other in others:
                other.join()
        finally:
            _end(others)


def _end(others: list[Any]) -> None:
    for other in others:
        other.kill()
        other.join()


def _died(others: list[Any]) -> str | None:
    """What to say of the first of the others that failed."""
    for rank, other in enumerate(others, 1):
        if other.exitcode:
            return (
                f"process {rank} of the {len(others) + 1} that train together has died (exit code "
                f"{other.exitcode}; -9 is often a lack of memory); what it said stands above"
            )
    return None


@contextmanager
def _watched(others: list[Any]) -> Iterator[None]:
    """End this process where one of the others has died and it does not notice.

    An all-reduce that waits for a dead process can be ended by nothing less.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1):
            if (died := _died(others)) and not over.wait(GRACE):
                print(died, file=sys.stderr, flush=True)
                for other in others:
                    other.kill()
                os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()


@contextmanager
def _led(others: list[Any]) -> Iterator[None]:
    """On an error end the others first: to leave the group may be to wait for them."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, RuntimeError):  # torch's, perhaps for one of them is gone
            for other in others:
                other.join(2 / len(others))
        died = _died(others)
        _end(others)
        if died and isinstance(error, RuntimeError):
            raise BackendError(died) from error
        raise


def _other(meeting: Path, rank: int, world: int, work: Callable[[Process], Any]) -> None:
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    with _joined(meeting, process := Process(rank, world)):
        work(process)


def _end_with_the_first() -> None:
    first = multiprocessing.parent_process()
    assert first is not None
    first.join()
    os._exit(1)


@contextmanager
def _joined(meeting: Path, process: Process) -> Iterator[None]:
    """A member of the group whose processes meet in the file `meeting`."""
    if process.on_gpu:
        torch.cuda.set_device(process.rank)
    distributed.init_process_group(
        "nccl" if process.on_gpu else "gloo",
        init_method=meeting.as_uri(),
        rank=process.rank,
        world_size=process.world,
        timeout=PATIENCE,
    )
    try:
        yield
    finally:
        distributed.destroy_process_group()
