"""join: this machine trains runs of the experiment that another one drives."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from fairtrial import SettingsError
from fairtrial.commands._background import LOGS, in_background
from fairtrial.commands._working import working_drivers
from fairtrial.devices import cards, pinning
from fairtrial.devices.pinning import FREE, Pinning
from fairtrial.files import snapshot
from fairtrial.files.logs import last_line
from fairtrial.files.text import counted
from fairtrial.planning import offers
from fairtrial.planning.offers import Offer
from fairtrial.store import locks
from fairtrial.training import commits

POLL = 1.0  # seconds between two looks at what is offered


def join(
    *, gpu_share: int = 1, gpu_free: int = FREE, jobs: int = 0, background: bool = False
) -> None:
    """Train runs of the Snakemake that works in this folder, on another machine.

    Both machines see the folder under whatever path, for instance by NFS. This one takes trainings
    and workers of searches that nobody has begun, one for each GPU that is visible; the driver
    takes their results from the store, and predicts and scores. Nothing is trained twice. It ends
    when Snakemake ends; Ctrl-C saves the newest states and stops, and the driver or the next `join`
    goes on from there.

    Args:
        gpu_share: trainings that may share a GPU
        gpu_free: per cent of a GPU's memory that must be free, else somebody else uses it
        jobs: trainings at a time at most; 0: as many as the GPUs take, without any GPU one
        background: do so in the background, where a closed connection does not end it
    """
    if not working_drivers():
        raise SettingsError(
            "no Snakemake works in this folder; start one on the first machine, as with "
            "`fairtrial start --profile profiles/gpu`"
        )
    if background:
        _in_background(gpu_share, gpu_free, jobs)
        return
    visible = cards.visible(cards.all_cards())
    pinned = Pinning(gpus=dict.fromkeys(offers.OUTPUTS, 1), share=gpu_share, free=gpu_free)
    with offers.registered() as file:
        helper = _Helper(jobs or max(1, len(visible)) * gpu_share, pinned)
        try:
            helper.work(offers.stop_file(file))
        except KeyboardInterrupt:
            helper.interrupt()
            raise
        finally:
            helper.wait(offers.stop_file(file))


def _in_background(gpu_share: int, gpu_free: int, jobs: int) -> None:
    """The same in a session of its own."""
    flags = [f"--gpu-share={gpu_share}", f"--gpu-free={gpu_free}", f"--jobs={jobs}"]
    log = LOGS / f"join.{socket.gethostname()}.log"
    process = in_background([sys.executable, "-m", "fairtrial", "join", *flags], log)
    print(f"takes part as process {process.pid}; its output is in {log}, `kill` ends it")


class _Helper:
    """Trains what is offered, at most `places` trainings at a time."""

    def __init__(self, places: int, pinned: Pinning) -> None:
        self._places, self._pinned = places, pinned
        self._running: dict[Path, threading.Thread] = {}
        self._processes: dict[Path, subprocess.Popen[bytes]] = {}
        self._over: set[Path] = set()  # what was trained or failed here
        self._interrupted = self._was_idle = False

    def work(self, stop: Path) -> None:
        """Train until no driver works, or until it is asked to stop."""
        print(f"takes part: {counted(self._places, 'training')} at a time at most", flush=True)
        while not stop.exists():
            working = [driver.holder for driver in working_drivers()]
            if not working:
                rest = "; what is being trained here goes on to its end" if self._living() else ""
                print(f"Snakemake has ended{rest}", flush=True)
                return
            for path, offer in reversed(offers.offers(working).items()):
                if len(self._living()) < self._places and path not in self._over:
                    self._begin(path, offer)
            self._say_if_idle()
            time.sleep(POLL)
        self.interrupt()

    def _say_if_idle(self) -> None:
        """Say once that it waits, whenever it comes to that."""
        is_idle = not self._living()
        if is_idle and not self._was_idle:
            print("waiting for a training that can begin; a cluster offers none", flush=True)
        self._was_idle = is_idle

    def interrupt(self) -> None:
        """Let trainings save their newest states and end."""
        self._interrupted = True
        for process in list(self._processes.values()):
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)

    def wait(self, stop: Path) -> None:
        """Wait for the trainings that run, until it is asked to stop."""
        while living := self._living():
            living[0].join(POLL)
            if stop.exists() and not self._interrupted:
                self.interrupt()

    def _living(self) -> list[threading.Thread]:
        return [thread for thread in self._running.values() if thread.is_alive()]

    def _begin(self, path: Path, offer: Offer) -> None:
        self._over.add(path)
        self._running[path] = threading.Thread(target=self._train, args=(path, offer))
        self._running[path].start()

    def _train(self, path: Path, offer: Offer) -> None:
        """Make an offered training in the store, unless it was withdrawn or taken meanwhile."""
        with locks.acquired_at_once(offers.taken_file(path)) as is_own:
            if not is_own or not path.exists() or self._interrupted:
                self._over.discard(path)
                return
            print(f"{offer.name}: begins", flush=True)
            log = log_of(offer)
            with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder:
                status = self._run(path, offer, Path(folder), log)
            print(f"{offer.name}: {_ending(status, log)}", flush=True)
            if status == 0:
                path.unlink(missing_ok=True)

    def _run(self, path: Path, offer: Offer, folder: Path, log: Path) -> int:
        """The exit status of a training whose outputs are thrown away."""
        code = Path.cwd() / offer.snapshot
        command = [sys.executable, str(code / "workflow" / snapshot.COMMAND)]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, *into(folder, offer.arguments)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=os.environ | self._told(code, offer),
                start_new_session=True,
            )
        self._processes[path] = process
        if self._interrupted:
            self.interrupt()
        try:
            return process.wait()
        finally:
            del self._processes[path]

    def _told(self, code: Path, offer: Offer) -> dict[str, str]:
        """What a driver tells its jobs by the environment."""
        return {
            snapshot.VARIABLE: str(code),
            commits.VARIABLE: offer.commit,
            pinning.VARIABLE: self._pinned.model_dump_json(),
            "MPLCONFIGDIR": "store/matplotlib",
        }


def into(folder: Path, arguments: list[str]) -> list[str]:
    """The arguments of a training with its outputs in another folder, and without a record: that
    is written by the job that publishes them."""
    words = list(arguments)
    for flag in offers.OUTPUTS[words[0]]:
        place = words.index(flag) + 1
        words[place] = str(folder / Path(words[place]).name)
    made = words.index("--made")
    del words[made : made + 2]
    return words


def log_of(offer: Offer) -> Path:
    """The log of a training on this machine, beside that of the driver's own job."""
    _, experiment, _, *stage, name = offer.made.parts
    return Path("logs", experiment, *stage, f"{Path(name).stem}.{socket.gethostname()}.log")


def _ending(status: int, log: Path) -> str:
    return "trained" if status == 0 else f"{last_line(log) or 'was killed'} ({log})"
