"""References to another result, `from:` in an experiment, and the files that say what was chosen.

    results/<experiment>/choices/<choice>/start.json    ChosenSettings
    results/<experiment>/choices/<choice>/weights.json  ChosenWeights
    results/<experiment>/choices/<choice>/verdict.json  ChoiceVerdict

They lie in the folder of the experiment in which something is chosen.
"""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from fairtrial.files.modelfile import FileModel

FROM, BEST = "from", "best"  # keys of a run, or of `base`
FORMER = "from_search"  # what FROM was called for a trial of the own search
# Settings that belong to an experiment, and that it takes from no other.
NOT_CARRIED = frozenset({"dataset", "seed", "replicate", "train_share", "fitness"})
LEAK = "augment_val_leak"  # a setting by which val is learned from, to see what that does
NOT_CARRIED |= {LEAK}


class Reference(NamedTuple):
    """A result of an experiment.

    name: a configuration, a run or a study; empty for the best configuration. best: the metric on
    val in which a configuration or trial is the best, or a trial's number; None for the metric by
    which its experiment ranks, or the fitness of its study.
    """

    experiment: str
    name: str = ""
    best: str | int | None = None

    @classmethod
    def of_choice(cls, experiment: str, choice: str) -> Reference:
        """The reference whose files lie in the folder `choice` of an experiment."""
        name, _, best = choice.partition("@")
        if not best or (not name and best == BEST):
            return cls(experiment, name)
        return cls(experiment, name, int(best) if best.isdigit() else best)

    @property
    def choice(self) -> str:
        """The name of the folder of its files: `@best`, `@AP50`, `small`, `tpe-seed0@7`."""
        if self.best is None:
            return self.name or f"@{BEST}"
        return f"{self.name}@{self.best}"

    @property
    def folder(self) -> Path:
        """The folder of its files."""
        return Path("results", self.experiment, "choices", self.choice)

    @property
    def start(self) -> Path:
        """Its start.json."""
        return self.folder / "start.json"

    @property
    def weights(self) -> Path:
        """Its weights.json."""
        return self.folder / "weights.json"

    def __str__(self) -> str:
        place = f"{self.experiment}/{self.name}" if self.name else self.experiment
        return place if self.best is None else f"{place}, {BEST}: {self.best}"


class ChosenSettings(FileModel):
    """What was chosen, and the settings that others carry on. It holds nothing else, so that an
    equal choice with other metrics makes nothing run again.

    name: of the configuration or study; trial: its number; None for a configuration.
    """

    experiment: str
    name: str
    trial: int | None
    backend: str
    settings: dict[str, Any]


class TrainedWeights(FileModel):
    """The weights of one run: their file's SHA-256, and what they were trained on."""

    run: str
    dataset: str
    seed: int
    sha256: str


class ChosenWeights(FileModel):
    """The weights of the configuration that was chosen, those of all its runs; of a trial none."""

    experiment: str
    runs: list[TrainedWeights]


class Choice(NamedTuple):
    """What was chosen: its settings, and its weights."""

    start: ChosenSettings
    weights: ChosenWeights


class ChoiceVerdict(FileModel):
    """How sure a choice is.

    by: the metric or metric weights by which it was made; value: of the choice on val; runner_up:
    the next one, "" without; told: whether the choice can be told from all others on the split that
    the experiment's report shows; None for a trial, and where there are no others;
    learned_from_val: whether the chosen one was trained on images of val (LEAK).
    """

    by: str
    value: float | None
    runner_up: str
    told: bool | None
    learned_from_val: bool = Field(default=False, exclude_if=operator.not_)
