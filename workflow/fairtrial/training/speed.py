"""speed.json of a run: the time that its model takes for one image."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from operator import not_
from pathlib import Path
from typing import Literal

from pydantic import Field

from fairtrial.files.modelfile import FileModel, read_model
from fairtrial.training.contract import Milliseconds


class BatchSpeed(FileModel):
    """What an image costs where `batch` of them are predicted at once.

    images: how many were timed, 0 where a GPU has too little memory, which leaves the rest out;
    q1, median, q3: quartiles of the milliseconds of an image, over batches; peak_mb: megabytes
    (of 10^6 bytes) at most, of the GPU's memory or of the whole process; joules: of a GPU for an
    image, None where nothing tells it.
    """

    batch: int
    images: int
    q1: float | None = None
    median: float | None = None
    q3: float | None = None
    memory_of: Literal["gpu", "process"]
    peak_mb: float | None = None
    joules: float | None = None


class Speed(FileModel):
    """Milliseconds of one image at a time.

    images: how many were timed; q1, median, q3: quartiles of their times; parts: the median of
    each part; device: the GPU's name or `cpu`; imgsz: side of the images in pixels; batches: the
    same with several images at once, where that was asked for.
    """

    images: int
    batch: int
    imgsz: int
    device: str
    threads: int
    precision: Literal["fp32"]
    unit: Literal["ms"]
    q1: float
    median: float
    q3: float
    parts: dict[str, float]
    batches: tuple[BatchSpeed, ...] = Field(default=(), exclude_if=not_)


def speed_of(
    times: Sequence[Milliseconds],
    imgsz: int,
    device: str,
    threads: int,
    batches: tuple[BatchSpeed, ...] = (),
) -> Speed:
    """The speed from the times of at least two images."""
    q1, median, q3 = statistics.quantiles([sum(parts.values()) for parts in times], n=4)
    medians = {part: statistics.median(image[part] for image in times) for part in times[0]}
    return Speed(
        images=len(times),
        batch=1,
        imgsz=imgsz,
        device=device,
        threads=threads,
        precision="fp32",
        unit="ms",
        q1=round(q1, 3),
        median=round(median, 3),
        q3=round(q3, 3),
        parts={part: round(value, 3) for part, value in medians.items()},
        batches=batches,
    )


def read_speed(path: Path) -> Speed:
    """speed.json of a run. Raises DataError naming the file and the key that does not fit."""
    return read_model(path, Speed)
