"""One function on many items in parallel, with the results in order; items made ahead."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def map_in_order(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The results of `function` for all items, computed on all cores that this process may use.

    For work that releases the interpreter's lock: hashing, decoding, copying.
    """
    with ThreadPoolExecutor(max(2, cores())) as pool:
        return list(pool.map(function, items))


@contextmanager
def made_ahead(items: Iterable[T], most: int) -> Iterator[Iterator[T]]:
    """The same items, made by another thread, `most` of them before they are asked for. What
    making one raises is raised where it is asked for."""
    ready: queue.Queue[tuple[bool, T | BaseException | None]] = queue.Queue(most)
    stopped = threading.Event()

    def offer(is_item: bool, value: T | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                ready.put((is_item, value), timeout=0.1)
                return
            except queue.Full:
                continue

    def make() -> None:
        try:
            for item in items:
                offer(True, item)
                if stopped.is_set():
                    return
            offer(False, None)
        except BaseException as error:
            offer(False, error)

    def taken() -> Iterator[T]:
        while True:
            is_item, value = ready.get()
            if is_item:
                yield value  # type: ignore[misc]
            elif value is None:
                return
            else:
                raise value  # type: ignore[misc]

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        stopped.set()
        thread.join()


@contextmanager
def taken_ahead(
    function: Callable[[T], R],
    items: Iterable[T],
    cost: Callable[[T], int],
    most: int,
    threads: int,
) -> Iterator[Iterator[R]]:
    """The results of `function` in the order of the items, computed by threads before they are
    asked for, as long as the items that wait cost `most` at most; one always does.

    What an item raises is raised where its result is asked for.
    """
    pool = ThreadPoolExecutor(threads)
    waiting: deque[tuple[Future[R], int]] = deque()

    def results() -> Iterator[R]:
        held = 0
        for item in items:
            price = cost(item)
            while waiting and held + price > most:
                future, paid = waiting.popleft()
                yield future.result()
                held -= paid
            waiting.append((pool.submit(function, item), price))
            held += price
        while waiting:
            yield waiting.popleft()[0].result()

    try:
        yield results()
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # a SLURM job may use fewer cores than the machine has
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
