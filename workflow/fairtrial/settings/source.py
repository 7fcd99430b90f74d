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
    """On which terms the images of a source are used. `share`: whether they may be handed on;
    `licence`: its name, as a model card states it, empty where none is known."""

    share: StrictBool = True
    licence: str = ""
