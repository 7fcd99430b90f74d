"""The most memory that this process has held, as the system counts it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


def forget_peak() -> bool:
    """Let the peak begin at what the process holds now. Returns whether the system could: else
    `peak` is that since the process began."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def peak() -> int:
    """Bytes that the process held in memory at most."""
    try:
        found = PEAK.search(Path("/proc/self/status").read_text(encoding="ascii"))
    except OSError:
        found = None
    if found:
        return 1024 * int(found[1])
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
