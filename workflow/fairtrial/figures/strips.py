"""A high figure as strips, between which a page may end: rows of its plots, or of one plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from fairtrial.figures.base import Drawing, save

HIGH = 6.6  # cm: a lower figure with its caption leaves a third of a page white at most
STRIP = 2.5  # cm: a strip is at least as high
CM = 2.54

Extents = list[tuple[Artist, tuple[float, float]]]


def save_strips(drawing: Drawing, folder: Path) -> list[Path]:
    """Write the figure, or its strips from top to bottom: `name`.svg, `name`.2.svg and so on."""
    figure = drawing.figure
    first = folder / f"{drawing.name}.svg"
    if engine := figure.get_layout_engine():
        engine.execute(figure)  # so that everything has its place
    if figure.get_figheight() * CM <= HIGH or len(_edges(drawing, _extents(figure))) == 2:
        save(figure, first)
        return [first]
    _place(figure)
    extents = _extents(figure)
    edges = _edges(drawing, extents)
    figure.set_layout_engine("none")
    files = []
    for number, (low, high) in enumerate(zip(edges[1:], edges[:-1], strict=True), 1):
        for artist, (bottom, top) in extents:
            artist.set_visible(bottom < high and top > low)
        path = folder / f"{drawing.name}{f'.{number}' if number > 1 else ''}.svg"
        save(figure, path, Bbox([[0.0, low], [figure.get_figwidth(), high]]))
        files.append(path)
    return files


def _place(figure: Figure) -> None:
    """Put everything where it is when SVG is written: a label that was measured for a screen may
    be cut at the edge."""
    canvas, dpi = figure.canvas, figure.dpi
    FigureCanvasSVG(figure)
    figure.draw_without_rendering()
    figure.set_canvas(canvas)
    figure.dpi = dpi


def _extents(figure: Figure) -> Extents:
    """Its plots and legends that are seen, with their lower and upper end in inches."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    seen: list[Artist] = [a for a in [*figure.axes, *figure.legends] if a.get_visible()]
    boxes = [(artist, artist.get_tightbbox(renderer)) for artist in seen]
    return [(artist, (b.y0 / figure.dpi, b.y1 / figure.dpi)) for artist, b in boxes if b]


def _edges(drawing: Drawing, extents: Extents) -> list[float]:
    """The edges of its strips in inches from the bottom, the upper end of the figure first."""
    edges = [drawing.figure.get_figheight()]
    for place in sorted([*_between_plots(extents), *_between_rows(drawing)], reverse=True):
        if (edges[-1] - place) * CM >= STRIP and place * CM >= STRIP:
            edges.append(place)
    return [*edges, 0.0]


def _between_plots(extents: Extents) -> list[float]:
    """The middles of the bands across the figure in which nothing is drawn."""
    spans: Sequence[tuple[float, float]] = sorted(span for _, span in extents)
    middles, top = [], spans[0][1] if spans else 0.0
    for low, high in spans:
        if low > top:
            middles.append((low + top) / 2)
        top = max(top, high)
    return middles


def _between_rows(drawing: Drawing) -> list[float]:
    """The edges of the rows of its one plot of rows."""
    if drawing.rows is None:
        return []
    low, high = sorted(drawing.rows.get_ylim())
    edges = np.arange(np.ceil(low - 0.5), np.floor(high + 0.5)) + 0.5
    inside = [float(edge) for edge in edges if low < edge < high]
    to_inches = drawing.rows.transData + drawing.figure.dpi_scale_trans.inverted()
    return [float(to_inches.transform((0.0, edge))[1]) for edge in inside]
