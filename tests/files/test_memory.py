"""The peak of this process's memory, and how it begins anew."""

from __future__ import annotations

import numpy as np
import psutil

from fairtrial.files import memory

MIB = 2**20


def test_the_peak_outlives_what_was_held_and_can_be_forgotten() -> None:
    held = np.ones(64 * MIB, np.uint8)
    before = psutil.Process().memory_info().rss
    del held
    assert memory.peak() >= before - 2 * MIB
    if memory.forget_peak():
        assert memory.peak() <= before - 32 * MIB, "what was freed does not count"
    now = psutil.Process().memory_info().rss
    assert memory.peak() >= now - 2 * MIB
