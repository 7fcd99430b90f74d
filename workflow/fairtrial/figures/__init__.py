"""Figures of a report: one function a figure.

A new figure is one more function marked `@figure("section")` in any module of this folder;
nothing else lists it. Modules are taken in the order of their names, functions in the order
in which they stand in the module.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from fairtrial.figures.base import Maker


def makers() -> list[Maker]:
    """All figure functions of this folder."""
    found: list[Maker] = []
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        members = vars(import_module(f"{__name__}.{module}")).values()
        found += [member for member in members if isinstance(member, Maker)]
    return found
