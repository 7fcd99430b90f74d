"""Processes that go on when the terminal or the connection is closed."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import fairtrial

LOGS = Path("logs/snakemake")


def in_background(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A process in a session of its own: no terminal ends it, and Ctrl-C's signal can."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # in the background of a script
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
        )


def _environment() -> dict[str, str]:
    """That of this process, without the path of the code that the command `fairtrial` has added."""
    own = str(Path(fairtrial.__file__).parents[1])
    paths = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p not in ("", own)]
    others = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return others | ({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})
