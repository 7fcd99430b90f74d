"""What a file in config/sources/ says beside how its files are fetched and read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from fairtrial.files.yamlfile import Closed


class TrustedCheckpoint(Closed):
    """A checkpoint that may hold more than the listed classes, and so may run code when opened."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    trust: Literal[True]


class SourceTerms(Closed):
    """What is known of a source. `share`: whether its images may be handed on; `licence`: its name,
    as a model card states it, empty where none is known; `trained_on`: the sources with whose
    images its checkpoints were trained."""

    share: StrictBool = True
    licence: str = ""
    trained_on: list[str] = Field(default_factory=list)
