"""start: Snakemake in the background, so that a closed terminal or connection ends nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from fairtrial import SettingsError
from fairtrial.commands._background import LOGS, in_background
from fairtrial.commands._working import StartedDriver, working_drivers
from fairtrial.files.folders import folder_lock
from fairtrial.files.logs import last_lines
from fairtrial.planning import drivers
from fairtrial.store import locks

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
        process = in_background([sys.executable, "-m", "snakemake", *arguments], log)
        StartedDriver.of(process.pid, log).note()
    _say_how_it_begins(process, log)


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
