"""Figures of a report: one function a figure.

A new figure is one more function marked `@figure("section")` in any module of this folder;
nothing else lists it. Figures are drawn in the order of the modules' names and, within a
module, in the order of its functions. `base` holds what they share.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from fairtrial.figures.base import DataFigureFunction, FigureFunction


def figure_functions() -> list[FigureFunction | DataFigureFunction]:
    """The figure functions of an experiment's report, in the order in which they are drawn."""
    return [f for f in _marked() if isinstance(f, FigureFunction) or f.in_experiments]


def data_figure_functions() -> list[DataFigureFunction]:
    """The figure functions of the data report, in the order in which they are drawn."""
    return [f for f in _marked() if isinstance(f, DataFigureFunction)]


def _marked() -> list[FigureFunction | DataFigureFunction]:
    functions: list[FigureFunction | DataFigureFunction] = []
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        members = vars(import_module(f"{__name__}.{module}")).values()
        marked = (FigureFunction, DataFigureFunction)
        functions += [member for member in members if isinstance(member, marked)]
    return functions
