"""config/sources/<name>.yaml: where raw files come from, and how they are converted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from fairtrial.data.defects import KINDS
from fairtrial.files.yamlfile import Closed, nearest


class Cleaning(Closed):
    """The part of config/sources/<name>.yaml that belongs to every format."""

    max_dropped: Annotated[float, Field(ge=0, le=1)] = 0.05  # share of unusable images borne
    defects: dict[str, str] = Field(default_factory=dict)  # another action than a kind's own
    # On which pixels boxes of images that EXIF turns were drawn, where no size tells.
    drawn_on: Literal["shown", "stored"] | None = None

    @field_validator("defects")
    @classmethod
    def _possible(cls, defects: dict[str, str]) -> dict[str, str]:
        for kind, action in defects.items():
            if kind not in KINDS:
                raise ValueError(f"`{kind}` is no kind of defect{nearest(kind, list(KINDS))}")
            if action not in KINDS[kind].actions:
                possible = list(KINDS[kind].actions)
                raise ValueError(f"{kind}: cannot `{action}`{nearest(action, possible)}")
        return defects
