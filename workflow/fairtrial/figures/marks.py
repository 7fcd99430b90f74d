"""How a box is drawn by what is right or wrong with it: in colour, in grey, and by a sign."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fairtrial.figures.labels import PAD, Label
from fairtrial.figures.pictures import Line, frame
from fairtrial.files.text import left_to_right
from fairtrial.results.breakdowns import KIND_NAMES
from fairtrial.results.configuration import shortened
from fairtrial.results.marked_boxes import RIGHT, MarkedBox
from fairtrial.scoring.error_kinds import (
    BACKGROUND,
    BOTH,
    CLASSIFICATION,
    DUPLICATE,
    LOCALISATION,
    MISSED,
)

TRUTH = "truth"  # an object of the ground truth


class Mark(NamedTuple):
    """`sign` begins the label, `text` explains it; boxes of a lower `order` are above others."""

    order: int
    colour: str
    line: Line
    weight: float  # points
    sign: str
    text: str


MARKS = {
    MISSED: Mark(0, "#000000", (0, (1.2, 1.2)), 1.5, "–", KIND_NAMES[MISSED]),
    BACKGROUND: Mark(1, "#D55E00", (0, (5, 1.5)), 1.3, "+", KIND_NAMES[BACKGROUND]),
    CLASSIFICATION: Mark(2, "#B57A00", "-", 1.6, "≠", KIND_NAMES[CLASSIFICATION]),
    LOCALISATION: Mark(3, "#0072B2", (0, (6, 1.5, 1.2, 1.5)), 1.3, "↔", KIND_NAMES[LOCALISATION]),
    BOTH: Mark(4, "#A0307F", (0, (3, 1, 1, 1, 1, 1)), 1.3, "≠↔", KIND_NAMES[BOTH]),
    DUPLICATE: Mark(5, "#7F7F00", (0, (2.5, 2.5)), 1.1, "2×", KIND_NAMES[DUPLICATE]),
    RIGHT: Mark(6, "#009E73", "-", 0.7, "", "right"),
    TRUTH: Mark(7, "#000000", "-", 0.8, "", "object"),
}
LONG, SHORT = 14, 5  # characters of a class in a label


def texts_of(box: MarkedBox, classes: tuple[str, ...]) -> list[str]:
    """Labels of a box, the longest first; `classes`: all names, which stay distinct."""
    mark = MARKS[box.kind]
    confidence = "" if box.confidence is None else f"{box.confidence:.2f}".removeprefix("0")
    texts = []
    for length in (LONG, SHORT):
        short = _short(classes, length)
        if box.name in short:  # names that are cut to the same say nothing
            name, truth = short[box.name], short.get(box.truth or "", "")
            named = f"{name} ≠ {truth}" if box.truth else f"{mark.sign} {name}"
            texts.append(f"{named} {confidence}".strip())
            if box.kind == TRUTH:
                texts.append(name)
    return [text for text in dict.fromkeys([*texts, mark.sign]) if text]


@lru_cache(maxsize=32)
def _short(classes: tuple[str, ...], length: int) -> dict[str, str]:
    """Class → its name, cut to a length; {} where two would be cut to the same."""
    cut = shortened(classes, length)
    distinct = len(set(cut)) == len(set(classes))
    return (
        {name: left_to_right(text) for name, text in zip(classes, cut, strict=True)}
        if distinct
        else {}
    )


def draw_box(ax: Axes, box: MarkedBox) -> None:
    """Draw a box by its kind and, below it, the object that a badly placed one aims at."""
    mark = MARKS[box.kind]
    if box.aims_at is not None:
        frame(ax, box.aims_at, "#000000", ":", 0.6)
    frame(ax, box.box, mark.colour, mark.line, mark.weight)


def draw_label(ax: Axes, label: Label, kind: str, point: float, size: float) -> None:
    """Write a label, whose place is known; `point`: pixels that a point is, `size`: of the font."""
    left, top, _, height = label.box
    text = ax.text(
        left + PAD * point,
        top + height / 2,
        label.text,
        ha="left",
        va="center",
        fontsize=size,
        color=MARKS[kind].colour if kind != RIGHT else "#00553E",
        clip_on=True,
    )
    text.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.78, "pad": 0.2})


def draw_legend(
    fig: Figure, kinds: Collection[str], height: float, beside: float | None = None
) -> None:
    """Explain the kinds that occur in a strip of this height (a share) at the foot of a figure or,
    one below the other, from `beside` (a share of the width) on."""
    shown = [(kind, mark) for kind, mark in reversed(MARKS.items()) if kind in kinds]
    if not shown:
        return
    lines = [
        Line2D([], [], color=mark.colour, linestyle=mark.line, linewidth=mark.weight)
        for _, mark in shown
    ]
    texts = [f"{mark.sign} {mark.text}".strip() for _, mark in shown]
    columns = min(len(shown), 5) if beside is None else 1
    fig.legend(
        lines,
        texts,
        loc="center" if beside is None else "center left",
        bbox_to_anchor=(0.5, height / 2) if beside is None else (beside, 0.5),
        ncols=columns,
        handlelength=2.6,
        columnspacing=1.1,
        handletextpad=0.5,
        borderpad=0,
    )
