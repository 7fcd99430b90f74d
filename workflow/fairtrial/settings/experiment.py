"""The model of config/experiments/<name>.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from fairtrial.files.yamlfile import Closed, Name, distinct
from fairtrial.settings.grid import Grid, Overrides, Values
from fairtrial.settings.search import SearchSettings, Seed


class ExperimentSettings(Closed):
    """config/experiments/<name>.yaml: one question, and the runs that answer it."""

    title: Annotated[str, Field(min_length=1)]
    question: str = ""
    licence: str = ""  # of the weights of its winner
    base: Overrides = Field(default_factory=dict)
    runs: dict[Name, Overrides | None] = Field(default_factory=dict)
    sweep: dict[str, Values] = Field(default_factory=dict)
    grid: Grid = Field(default_factory=dict)  # values of a key, or sets of overrides by name
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(distinct)] | None = None
    replicate: Annotated[int, Field(ge=1)] = 1  # trainings of each run with one seed
    search: SearchSettings | None = None

    @field_validator("search", mode="before")
    @classmethod
    def _is_not_empty(cls, search: object) -> object:
        if search is None:
            raise ValueError(
                "needs `space`, and `trials` or `hours`; leave `search` out for no search"
            )
        return search
