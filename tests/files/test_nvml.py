"""What the driver says of the cards, from a library that answers like NVML."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from fairtrial.files import nvml
from fairtrial.files.nvml import Card


class DriverError(Exception):
    pass


class Library:
    """Two cards; the second has no counter of energy."""

    NVMLError = DriverError

    def __init__(self) -> None:
        self.open = 0

    def nvmlInit(self) -> None:
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: bytes) -> int:
        if uuid not in {b"GPU-0", b"GPU-1"}:
            raise DriverError("not found")
        return int(uuid[-1:])

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}"

    def nvmlDeviceGetName(self, handle: int) -> str:
        return "Card"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:
        return SimpleNamespace(total=16 * 2**30, free=(15 - handle) * 2**30)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=pid) for pid in (9, 7)[: 2 * handle]]

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        if handle == 1:
            raise DriverError("not supported")
        return 2500


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    library = Library()
    monkeypatch.setitem(sys.modules, "pynvml", library)
    return library


def test_cards_are_told_with_memory_and_everybodys_processes(library: Library) -> None:
    first, second = nvml.cards()
    assert first == Card(0, "GPU-0", "Card", 16 * 2**30, 15 * 2**30, ())
    assert (second.uuid, second.processes, second.free) == ("GPU-1", (7, 9), 14 * 2**30)
    assert library.open == 0, "left open"


def test_energy_is_in_joules_and_not_known_of_every_card(library: Library) -> None:
    assert [nvml.joules(f"GPU-{number}") for number in (0, 1, 2)] == [2.5, None, None]
    assert library.open == 0, "left open"


def test_without_driver_or_package_there_is_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver() -> None:
        raise DriverError("driver not loaded")

    library = Library()
    library.nvmlInit = no_driver  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "pynvml", library)
    assert (nvml.cards(), nvml.joules("GPU-0")) == ([], None)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert (nvml.cards(), nvml.joules("GPU-0")) == ([], None)
