"""Where a training runs: on the CPU, on one GPU, or on several GPUs of one machine.

With several GPUs there is a process for each. This one is the first, and starts the others, which
compute other parts of each batch and end when this one ends. When one of them dies, this one fails
instead of waiting for it in the next all-reduce.
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
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TypeVar

import torch
from torch import distributed

from fairtrial import BackendError
from fairtrial.backends import _retinanet_images as pictures
from fairtrial.backends._epochs import EpochBatches, Plan
from fairtrial.backends._retinanet_settings import Settings

TIMEOUT = datetime.timedelta(hours=1)  # for the slowest process: process 0 also scores val
GRACE = 10  # seconds after another's death in which this process may fail with its own error

Item = TypeVar("Item")


@dataclass(frozen=True)
class Process:
    """The process number `rank` (from 0) of `world` that train together."""

    rank: int = 0
    world: int = 1

    @property
    def on_gpu(self) -> bool:
        """Whether it computes on a GPU."""
        return bool(torch.cuda.is_available())

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return torch.device("cuda", self.rank) if self.on_gpu else torch.device("cpu")

    def share(self, net: torch.nn.Module) -> torch.nn.Module:
        """The network, its gradients averaged over all processes (and batch norms over the
        whole batch, which torch can do on GPUs only)."""
        if self.world == 1:
            return net
        if self.on_gpu:
            torch.nn.SyncBatchNorm.convert_sync_batchnorm(net)
        return torch.nn.parallel.DistributedDataParallel(
            net, device_ids=[self.rank] if self.on_gpu else None
        )

    def load(
        self, images: pictures.Images, plan: Plan, settings: Settings
    ) -> EpochBatches[tuple[list[torch.Tensor], list[pictures.Target]]]:
        """The batches of each epoch as lists of images and of targets."""
        workers = self.loading(settings.workers)
        return pictures.loader(images, plan, settings.epochs, workers, pin=self.on_gpu)

    def loading(self, workers: int) -> int:
        """How many processes load images. None on the CPU: a run must not use more cores than its
        threads."""
        return workers if self.on_gpu else 0

    def to_device(
        self, images: list[torch.Tensor], targets: list[pictures.Target]
    ) -> tuple[list[torch.Tensor], list[dict[str, torch.Tensor]]]:
        """A batch on the device, its images as numbers from 0 to 1; of the targets `boxes` and
        `labels`."""
        moved = [image.to(self.device, non_blocking=True) / 255 for image in images]
        return moved, [
            {
                "boxes": target["boxes"].to(self.device, non_blocking=True),
                "labels": target["labels"].to(self.device, non_blocking=True),
            }
            for target in targets
        ]

    def mean(self, tensor: torch.Tensor) -> torch.Tensor:
        """The mean of a tensor over all processes. With several, it changes `tensor`."""
        if self.world > 1:
            distributed.all_reduce(tensor)
        return tensor / self.world

    def gather(self, items: list[Item]) -> list[Item]:
        """The items of all processes, by rank."""
        if self.world == 1:
            return items
        parts: list[list[Item]] = [[] for _ in range(self.world)]
        distributed.all_gather_object(parts, items)
        return [item for part in parts for item in part]


def world_size(batch: int) -> int:
    """How many processes share a batch: as many GPUs as are visible and divide it evenly."""
    most = min(torch.cuda.device_count(), batch)
    return next((n for n in range(most, 1, -1) if batch % n == 0), 1)


@contextmanager
def parallel(world: int, work: Callable[[Process], object]) -> Iterator[Process]:
    """This process as the first of `world`; the others run `work`, which must be picklable.

    Waits for them at the end. Raises BackendError where one of them died; ends this process, too,
    where it would wait for a dead one.
    """
    if world == 1:
        yield Process()
        return
    context = torch.multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder:
        rendezvous = Path(folder, "rendezvous")
        others = [
            # no daemons: these could not start processes that load images
            context.Process(target=_other, args=(rendezvous, rank, world, work))
            for rank in range(1, world)
        ]
        for other in others:
            other.start()
        try:
            process = Process(0, world)
            with _watched(others), _group_member(rendezvous, process), _killed_on_error(others):
                yield process
            for other in others:
                other.join()
        finally:
            _kill(others)


def _kill(others: list[SpawnProcess]) -> None:
    for other in others:
        other.kill()
        other.join()


def _death(others: list[SpawnProcess]) -> str | None:
    """A message about the first of the others that failed; None where none did."""
    for rank, other in enumerate(others, 1):
        if other.exitcode:
            return (
                f"process {rank} of the {len(others) + 1} that train together has died (exit code "
                f"{other.exitcode}; -9 is often a lack of memory); its own output is above"
            )
    return None


@contextmanager
def _watched(others: list[SpawnProcess]) -> Iterator[None]:
    """End this process where one of the others has died and this one does not notice.

    An all-reduce that waits for a dead process cannot be interrupted, so the whole process ends.
    """
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(1):
            if (death := _death(others)) and not finished.wait(GRACE):
                print(death, file=sys.stderr, flush=True)
                for other in others:
                    other.kill()
                os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        finished.set()


@contextmanager
def _killed_on_error(others: list[SpawnProcess]) -> Iterator[None]:
    """On an error kill the others first: leaving the process group may block until they leave.

    Raises BackendError instead of torch's RuntimeError where one of them had died.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, RuntimeError):  # torch's, perhaps because one of them is gone
            for other in others:
                other.join(2 / len(others))
        death = _death(others)
        _kill(others)
        if death and isinstance(error, RuntimeError):
            raise BackendError(death) from error
        raise


def _other(rendezvous: Path, rank: int, world: int, work: Callable[[Process], object]) -> None:
    """The main function of the other processes."""
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    process = Process(rank, world)
    with _group_member(rendezvous, process):
        work(process)


def _end_with_the_first() -> None:
    """Wait for the end of the first process, then end this one at once."""
    first = multiprocessing.parent_process()
    assert first is not None
    first.join()
    os._exit(1)


@contextmanager
def _group_member(rendezvous: Path, process: Process) -> Iterator[None]:
    """Make this process a member of torch's group whose processes find each other by the file
    `rendezvous`."""
    if process.on_gpu:
        torch.cuda.set_device(process.rank)
    distributed.init_process_group(
        "nccl" if process.on_gpu else "gloo",
        init_method=rendezvous.as_uri(),
        rank=process.rank,
        world_size=process.world,
        timeout=TIMEOUT,
    )
    try:
        yield
    finally:
        distributed.destroy_process_group()
