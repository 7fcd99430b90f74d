"""A job takes its cards, and sees no others: CUDA_VISIBLE_DEVICES.

The driver says by the environment which stages need how many cards; without that, as in a job of a
cluster, nothing is taken. A training takes its cards when it really begins: one that is taken from
the store, or waits for another process that makes the same, uses none. Which cards it had stands in
no record: equal cards give equal results.
"""

from __future__ import annotations

import atexit
import getpass
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from fairtrial.devices import cards, claims
from fairtrial.devices.claims import Claim, OwnClaim
from fairtrial.devices.turns import obstacle, turn_of
from fairtrial.files.modelfile import FileModel
from fairtrial.files.nvml import Card
from fairtrial.store import locks

VARIABLE = "FAIRTRIAL_GPUS"  # Pinning as JSON
LATER = ("search", "train")  # stages that take their cards when a training begins
TIMED = ("predict", "probe")  # stages that measure time, and so share no card
AMOUNT = re.compile(r"\d+ (of \d+ )?MiB")  # which changes all the time
FREE = 75  # per cent of a card's memory that must be free, unless a profile says otherwise
WAITING = "waiting for a GPU"  # how the line begins by which a job says what it waits for
POLL = 1.0  # seconds between two looks at cards that are not free


class Pinning(FileModel):
    """How jobs of a driver use cards.

    gpus: how many a job of a stage needs; share: how many trainings may share one; free: which
    percentage of its memory must be free, else somebody else uses the card.
    """

    gpus: dict[str, int]
    share: int = 1
    free: int = FREE


Tell = Callable[[str, str], None]  # told the cards once it has them, before that what it waits for


@dataclass
class _Job:
    """What this process needs, and the cards that it has."""

    claim: Claim | None = None
    taken: tuple[Card, ...] = ()
    tell: Tell | None = None


_job = _Job()


def job_name(stage: str, made: Path | None) -> str:
    """The name of the job whose record is `made`: `train compare/small-s0`."""
    folders = made.parts[1:-1] if made else ()
    names = [name for name in folders if name not in ("made", stage)]
    return " ".join([stage, *(["/".join([*names, made.stem])] if made else [])])


def begin(stage: str, made: Path | None) -> None:
    """Let this process need the cards of a stage, and take them unless it does so later.

    made: the path of the job's record, if it has one; for the name of the job.
    """
    pinning = _pinning()
    number = pinning.gpus.get(stage, 0) if pinning else 0
    visible = [card.uuid for card in cards.visible(cards.all_cards())] if number else []
    if pinning is None or not visible:
        return
    _job.claim = Claim(
        holder=locks.holder(),
        user=_user(),
        folder=str(Path.cwd()),
        job=job_name(stage, made),
        since=time.time(),
        visible=visible,
        cards=min(number, len(visible)),
        share=1 if stage in TIMED or number > 1 else pinning.share,
        free=pinning.free,
    )
    if stage not in LATER:
        take()


def take() -> None:
    """Take the cards that this process needs, if any, unless it has them; wait until they are free.

    They are given back when the process ends.
    """
    if _job.claim is None or _job.taken:
        return
    with claims.locked_folder():
        own = OwnClaim(_job.claim.model_copy(update={"since": time.time()}))
    kept = ExitStack()
    kept.callback(own.release)
    kept.enter_context(locks.kept_alive(own.path))
    atexit.register(kept.close)
    said = ""
    while not _take(own):
        reasons = "; ".join(_reasons(own))
        if (steady := AMOUNT.sub("", reasons)) != said:
            said = steady
            _say("", f"{WAITING}: {reasons}")
        time.sleep(POLL)
    os.environ[cards.VISIBLE] = ",".join(card.uuid for card in _job.taken)
    _say(where(), "")


@contextmanager
def telling(tell: Tell) -> Iterator[None]:
    """Within it, tell a function too where this process computes, or what it waits for."""
    _job.tell = tell
    try:
        yield
    finally:
        _job.tell = None


def _say(gpu: str, waits_for: str) -> None:
    print(waits_for or f"on {gpu}", file=sys.stderr, flush=True)
    if _job.tell is not None:
        _job.tell(gpu, waits_for)


def share_none() -> None:
    """Let this process share its cards with no other: it measures time."""
    if _job.claim is not None:
        _job.claim = _job.claim.model_copy(update={"share": 1})


def where() -> str:
    """The cards of this process, as a person calls them; "" where it has none."""
    return ", ".join(map(str, _job.taken))


def _pinning() -> Pinning | None:
    with suppress(ValidationError):
        return Pinning.model_validate_json(os.environ.get(VARIABLE, ""))
    return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())


def _take(own: OwnClaim) -> bool:
    """Take the cards where it is this process's turn."""
    present = cards.all_cards()  # not under the lock: a driver that slept takes seconds
    with claims.locked_folder():
        _job.taken = tuple(turn_of(own.claim, _others(own), present))
        if _job.taken:
            taken = [card.uuid for card in _job.taken]
            own.write(own.claim.model_copy(update={"taken": taken}))
    return bool(_job.taken)


def _others(own: OwnClaim) -> list[Claim]:
    return [claim for claim in claims.living() if claim.holder != own.claim.holder]


def _reasons(own: OwnClaim) -> list[str]:
    """For each card that is visible, what this process waits for."""
    with claims.locked_folder():
        others = _others(own)
    reasons = []
    for card in cards.all_cards():
        if card.uuid in own.claim.visible:
            users = [claim for claim in others if card.uuid in claim.taken]
            reason = obstacle(own.claim, card, users)
            reasons.append(f"{card} {reason or 'is for one that waits longer'}")
    return reasons
