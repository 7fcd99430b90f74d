"""What NVIDIA's driver says of the machine's cards, by NVML: nothing where there is none.

No CUDA is started by it, so a process that asks holds no memory of a card.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Card:
    """One card. index: among all of the machine, as nvidia-smi counts; total and free: bytes of its
    memory, 0 where that is not known; processes: ids of those that compute on it, whoever's they
    are."""

    index: int
    uuid: str
    name: str = ""
    total: int = 0
    free: int = 0
    processes: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"GPU {self.index}"


def cards(parts: Sequence[str] = ()) -> list[Card]:
    """All cards of the machine that this process may use, whatever CUDA_VISIBLE_DEVICES says; none
    without a driver. parts: UUIDs of parts of cards (MIG), which are told, too."""
    found: list[Card] = []
    with _library() as nvml:
        for index in range(nvml.nvmlDeviceGetCount() if nvml else 0):
            with suppress(nvml.NVMLError):  # another job's, of which a cluster tells nothing
                found.append(_card(nvml, nvml.nvmlDeviceGetHandleByIndex(index), index))
        for number, uuid in enumerate(parts if nvml else ()):
            with suppress(nvml.NVMLError):
                found.append(_card(nvml, nvml.nvmlDeviceGetHandleByUUID(uuid.encode()), number))
    return found


def joules(uuid: str) -> float | None:
    """What a card has used since its driver was loaded, in joules; None where it does not tell."""
    with _library() as nvml:
        if nvml is None:
            return None
        try:
            handle = nvml.nvmlDeviceGetHandleByUUID(uuid.encode())
            return float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000
        except nvml.NVMLError:  # no such card, or an old one without a counter
            return None


def _card(nvml: Any, handle: Any, index: int) -> Card:
    total = free = 0
    processes: tuple[int, ...] = ()
    with suppress(nvml.NVMLError):  # of a card that has no memory of its own
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        total, free = int(memory.total), int(memory.free)
    with suppress(nvml.NVMLError):
        running = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
        processes = tuple(sorted(int(process.pid) for process in running))
    uuid, name = nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)
    return Card(index, uuid, name, total, free, processes)


@contextmanager
def _library() -> Iterator[Any]:
    """NVML while a block runs; None without package or driver."""
    try:
        import pynvml as nvml  # type: ignore[import-untyped]

        nvml.nvmlInit()
    except Exception:  # no package, no driver, no card, or no right to ask
        yield None
        return
    try:
        yield nvml
    finally:
        nvml.nvmlShutdown()
