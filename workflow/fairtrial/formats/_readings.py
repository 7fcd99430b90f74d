"""How a format reads boxes, for whoever looks at them as a whole (see data/box_units.py).

A format says so by `REMEDIES`, the setting by unit, by `WRITTEN`, which says what it reads where it
has no such setting, or by a function `readings(options)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairtrial.data.box_reading import BoxReading
from fairtrial.plugins import plugin


def readings(form: str, options: Mapping[str, Any]) -> list[BoxReading]:
    """How a format reads boxes with some options: one for all images, or one for each part."""
    module = plugin("formats", form)
    if hasattr(module, "readings"):
        of_parts: list[BoxReading] = module.readings(module.Settings(**options))
        return of_parts
    return [BoxReading(getattr(module, "REMEDIES", {}), getattr(module, "WRITTEN", ""))]
