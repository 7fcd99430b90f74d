"""What the model of a trial costs: its size, and the time that an image takes.

The size is exact. A time is that of one image at a time, in fp32, with the worker's threads or its
GPU, on images of val in their order after a warm-up; its median is rounded to two digits, since a
difference of a hundredth is noise. Times of machines of several kinds cannot be compared: each is
noted with its machine, and the report says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import not_
from pathlib import Path

from pydantic import Field

from fairtrial import BackendError
from fairtrial.files.modelfile import FileModel, read_model
from fairtrial.settings.search import COSTS
from fairtrial.training.record import RECORD, TrainingRecord
from fairtrial.training.speed import Speed

DIGITS = 2  # significant digits of a time
Timing = Callable[[Path], Speed]  # from weights.pt to the time of an image


class Costs(FileModel):
    """Parameters and GFLOPs of a model; ms: of one image, None where it was not timed; machine:
    where that was, "" where it was not."""

    parameters: int
    gflops: float | None
    ms: float | None = None
    machine: str = Field(default="", exclude_if=not_)

    def covers(self, objectives: Sequence[str]) -> bool:
        """Whether all costs among the objectives are known."""
        return all(getattr(self, name) is not None for name in objectives if name in COSTS)


def costs_of(entry: Path, weights: Path, timing: Timing | None) -> Costs:
    """The costs of the model that a training left in the store."""
    model = read_model(entry / RECORD, TrainingRecord).model
    assert model is not None, "a trial is trained here"
    size = Costs(parameters=model.parameters, gflops=model.gflops)
    if timing is None:
        return size
    speed = timing(weights)
    of_cpu = f"cpu, {speed.threads} thread{'' if speed.threads == 1 else 's'}"
    machine = of_cpu if speed.device == "cpu" else speed.device
    return size.model_copy(update={"ms": float(f"{speed.median:.{DIGITS}g}"), "machine": machine})


def refuse_uncounted(costs: Costs, objectives: Sequence[str]) -> None:
    """Raise BackendError where GFLOPs are an objective, and the backend cannot count them."""
    if "gflops" in objectives and costs.gflops is None:
        raise BackendError(
            "`objectives`: the GFLOPs of this model cannot be counted; take `parameters` instead"
        )
