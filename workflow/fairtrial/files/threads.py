"""One function on many items in parallel, with the results in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def map_in_order(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The results of `function` for all items, computed on all cores that this process may use.

    For work that releases the interpreter's lock: hashing, decoding, copying.
    """
    with ThreadPoolExecutor(max(2, _cores())) as pool:
        return list(pool.map(function, items))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # a SLURM job may use fewer cores than the machine has
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
