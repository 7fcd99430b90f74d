"""What NVIDIA's driver says of the machine's cards, by NVML: nothing where there is none.

No CUDA is started by it, so a process that asks holds no memory of a card.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Card:
    """One card. index: among all of the machine; total and free: bytes of its memory; processes:
    ids of those that compute on it, whoever's they are."""

    index: int
    uuid: str
    name: str
    total: int
    free: int
    processes: tuple[int, ...]


def cards() -> list[Card]:
    """All cards of the machine, whatever CUDA_VISIBLE_DEVICES says; none without a driver."""
    with _library() as nvml:
        if nvml is None:
            return []
        return [_card(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]


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


def _card(nvml: Any, index: int) -> Card:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    running = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
    return Card(
        index=index,
        uuid=nvml.nvmlDeviceGetUUID(handle),
        name=nvml.nvmlDeviceGetName(handle),
        total=int(memory.total),
        free=int(memory.free),
        processes=tuple(sorted(int(process.pid) for process in running)),
    )


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
