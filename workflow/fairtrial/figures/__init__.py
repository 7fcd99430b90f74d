"""Figures of a report: one function a figure.

A new figure is one more function marked `@figure("section")` in any module of this folder;
nothing else lists it. Figures are drawn in the order of the modules' names and, within a
module, in the order of its functions. `base` holds what they share.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from fairtrial.figures.base import FigureFunction


def figure_functions() -> list[FigureFunction]:
    """All figure functions of this folder, in the order in which they are drawn."""
    functions: list[FigureFunction] = []
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        members = vars(import_module(f"{__name__}.{module}")).values()
        functions += [member for member in members if isinstance(member, FigureFunction)]
    return functions
