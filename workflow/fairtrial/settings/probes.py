"""The settings of probes: a run's weights once more, on train or at another image size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from fairtrial.files.yamlfile import Closed
from fairtrial.settings.stages import PredictSettings, ValidateSettings

TRAIN = "train"
AT = "@"  # between run and probe in the name of a job and of its files


class ProbeSettings(Closed):
    """One probe: the model, at the size at which it predicts, and how it is scored."""

    of: Literal["train", "size"]
    predict: PredictSettings
    scoring: ValidateSettings
    train_share: float = Field(gt=0, le=1)  # of train that the run learned from


class ProbeName(NamedTuple):
    """`<run>@train`, `<run>@640`."""

    run: str
    probe: str

    @classmethod
    def parse(cls, text: str) -> ProbeName:
        return cls(*text.split(AT))

    def __str__(self) -> str:
        return AT.join(self)


def size_of(probe: str) -> int | None:
    """The image size of a probe; None for train."""
    return None if probe == TRAIN else int(probe)


def sizes_of(probes: Sequence[str]) -> list[int]:
    """The image sizes among probes."""
    return sorted(int(probe) for probe in probes if probe != TRAIN)
