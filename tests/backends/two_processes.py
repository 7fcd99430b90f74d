"""Two processes that train together, the first of which waits for the other for ever.

python two_processes.py <what the other does> <a file in which it leaves its number>
"""

from __future__ import annotations

import functools
import os
import sys
import time
from pathlib import Path

from fairtrial.backends import _retinanet_processes as processes


def waits(number: Path, process: processes.Process) -> None:
    number.with_suffix(".part").write_text(str(os.getpid()))
    number.with_suffix(".part").replace(number)
    time.sleep(600)


def dies(number: Path, process: processes.Process) -> None:
    os._exit(9)


if __name__ == "__main__":
    processes.GRACE = 1
    other = functools.partial({"waits": waits, "dies": dies}[sys.argv[1]], Path(sys.argv[2]))
    with processes.parallel(2, other):
        time.sleep(600)  # as in an all-reduce that nothing interrupts
