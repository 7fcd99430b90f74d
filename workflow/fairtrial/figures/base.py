"""What every figure shares: sizes, the common style, line styles that can be told apart in grey
print, the legend, and saving as SVG.

A figure function is a generator marked with `@figure("section")`. It takes the results of the
experiment and the settings of the stage `plot`, and yields each drawing with its title and
caption, or nothing where there is nothing to show. One marked `@data_figure` takes the data sets
alone, so that the data report, which needs no training, has it too.
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

import matplotlib as mpl
import seaborn as sns
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from fairtrial.files.folders import whole_file
from fairtrial.results.configuration import Configuration
from fairtrial.results.dataset import DescribedData
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.settings.stages import PlotSettings

WIDTH = 17.0  # cm: the text width of the report's A4 page
HEIGHT = 21.5  # cm: what fits on a page together with title and caption
FONT = 7.5  # points, in print: figures are never scaled

# Okabe and Ito's colours, ordered so that neighbours differ in lightness too. For grey print each
# goes with the dash pattern and the marker of the same index.
COLOURS = ("#000000", "#E69F00", "#0072B2", "#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#7F7F00")
Dash = str | tuple[float, tuple[float, ...]]  # as matplotlib takes it
DASHES: tuple[Dash, ...] = (
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
BOLD = 2.2  # points: the line of the best
MARGIN = 0.02  # of an axis below zero: room for a mark there
FAINT = "#707070"  # of a name that is grey: dark enough to be read
OTHERS = "#B8B8B8"  # colour of the configurations beyond the eight that can be told apart


class LineStyle(TypedDict):
    """How the lines and markers of one configuration are drawn: keyword arguments of matplotlib."""

    color: str
    linestyle: Dash
    linewidth: float  # points
    zorder: float
    marker: str


@dataclass
class Drawing:
    """A drawn figure. The file is called `name`.svg; title and caption are printed below it.

    `rows`: a plot with a row for each whole number on its y axis, between which a page may end.
    """

    name: str
    figure: Figure
    title: str
    caption: str
    rows: Axes | None = None


Draw = Callable[[ExperimentResults, PlotSettings], Iterator[Drawing]]


@dataclass(frozen=True)
class FigureFunction:
    """A figure function, and the section of the report to which its drawings belong."""

    section: str
    draw: Draw


DrawData = Callable[[DescribedData, PlotSettings], Iterator[Drawing]]


@dataclass(frozen=True)
class DataFigureFunction:
    """A figure function that needs no run. `in_experiments`: whether the report of an experiment
    has it, and not the data report alone."""

    section: str
    draw: DrawData
    in_experiments: bool


def data_figure(
    section: str = "data", *, in_experiments: bool = True
) -> Callable[[DrawData], DataFigureFunction]:
    """Mark a function as a figure of data sets."""
    return lambda draw: DataFigureFunction(section, draw, in_experiments)


def figure(section: str) -> Callable[[Draw], FigureFunction]:
    """Mark a function as a figure of one section of the report."""
    return lambda draw: FigureFunction(section, draw)


@contextmanager
def style(fonts: Iterable[str] = ()) -> Iterator[None]:
    """Set the style of all figures within a `with` block, and restore the former one after it.

    fonts: files that are looked into for characters that DejaVu Sans lacks.
    """
    sizes = dict.fromkeys(
        ("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"),
        FONT,
    )
    common = {
        **sizes,
        "axes.titlesize": FONT + 0.5,
        # DejaVu Sans comes with matplotlib: the same on every machine
        "font.family": ["DejaVu Sans", *map(_added, fonts)],
        "svg.hashsalt": "fairtrial",
        "svg.fonttype": "path",
        "text.parse_math": False,  # a class may be called $x$
        "axes.linewidth": 0.6,
        "grid.linewidth": 0.4,
        "grid.color": "#DDDDDD",
        "axes.edgecolor": "#444444",
        "legend.frameon": False,
        "image.composite_image": False,
    }
    with mpl.rc_context(), sns.axes_style("whitegrid"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # an empty box is drawn instead
        mpl.rcParams.update(common)
        yield


def _added(path: str) -> str:
    """The name of a font that figures may use from now on."""
    font_manager.fontManager.addfont(path)
    return font_manager.FontProperties(fname=path).get_name()


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure of this size in centimetres, at most that of a page."""
    size = (min(width, WIDTH) / 2.54, min(height, HEIGHT) / 2.54)
    return Figure(figsize=size, layout=ConstrainedLayoutEngine(wspace=0.05, hspace=0.05))


