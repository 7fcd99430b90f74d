"""Time, memory and energy of an image where several are predicted at once, as plain data."""

from __future__ import annotations

from typing import TypedDict

from fairtrial.report.wording import UNDEFINED
from fairtrial.results.configuration import Configuration, shorten
from fairtrial.results.experiment import ExperimentResults
from fairtrial.training.speed import BatchSpeed

NOT_MEASURED = "not measured"
HEADINGS = ["", "configuration", "batch", "ms per image", "images per second", "memory", "energy"]
MEMORY = {"gpu": "of the GPU", "process": "of the whole process"}


class BatchCosts(TypedDict):
    """A table: a row for each configuration and batch; no rows where none was asked for."""

    headings: list[str]
    rows: list[list[str]]
    note: str


def batch_costs(experiment: ExperimentResults, timings: bool) -> BatchCosts:
    """Of the first run of each configuration; nothing without times."""
    measured = [(c, speed) for c in experiment.configurations for speed in _of(c)]
    rows = [_row(c, speed) for c, speed in measured] if timings else []
    kinds = sorted({MEMORY[speed.memory_of] for _, speed in measured})
    note = (
        "Several images at once, of one shape, without the reading of files: time of an image "
        "(median, quartiles over batches), first run. Memory: at most, "
        f"{' or '.join(kinds)}. Energy: of the GPU per image, by its own counter."
    )
    return {"headings": HEADINGS, "rows": rows, "note": note}


def _of(configuration: Configuration) -> tuple[BatchSpeed, ...]:
    speed = configuration.first.speed
    return () if speed is None else speed.batches


def _row(c: Configuration, speed: BatchSpeed) -> list[str]:
    head = [c.letter, shorten(c.short_label, 60), str(speed.batch)]
    if speed.median is None or speed.peak_mb is None:
        return [*head, UNDEFINED, UNDEFINED, "not enough", UNDEFINED]
    return [
        *head,
        f"{speed.median:.1f} ({speed.q1:.1f}–{speed.q3:.1f})",
        _rate(speed.median),
        f"{speed.peak_mb / 1000:.2f} GB",
        NOT_MEASURED if speed.joules is None else f"{speed.joules:.3g} J",
    ]


def _rate(milliseconds: float) -> str:
    """Images per second, to three digits or whole."""
    rate = 1000 / milliseconds if milliseconds else 0.0
    return f"{rate:.0f}" if rate >= 100 else f"{rate:.3g}"
