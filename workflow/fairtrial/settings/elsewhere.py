"""Runs whose predictions were made elsewhere: what an experiment says of them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from fairtrial.files.yamlfile import Closed
from fairtrial.settings.search import Seed

ELSEWHERE = "elsewhere"  # stands in place of a backend
PREDICTIONS = "predictions"  # the key that makes a run one of them


def _of_a_source(name: str) -> str:
    if not re.match(r"[A-Za-z0-9][\w.-]*/[^/]", name) or ".." in name.split("/"):
        raise ValueError("must be <source>/<file>, such as theirs/val.json, or <source>/<folder>")
    return name.rstrip("/")


SourceFile = Annotated[str, AfterValidator(_of_a_source)]


class PredictionFiles(Closed):
    """The predictions of one run, each as <source>/<file or folder>; `test` may lack where the data
    set has no test images. Without `val` no confidence is chosen for the run."""

    val: SourceFile | None = None
    test: SourceFile | None = None

    @model_validator(mode="after")
    def _any(self) -> PredictionFiles:
        if not self.paths:
            raise ValueError("must have `test`, or `val` and `test`")
        return self

    @property
    def paths(self) -> list[str]:
        """Those that there are."""
        return [path for path in (self.val, self.test) if path]


ClassIds = dict[int, str | None]  # the tool's id of a class → ours; None: no class of the data set


class ElsewhereSettings(Closed):
    """The keys of such a run, beside `dataset`."""

    predictions: Annotated[dict[Seed, PredictionFiles], Field(min_length=1)]
    class_ids: ClassIds | None = None