def save(fig: Figure, path: Path, part: Bbox | None = None) -> None:
    """Write the figure, or a part of it in inches, as SVG. The bytes depend on its content alone;
    photographs become JPEG."""
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg", dpi=200, metadata={"Date": None}, bbox_inches=part)
    text = re.sub(r"data:image/png;base64,([^\"]+)", _jpeg, buffer.getvalue())
    with whole_file(path) as file:
        file.write(text)


def _jpeg(match: re.Match[str]) -> str:
    """An embedded PNG as JPEG, which is a fifth of the size; a transparent one stays as it is."""
    from PIL import Image

    raw = base64.b64decode(match[1])
    with Image.open(io.BytesIO(raw)) as image:
        if "A" in image.mode and image.getchannel("A").getextrema() != (255, 255):
            return match[0]  # JPEG has no transparency
        packed = io.BytesIO()
        image.convert("RGB").save(packed, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(packed.getvalue()).decode()


def end_of(name: str, length: int) -> str:
    """The end of a long file name, by which neighbouring files can be told apart."""
    return name if len(name) <= length else f"…{name[1 - length :]}"


def not_shown(count: int) -> str:
    """A sentence on the configurations that a figure leaves out, for its caption."""
    if count <= 0:
        return ""
    return f" Not shown: {count} configuration{'s' if count > 1 else ''} of lower rank."


def mean_over(comparison: Comparison) -> str:
    """What is drawn of a configuration: `mean over seeds`, or `one seed each`."""
    if max(len(c.repeats) for c in comparison.configurations) == 1:
        return "one seed each"
    return f"mean over {comparison.repeated}"


def line_styles(
    configurations: list[Configuration], ranked: list[Configuration]
) -> dict[str, LineStyle]:
    """Letter of a configuration → the style of its lines.

    The best of `ranked` is black and bold. Of more than eight configurations only the best seven
    can be told apart; the others are thin and grey.
    """
    few = len(configurations) <= len(COLOURS)
    styled = [c for c in (ranked if few else ranked[: len(COLOURS) - 1]) if c in configurations]
    grey = LineStyle(color=OTHERS, linestyle="-", linewidth=0.7, zorder=1.5, marker="o")
    styles = {c.letter: grey for c in configurations}
    for number, c in enumerate(styled):
        styles[c.letter] = LineStyle(
            color=COLOURS[number],
            linestyle=DASHES[number],
            linewidth=BOLD if number == 0 else 1.3,
            zorder=3 - number / 100,
            marker=MARKERS[number],
        )
    return styles


def with_marker(style: LineStyle, marker: str) -> LineStyle:
    """The same style with another marker; "" for none."""
    changed = style.copy()
    changed["marker"] = marker
    return changed


def not_below_zero(ax: Axes, axis: Literal["x", "y"]) -> None:
    """Let an axis of a metric begin at zero where its margin or an interval would go below."""
    low, high = ax.get_xlim() if axis == "x" else ax.get_ylim()
    if low < 0 < high:
        ax.set(**{f"{axis}lim": (-MARGIN * (high - low), high)})


def legend_height(configurations: list[Configuration]) -> float:
    """Height of the legend of these configurations, cm."""
    named = configurations[: len(COLOURS)]
    return 0.3 + 0.42 * -(-len(named) // _columns(named))


def legend(
    fig: Figure,
    configurations: list[Configuration],
    styles: dict[str, LineStyle],
    marker: bool = False,
    above: bool = False,
) -> None:
    """Add one legend below all plots of a figure, or `above` them; the grey lines share an entry.

    `marker`: its entries are markers rather than lines.
    """
    named = [c for c in configurations if styles[c.letter]["color"] != OTHERS]
    columns = _columns(named)
    length = 100 if len(named) == 1 else {1: 100, 2: 44, 3: 26}[columns]
    lines = [_legend_line(styles[c.letter], marker) for c in named]
    labels = [c.label(length) for c in named]
    if others := [c for c in configurations if c not in named]:
        lines.append(_legend_line(styles[others[0].letter], marker))
        labels.append(f"the other {len(others)}")
    fig.legend(
        lines,
        labels,
        loc="outside upper center" if above else "outside lower center",
        ncols=columns,
        handlelength=3.2,
        columnspacing=1.5,
    )


def _columns(named: list[Configuration]) -> int:
    longest = max(len(c.short_label) for c in named)
    return min(len(named), 3 if longest <= 26 else 2 if longest <= 44 else 1)


def _legend_line(style: LineStyle, marker: bool) -> Line2D:
    line = Line2D([], [], color=style["color"], linewidth=style["linewidth"])
    if marker:
        line.set(linestyle="", marker=style["marker"], markersize=4.5)
    else:
        line.set(linestyle=style["linestyle"])
    return line
