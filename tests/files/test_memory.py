"""The peak of this process's memory, and how it begins anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fairtrial.files import memory

PACKAGES = Path(memory.__file__).parents[2]
MIB = 2**20
# In a process of its own: libraries that other tests load change what free() gives back.
HOLD_AND_FREE = """
import numpy, psutil
from fairtrial.files import memory
held = numpy.ones(64 * 2**20, numpy.uint8)
before = psutil.Process().memory_info().rss
del held
first, could = memory.peak(), memory.forget_peak()
print(before, first, int(could), memory.peak(), psutil.Process().memory_info().rss)
"""


def test_the_peak_outlives_what_was_held_and_can_be_forgotten() -> None:
    command = [sys.executable, "-c", HOLD_AND_FREE]
    env = os.environ | {"PYTHONPATH": str(PACKAGES)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    before, first, could, second, now = map(int, done.stdout.split())
    assert first >= before - 2 * MIB
    if could:
        assert second <= before - 32 * MIB, "what was freed does not count"
    assert second >= now - 2 * MIB
