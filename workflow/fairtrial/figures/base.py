"""What every figure shares: sizes, one look, line styles that survive grey print, saving.

A figure is a generator marked with `@figure("section")`. It gets the ExperimentResults and the
settings of `plot`, and yields each drawing with its title and caption, or nothing where it has
nothing to show.
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from fairtrial.files.folders import whole_file
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import ExperimentResults

WIDTH = 17.0  # cm: the text width of the report's A4 page
HEIGHT = 21.5  # cm: what fits on a page together with title and caption
POINT = 2.54 / 72  # cm
FONT = 7.5  # points, in print: figures are never scaled

# Okabe and Ito's colours, ordered so that neighbours differ in lightness too; the line
# styles and markers carry the same meaning for grey print.
COLOURS = ("#000000", "#E69F00", "#0072B2", "#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#7F7F00")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (6, 1.5, 1.2, 1.5)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (9, 2)),
    (0, (2.5, 2.5)),
    (0, (4, 1, 4, 1, 1, 1)),
)
MARKERS = "osD^vPX*"
HATCHES = ("", "////", "....", "xxxx")
OTHERS = "#B8B8B8"  # configurations beyond the eight that can be told apart


@dataclass
class Drawn:
    """One drawing: `name` becomes the file's, title and caption are printed with it."""

    name: str
    figure: Figure
    title: str
    caption: str


Draw = Callable[[ExperimentResults, dict[str, Any]], Iterator[Drawn]]


@dataclass(frozen=True)
class Maker:
    """A figure function, and the section of the report to which its drawings belong."""

    section: str
    draw: Draw


def figure(section: str) -> Callable[[Draw], Maker]:
    """Mark a function as a figure of one section of the report."""
    return lambda draw: Maker(section, draw)


@contextmanager
def style(name: str = "whitegrid") -> Iterator[None]:
    """One look for all figures; `name` is a style of seaborn."""
    sizes = dict.fromkeys(
        ("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"),
        FONT,
    )
    look = {
        **sizes,
        "axes.titlesize": FONT + 0.5,
        "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
        "svg.hashsalt": "fairtrial",
        "svg.fonttype": "path",
        "text.parse_math": False,  # a class may be called $x$
        "axes.linewidth": 0.6,
        "grid.linewidth": 0.4,
        "grid.color": "#DDDDDD",
        "axes.edgecolor": "#444444",
        "hatch.linewidth": 0.5,
        "legend.frameon": False,
        "image.composite_image": False,
    }
    with mpl.rc_context(), sns.axes_style(name), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # an empty box is drawn instead
        mpl.rcParams.update(look)
        yield


def new(height: float, width: float = WIDTH) -> Figure:
    """An empty figure of so many centimetres, at most a page."""
    size = (min(width, WIDTH) / 2.54, min(height, HEIGHT) / 2.54)
    return Figure(figsize=size, layout=ConstrainedLayoutEngine(wspace=0.05, hspace=0.05))


def save(drawn: Figure, path: Path) -> None:
    """Write SVG whose bytes depend on the drawing alone; photographs in it become JPEG."""
    buffer = io.StringIO()
    drawn.savefig(buffer, format="svg", dpi=200, metadata={"Date": None})
    text = re.sub(r"data:image/png;base64,([^\"]+)", _jpeg, buffer.getvalue())
    with whole_file(path) as file:
        file.write(text)


def _jpeg(match: re.Match[str]) -> str:
    """A photograph as PNG is five times larger, and slow to put into a PDF."""
    from PIL import Image

    raw = base64.b64decode(match[1])
    with Image.open(io.BytesIO(raw)) as image:
        if "A" in image.mode and image.getchannel("A").getextrema() != (255, 255):
            return match[0]  # JPEG has no transparency
        packed = io.BytesIO()
        image.convert("RGB").save(packed, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(packed.getvalue()).decode()


def not_shown(count: int) -> str:
    """A sentence on the configurations that a figure leaves out, for its caption."""
    if count <= 0:
        return ""
    return f" Not shown: {count} configuration{'s' if count > 1 else ''} lower on val."


def looks(configurations: list[Configuration], best: list[Configuration]) -> dict[str, Any]:
    """Letter → keywords of a line. Beyond eight configurations only the best seven can be
    told apart; the others are thin and grey."""
    shown = configurations
    if len(configurations) > len(COLOURS):
        leading = {c.letter for c in best[: len(COLOURS) - 1]}
        shown = [c for c in configurations if c.letter in leading]
    found: dict[str, Any] = {
        c.letter: {
            "color": OTHERS,
            "linestyle": "-",
            "linewidth": 0.7,
            "zorder": 1.5,
            "marker": "o",
        }
        for c in configurations
    }
    for number, c in enumerate(shown):
        found[c.letter] = {
            "color": COLOURS[number],
            "linestyle": DASHES[number],
            "linewidth": 1.3,
            "zorder": 3 - number / 100,
            "marker": MARKERS[number],
        }
    return found


def legend_height(configurations: list[Configuration]) -> float:
    """Centimetres that the legend of these configurations takes."""
    named = configurations[: len(COLOURS)]
    return 0.3 + 0.42 * -(-len(named) // _columns(named))


def legend(
    drawn: Figure, configurations: list[Configuration], look: dict[str, Any], marker: bool = False
) -> None:
    """One legend under the whole figure, never inside a plot; the grey lines share an entry."""
    named = [c for c in configurations if look[c.letter]["color"] != OTHERS]
    columns = _columns(named)
    length = 100 if len(named) == 1 else {1: 100, 2: 44, 3: 26}[columns]
    lines = [_key(look[c.letter], marker) for c in named]
    labels = [c.label(length) for c in named]
    if others := [c for c in configurations if c not in named]:
        lines.append(_key(look[others[0].letter], marker))
        labels.append(f"the other {len(others)}")
    drawn.legend(
        lines,
        labels,
        loc="outside lower center",
        ncols=columns,
        handlelength=3.2,
        columnspacing=1.5,
    )


def _columns(named: list[Configuration]) -> int:
    longest = max(len(c.short_label) for c in named)
    return min(len(named), 3 if longest <= 26 else 2 if longest <= 44 else 1)


def _key(look: dict[str, Any], marker: bool) -> Line2D:
    kept = {k: v for k, v in look.items() if k not in ("zorder", "marker", "linestyle")}
    if marker:
        return Line2D([], [], marker=look["marker"], linestyle="", markersize=4.5, **kept)
    return Line2D([], [], linestyle=look["linestyle"], **kept)
