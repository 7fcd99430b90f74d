"""The GPUs of this machine, and those among them that a process may use.

Cards are known by their UUID; their numbers are those of nvidia-smi, which need not be CUDA's.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import ConfigDict, RootModel

from fairtrial.files import nvml
from fairtrial.files.modelfile import read_model
from fairtrial.files.nvml import Card

VISIBLE = "CUDA_VISIBLE_DEVICES"
FAKE = "FAIRTRIAL_FAKE_GPUS"  # a file with cards instead of real ones, for tests
PART = "MIG-"  # how the UUID of a part of a card begins


class FakeCards(RootModel[list[Card]]):
    """The file that FAKE names."""

    model_config = ConfigDict(frozen=True, strict=True)


def all_cards() -> list[Card]:
    """All cards of this machine; without NVIDIA's driver those that CUDA_VISIBLE_DEVICES names, of
    which nothing else is known."""
    if FAKE in os.environ:
        return read_model(Path(os.environ[FAKE]), FakeCards).root
    named = _named() or []
    found = nvml.cards([name for name in named if name.startswith(PART)])
    return found or [Card(number, name) for number, name in enumerate(named) if name != "-1"]


def visible(cards: Sequence[Card]) -> list[Card]:
    """Those of `cards` that this process may use; as for CUDA, a name that stands for none of them
    hides those after it."""
    named = _named()
    if named is None:
        return list(cards)
    chosen: list[Card] = []
    for name in named:
        found = [card for card in cards if card.uuid == name] or _meant(name, cards)
        if not found:
            break
        chosen.append(found[0])
    return chosen


def _named() -> list[str] | None:
    """The entries of CUDA_VISIBLE_DEVICES; None where it is not set."""
    text = os.environ.get(VISIBLE)
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def _meant(name: str, cards: Sequence[Card]) -> Sequence[Card]:
    """The cards that a number, or the beginning of a UUID, stands for. A number counts the cards
    that the process may use: where a cluster hides some from it, the first of the others is 0."""
    if name.isdecimal():
        return cards[int(name) : int(name) + 1]
    return [card for card in cards if card.uuid.startswith(name)]
