"""start: Snakemake in the background, so that a closed terminal or connection ends nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fairtrial
from fairtrial import SettingsError
from fairtrial.commands._working import StartedDriver, working_drivers
from fairtrial.files.folders import folder_lock
from fairtrial.files.logs import last_lines
from fairtrial.planning import drivers
from fairtrial.store import locks

LOGS = Path("logs/snakemake")
PATIENCE = 120.0  # seconds for which it is waited until Snakemake works; large plans take longer


def start(*arguments: str) -> None:
    """Start Snakemake in the background, where a closed connection does not end it.

    What it says stands in a file of logs/snakemake/. `fairtrial status` shows how far it is,
    `fairtrial stop` ends it. There is one in a folder at a time.

    Args:
        arguments: what you would type after `snakemake`, as `--profile profiles/gpu`
    """
    with folder_lock(drivers.FOLDER):
        if working := working_drivers():
            raise SettingsError(
                f"a Snakemake works in this folder already: {'; '.join(map(str, working))}. "
                "`fairtrial status` shows how far it is, `fairtrial stop` ends it"
            )
        log = LOGS / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}.log"
        process = _background([sys.executable, "-m", "snakemake", *arguments], log)
        StartedDriver.of(process.pid, log).note()
    _say_how_it_begins(process, log)


def _background(command: list[str], log: Path) -> subprocess.Popen[bytes]:
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


def _say_how_it_begins(process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until it works or has ended. Raises SettingsError where it failed."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        if any(d.driver.holder.process == process.pid for d in drivers.recorded()):
            break
        time.sleep(0.1)
    said = "\n".join(last_lines(log))
    if process.returncode:
        raise SettingsError(f"Snakemake could not begin; {log} says:\n{said}")
    if process.returncode == 0:
        print(f"Snakemake has ended; {log} says:\n{said}")
        return
    print(
        f"Snakemake works as process {process.pid} on {locks.holder().host}; a closed connection "
        f"does not end it.\nIts output is in {log}; `fairtrial status --watch` shows how far it "
        "is, `fairtrial stop` ends it."
    )
