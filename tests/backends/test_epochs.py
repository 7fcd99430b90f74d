"""Batches of one epoch after another, by processes that are started once."""

from __future__ import annotations

import multiprocessing
import os
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from fairtrial.backends._epochs import EpochBatches, Place  # noqa: E402


class Named:
    """Each image is its place, and the process that loaded it."""

    def __getitem__(self, place: Place) -> tuple[Place, int]:
        return place, os.getpid()


def plan(epoch: int) -> list[list[int]]:
    """Epochs of unequal lengths."""
    return [[epoch, number] for number in range(2 + epoch)]


def as_list(items: list[Any]) -> list[Any]:
    return items


def places(batches: list[list[tuple[Place, int]]]) -> list[list[Place]]:
    return [[place for place, _ in batch] for batch in batches]


@pytest.mark.parametrize("workers", [0, 2])
def test_each_epoch_has_its_own_batches_from_the_same_processes(workers: int) -> None:
    batches = EpochBatches[Any](Named(), plan, 5, num_workers=workers, collate_fn=as_list)
    loaders: set[int] = set()
    for epoch in (0, 1, 2, 4, 4):  # the last ones are not the next: processes begin anew
        loaded = list(batches.of(epoch))
        assert places(loaded) == [[(epoch, n) for n in numbers] for numbers in plan(epoch)]
        loaders |= {process for batch in loaded for _, process in batch}
        if epoch == 2:
            assert len(loaders) == max(workers, 1), "one set of processes for three epochs"
    batches.close()
    assert multiprocessing.active_children() == []
    assert workers == 0 or len(loaders) == 3 * workers


def test_epochs_may_go_on_beyond_those_of_the_training() -> None:
    """As in a range test, which ends when it has seen enough."""
    batches = EpochBatches[Any](Named(), plan, 2, collate_fn=as_list)
    for epoch in range(4):
        assert len(list(batches.of(epoch))) == len(plan(epoch))


def test_what_loads_draws_nothing_from_the_training() -> None:
    """Else a training that is resumed would draw other numbers than one that is not."""
    torch.manual_seed(1)
    expected = float(torch.rand(()))
    torch.manual_seed(1)
    list(EpochBatches[Any](Named(), plan, 5, collate_fn=as_list).of(2))
    assert float(torch.rand(())) == expected


def test_an_epoch_that_was_broken_off_leaves_no_batch_to_the_next() -> None:
    batches = EpochBatches[Any](Named(), plan, 5, collate_fn=as_list)
    next(batches.of(0))
    assert places(list(batches.of(1)))[0] == [(1, 1), (1, 0)]
