"""Which cards there are, by NVML's own library with answers in place of a driver's."""

from __future__ import annotations

from types import SimpleNamespace

import pynvml
import pytest

from fairtrial.devices import cards
from fairtrial.files.nvml import Card

GIB = 2**30


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three cards; the second is hidden from this process, the third tells no memory."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv(cards.FAKE, raising=False)

    def by_index(index: int) -> int:
        if index == 1:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NO_PERMISSION)
        return index

    def by_uuid(uuid: bytes) -> int:
        if uuid != b"MIG-7":
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return 7

    def memory(handle: int) -> SimpleNamespace:
        if handle == 2:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return SimpleNamespace(total=24 * GIB, free=20 * GIB)

    process = SimpleNamespace(pid=41)
    answers = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: 3,
        "nvmlDeviceGetHandleByIndex": by_index,
        "nvmlDeviceGetHandleByUUID": by_uuid,
        "nvmlDeviceGetMemoryInfo": memory,
        "nvmlDeviceGetComputeRunningProcesses": lambda handle: [process] if handle == 0 else [],
        "nvmlDeviceGetUUID": lambda handle: "MIG-7" if handle == 7 else f"GPU-a{handle}",
        "nvmlDeviceGetName": lambda _: "A card",
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)


def test_a_hidden_card_and_one_without_memory_of_its_own_stop_nobody() -> None:
    first, third = cards.all_cards()
    assert first == Card(0, "GPU-a0", "A card", 24 * GIB, 20 * GIB, (41,))
    assert third == Card(2, "GPU-a2", "A card")


@pytest.mark.parametrize(
    ("named", "uuids"),
    [
        (None, ["GPU-a0", "GPU-a2"]),
        ("1,0", ["GPU-a2", "GPU-a0"]),
        ("GPU-a2", ["GPU-a2"]),
        ("MIG-7", ["MIG-7"]),
        ("0,9,1", ["GPU-a0"]),
        ("-1", []),
        ("", []),
    ],
)
def test_visible_cards_are_cudas(
    named: str | None, uuids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert [card.uuid for card in cards.visible(cards.all_cards())] == uuids


def test_without_nvml_the_cards_are_those_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", absent)
    assert cards.all_cards() == []
    for named in (["3", "1"], ["1", "0"]):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(named))
        assert [card.uuid for card in cards.visible(cards.all_cards())] == named
