"""The names of runs and of folds. No other module writes or reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass

BEST_NAME = "best"  # the best configuration, in metrics.json

_FOLD = re.compile(r"(.+)\.fold([1-9][0-9]*)")
_RUN = re.compile(r"(.+)-s([0-9]+)(?:r([1-9][0-9]*))?")


@dataclass(frozen=True)
class FoldName:
    """A data set or a configuration, and which fold of it: `cells.fold2`, or `cells` alone."""

    name: str
    fold: int | None = None

    @classmethod
    def parse(cls, text: str) -> FoldName:
        """Of `cells.fold2` or `cells`."""
        match = _FOLD.fullmatch(text)
        return cls(match[1], int(match[2])) if match else cls(text)

    def __str__(self) -> str:
        return self.name if self.fold is None else f"{self.name}.fold{self.fold}"


@dataclass(frozen=True)
class RunName:
    """The name of a run: `<configuration>-s<seed>`, with `.fold<k>` before and `r<replicate>`
    after the seed where there is one: `lr0=0.1.fold2-s0r3`."""

    configuration: str
    seed: int
    fold: int | None = None
    replicate: int = 1

    @classmethod
    def parse(cls, text: str) -> RunName:
        """Raises ValueError for a text that is no run's name."""
        match = _RUN.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no name of a run: it must end in -s<seed>")
        whole = FoldName.parse(match[1])
        return cls(whole.name, int(match[2]), whole.fold, int(match[3] or 1))

    @property
    def without_seed(self) -> str:
        """The configuration and its fold: `lr0=0.1.fold2`."""
        return str(FoldName(self.configuration, self.fold))

    def __str__(self) -> str:
        replicate = f"r{self.replicate}" if self.replicate > 1 else ""
        return f"{self.without_seed}-s{self.seed}{replicate}"


def without_folds(name: str) -> str:
    """The name of a data set or configuration without the fold, also where that stands within:
    `dataset=cells+lr0=0.1` for `dataset=cells.fold1+lr0=0.1`."""
    return "+".join(FoldName.parse(part).name for part in name.split("+"))
