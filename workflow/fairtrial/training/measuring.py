"""What a model needs for several images at once: time, memory, and energy where a GPU tells it."""

from __future__ import annotations

import math
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any, Literal

from fairtrial.data.dataset import Image
from fairtrial.files import memory, nvml
from fairtrial.training.batches import ImageModel
from fairtrial.training.contract import Milliseconds
from fairtrial.training.speed import BatchSpeed

WARM_UP = 2  # batches before timing starts
LEAST_SECONDS = 2.0  # of work on a GPU, whose counter of energy goes on in steps of a tenth


def batch_speeds(
    model: ImageModel[Any, Any], images: Sequence[Image], sizes: Sequence[int], count: int
) -> tuple[BatchSpeed, ...]:
    """The speed at each of these batches, from small to large; `count`: images timed at least.

    The images are those of the shape that most of them have, again and again. None where the
    backend predicts one image at a time.
    """
    if model.shape is None or not sizes:
        return ()
    shapes = Counter(model.shape(image.width, image.height) for image in images)
    [(common, _)] = shapes.most_common(1)
    alike = [image for image in images if model.shape(image.width, image.height) == common]
    return tuple(_speed(model, alike, size, count) for size in sorted(sizes))


def _speed(
    model: ImageModel[Any, Any], images: Sequence[Image], size: int, count: int
) -> BatchSpeed:
    """At one batch; without figures where the memory of the GPU does not suffice."""
    read = [model.read(image) for image in images[:size]]
    batch = list(islice(cycle(read), size))
    meter = _Meter()
    try:
        for _ in range(WARM_UP):
            model.several(batch)
        meter.start()
        times = [_each(model, batch) for _ in range(max(2, math.ceil(count / size)))]
        while meter.needs_more():
            times.append(_each(model, batch))
        measured, energy = meter.end(size * len(times))
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
        return BatchSpeed(batch=size, images=0, memory_of=meter.memory_of)
    q1, median, q3 = statistics.quantiles(times, n=4)
    return BatchSpeed(
        batch=size,
        images=size * len(times),
        q1=round(q1, 3),
        median=round(median, 3),
        q3=round(q3, 3),
        memory_of=meter.memory_of,
        peak_mb=round(measured / 1e6, 1),
        joules=energy,
    )


def _each(model: ImageModel[Any, Any], batch: Sequence[Any]) -> float:
    """Milliseconds of one image of a batch."""
    times: Milliseconds = model.several(batch)[0][1]
    return sum(times.values())


class _Meter:
    """Peak memory, of the first GPU or else of this process, and energy between start and end."""

    def __init__(self) -> None:
        self._gpu = _gpu()
        self.memory_of: Literal["gpu", "process"] = "process" if self._gpu is None else "gpu"
        self._uuid = "" if self._gpu is None else _uuid(self._gpu)
        if self._gpu is not None:
            self._gpu.empty_cache()
            self._gpu.reset_peak_memory_stats()
        else:
            memory.forget_peak()

    def start(self) -> None:
        self._before = nvml.joules(self._uuid) if self._uuid else None
        self._start = time.monotonic()

    def needs_more(self) -> bool:
        """Whether energy is counted, and too little time is over to tell it."""
        return self._before is not None and time.monotonic() - self._start < LEAST_SECONDS

    def end(self, images: int) -> tuple[int, float | None]:
        """Bytes at most, and joules an image."""
        after = nvml.joules(self._uuid) if self._before is not None else None
        joules = None
        if after is not None and self._before is not None:
            joules = round((after - self._before) / images, 4)
        if self._gpu is None:
            return memory.peak(), None
        return int(self._gpu.max_memory_reserved()), joules


def _gpu() -> Any:
    """torch's functions of its GPUs; None without one."""
    import torch

    return torch.cuda if torch.cuda.is_available() else None


def _uuid(gpu: Any) -> str:
    """The first GPU's name to the driver; empty where torch does not know it."""
    uuid = getattr(gpu.get_device_properties(0), "uuid", None)
    return "" if uuid is None else f"GPU-{uuid}"
