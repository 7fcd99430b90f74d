"""How many hours an experiment still has to train: from the first epochs of its runs, and from runs
that are like those to come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.commands._run_states import Row, measured
from fairtrial.files.text import counted, duration
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.training.record import read_record

IGNORED = {"seed", "epochs"}  # settings that do not change the time of an epoch
MOST = 50  # kinds of measured runs that are compared


@dataclass(frozen=True)
class Pace:
    """What one run took: seconds an epoch, and GPUs at a time (None: not known)."""

    backend: str
    dataset: str
    settings: dict[str, Any]
    seconds: float
    gpus: float | None

    def distance(self, run: PlannedRun) -> int | None:
        """In how many settings a run differs; None where their times say nothing of each other."""
        if (self.backend, self.dataset) != (run.backend, run.dataset):
            return None
        names = (self.settings.keys() | run.settings.keys()) - IGNORED
        return len([name for name in names if self.settings.get(name) != run.settings.get(name)])


@dataclass(frozen=True)
class HoursLeft:
    """Seconds of training still to come, all jobs added up: least and most. Of how many runs they
    are known by their own epochs, by like runs, and by runs that differ in settings."""

    seconds: tuple[float, float] = (0.0, 0.0)
    gpu_seconds: tuple[float, float] = (0.0, 0.0)
    own: int = 0
    like: int = 0
    similar: int = 0
    unknown: int = 0
    studies: int = 0

    def __str__(self) -> str:
        known = self.own + self.like + self.similar + self.studies
        if not known:
            return (
                f"unknown for {counted(self.unknown, 'run')}: none like them has ended an epoch "
                "(`fairtrial fit-batch <experiment>/<run>` tells how fast some steps are)"
            )
        text = _between(self.seconds)
        if self.gpu_seconds[1]:
            text += f", GPUs {_between(self.gpu_seconds)}"
        sources = {
            f"the first epochs of {counted(self.own, 'run')}": self.own,
            f"{counted(self.like, 'run')} like others": self.like,
            f"{counted(self.similar, 'run')} similar to others": self.similar,
            f"the trials of {self.studies} searches": self.studies,
        }
        text += f" (from {', '.join(name for name, number in sources.items() if number)})"
        return text + (f"; unknown for {counted(self.unknown, 'run')}" if self.unknown else "")


def hours_left(
    plan: PlannedExperiment, rows: Sequence[Row], studies: Sequence[Row] = ()
) -> HoursLeft | None:
    """The time that is left; None where nothing is left to train."""
    paces = _kinds(_of_rows(plan, rows)) or _kinds(_of_other_experiments(plan))
    epochs = {row.run: row.epoch or 0 for row in rows}
    total = HoursLeft()
    for row in rows:
        run = plan.runs[row.run]
        begun = row.epoch or epochs.get(run.continues, 0)
        left = 0 if run.is_elsewhere else max(0, (row.epochs or 0) - begun)
        if left:
            total = _plus(total, run, row, left, paces)
    for row in studies:
        if row.state != "done":
            total = _plus_study(total, row)
    known = total.own + total.like + total.similar + total.unknown + total.studies
    return total if known else None


def _plus(
    total: HoursLeft, run: PlannedRun, row: Row, left: int, paces: Sequence[Pace]
) -> HoursLeft:
    """The total with one run more."""
    is_known = row.pace and (row.gpus is not None or all(pace.gpus is None for pace in paces))
    near, distance = ([], 0) if is_known else _nearest(run, paces)
    seconds = [row.pace] if row.pace else [pace.seconds for pace in near]
    if not seconds:
        return _changed(total, unknown=total.unknown + 1)
    kind = "own" if row.pace else "similar" if distance else "like"
    gpus = [gpu for gpu in [row.gpus, *(pace.gpus for pace in near)] if gpu is not None][:1] or [0]
    least, most = min(seconds) * left, max(seconds) * left
    return _changed(
        total,
        seconds=(total.seconds[0] + least, total.seconds[1] + most),
        gpu_seconds=(
            total.gpu_seconds[0] + least * gpus[0],
            total.gpu_seconds[1] + most * gpus[0],
        ),
        **{kind: getattr(total, kind) + 1},
    )


def _plus_study(total: HoursLeft, row: Row) -> HoursLeft:
    if row.left is None:
        return _changed(total, unknown=total.unknown + 1)
    seconds = (total.seconds[0] + row.left, total.seconds[1] + row.left)
    return _changed(total, seconds=seconds, studies=total.studies + 1)


def _changed(total: HoursLeft, **values: Any) -> HoursLeft:
    return HoursLeft(**(vars(total) | values))


def _nearest(run: PlannedRun, paces: Iterable[Pace]) -> tuple[list[Pace], int]:
    """The paces that differ from a run in the fewest settings, and in how many."""
    distances = [(distance, pace) for pace in paces if (distance := pace.distance(run)) is not None]
    least = min((distance for distance, _ in distances), default=0)
    return [pace for distance, pace in distances if distance == least], least


def _kinds(paces: Iterable[Pace]) -> list[Pace]:
    """The slowest and the fastest of equal settings; of at most MOST kinds, the last ones."""
    kinds: dict[str, list[Pace]] = {}
    for pace in paces:
        own = {name: value for name, value in pace.settings.items() if name not in IGNORED}
        kinds.setdefault(repr((pace.backend, pace.dataset, sorted(own.items()))), []).append(pace)
    last = list(kinds.values())[-MOST:]
    last = [sorted(kind, key=lambda pace: pace.seconds) for kind in last]
    return [pace for kind in last for pace in (kind[0], kind[-1])[: len(kind)]]


def _of_rows(plan: PlannedExperiment, rows: Iterable[Row]) -> Iterable[Pace]:
    for row in rows:
        run = plan.runs[row.run]
        if row.pace:
            yield Pace(run.backend, run.dataset, run.settings, row.pace, row.gpus)


def _of_other_experiments(plan: PlannedExperiment) -> Iterable[Pace]:
    """Paces of runs of other experiments, of the latest MOST."""
    files = [p for p in Path("results").glob("*/runs/*/record.json") if p.parts[1] != plan.name]
    for file in sorted(files, key=lambda path: path.stat().st_mtime)[-MOST:]:
        try:
            record = read_record(file)
        except (DataError, OSError):
            continue
        seconds, gpus = measured(record)
        if seconds:
            yield Pace(record.backend, record.dataset, record.settings, seconds, gpus)


def _between(seconds: tuple[float, float]) -> str:
    """`3.4 h`, or `3.1 h to 3.9 h`."""
    least, most = map(duration, seconds)
    return least if least == most else f"{least} to {most}"
