"""stop: end this folder's Snakemake as Ctrl-C does, and wait for it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from fairtrial import SettingsError
from fairtrial.commands._working import NOBODY, WorkingDriver, working_drivers
from fairtrial.planning import offers
from fairtrial.store import locks

PATIENCE = 60.0  # seconds until Ctrl-C is pressed again, where nothing works any more
POLL = 0.5  # seconds between two looks at what still works


def stop() -> None:
    """End the Snakemake of this folder as Ctrl-C does, and wait until it has ended.

    Trainings save their newest state first, and jobs of a cluster are cancelled. The same command,
    or `fairtrial start`, goes on from there. Machines that take part by `join` stop, too. Ctrl-C
    ends the waiting alone.
    """
    working = working_drivers()
    here = [driver for driver in working if driver.is_here]
    if not working and not offers.helpers():
        print(NOBODY)
        return
    if working and not here:
        raise SettingsError(
            f"the Snakemake of this folder works on another machine: {'; '.join(map(str, working))}"
            f". Type `fairtrial stop` on {working[0].holder.host}"
        )
    jobs = _working_jobs()  # those that are told to end, which may be fast
    for helper in offers.helpers():
        offers.stop_file(helper).touch()
    for driver in here:
        _interrupt(driver)
    _wait_for(here, jobs)
    print("Snakemake has ended. The same command goes on where it stopped.")


def _interrupt(driver: WorkingDriver) -> None:
    """Send the signal of Ctrl-C to a driver and its jobs. Raises SettingsError where it has no
    effect."""
    import psutil

    process = driver.holder.process
    if _ignores_interrupts(process):
        raise SettingsError(
            f"process {process} ignores Ctrl-C, as a script started it in the background; "
            f"`kill {process}` lets it end when the jobs that run have ended"
        )
    with suppress(ProcessLookupError, psutil.NoSuchProcess):
        if os.getpgid(process) == process:
            os.killpg(process, signal.SIGINT)
            return
        for member in [*psutil.Process(process).children(recursive=True), psutil.Process(process)]:
            member.send_signal(signal.SIGINT)


def _ignores_interrupts(process: int) -> bool:
    """Whether a process of Linux ignores SIGINT."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("SigIgn:"):
                return bool(int(line.split()[1], 16) & 1 << (signal.SIGINT - 1))
    return False


def _wait_for(drivers: list[WorkingDriver], jobs: list[str]) -> None:
    """Wait until drivers and those that take part have ended, and say what they wait for, first for
    `jobs`, whenever that changes."""
    said, again = "", time.monotonic() + PATIENCE
    if jobs:
        said = f"waiting for {', '.join(jobs)}"
        print(said, flush=True)
    while (ours := any(driver.is_here for driver in drivers)) or offers.helpers():
        others = [f"`join` on {helper.holder.host}" for helper in offers.helpers().values()]
        jobs = _working_jobs()
        if not jobs and time.monotonic() > again:
            again = time.monotonic() + PATIENCE
            _interrupt_again(drivers)
        jobs = jobs or ["Snakemake"] if ours else []
        text = f"waiting for {', '.join([*jobs, *others])}"
        if text != said:
            said = text
            print(text, flush=True)
        time.sleep(POLL)


def _interrupt_again(drivers: list[WorkingDriver]) -> None:
    """As a person presses Ctrl-C again: one that met Snakemake while it asked a cluster for its
    queue may have ended that question alone. Jobs get no second signal."""
    for driver in drivers:
        with suppress(ProcessLookupError):
            os.kill(driver.holder.process, signal.SIGINT)


def _working_jobs() -> list[str]:
    """The jobs of this folder that work on this machine: `train compare/small-s0`."""
    names = []
    for file in sorted(Path("logs").rglob("*.alive")):
        with suppress(OSError):
            if locks.is_alive_here(locks.read(file)):
                *folders, stage = file.parent.parts[1:]
                names.append(f"{stage} {'/'.join([*folders, file.stem])}")
    return names
