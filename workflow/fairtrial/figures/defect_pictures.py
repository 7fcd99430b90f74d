"""The raw images in which `convert` found defects, for a person to look at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image as Picture
from PIL import ImageOps

from fairtrial.data.quality import DefectReport
from fairtrial.figures.base import WIDTH, Drawing, data_figure, new_figure
from fairtrial.figures.pictures import frame
from fairtrial.results.configuration import shorten
from fairtrial.results.dataset import DescribedData
from fairtrial.settings.stages import PlotSettings

OF_KIND = 4  # pictures of each kind of defect: one row
KINDS = 12  # kinds at most
COLOUR = "#D55E00"
BOX = re.compile(r" ?\[(-?[\d.]+), (-?[\d.]+), (-?[\d.]+), (-?[\d.]+)\]")


@dataclass(frozen=True)
class Case:
    """A defect on one image: its raw file, and what was seen."""

    path: Path
    seen: str

    @property
    def boxes(self) -> list[tuple[float, ...]]:
        """The boxes that are named in what was seen."""
        return [tuple(map(float, numbers)) for numbers in BOX.findall(self.seen)]


@data_figure("defects", in_experiments=False)
def defect_pictures(data: DescribedData, settings: PlotSettings) -> Iterator[Drawing]:
    """A row of pictures for each kind of defect, once a source."""
    by_source = {description.source: description for description in data.datasets.values()}
    for source, description in by_source.items():
        if description.quality is None:
            continue
        raw = description.data / "raw" / source
        rows = {
            kind: cases
            for kind, defect in sorted(description.quality.defects.items())
            if (cases := _cases(raw, defect))
        }
        chosen = dict(list(rows.items())[:KINDS])
        if chosen:
            caption = (
                f"Source {source}, as it was before conversion: at most {OF_KIND} images of each "
                "kind of defect, with the boxes that are meant (a cross: without area); all cases "
                "are listed in quality.json."
            )
            yield Drawing(f"defects-{source}", _rows(chosen), "Images with defects", caption)


def _cases(raw: Path, defect: DefectReport) -> list[Case]:
    """The first cases whose raw file is an image that can be decoded."""
    cases: list[Case] = []
    for text in defect.cases:
        where, _, seen = text.partition(": ")
        path = raw / where
        if path.is_file() and _decodes(path):
            cases.append(Case(path, seen))
        if len(cases) == OF_KIND:
            break
    return cases


def _decodes(path: Path) -> bool:
    try:
        with Picture.open(path) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError, Picture.DecompressionBombError):
        return False
    return True


def _rows(rows: dict[str, list[Case]]) -> Figure:
    fig = new_figure(len(rows) * (WIDTH / OF_KIND * 0.75 + 1.0))
    grid = fig.subplots(len(rows), OF_KIND, squeeze=False)
    for axes, (kind, cases) in zip(grid, rows.items(), strict=True):
        for number, (ax, case) in enumerate(zip(axes, cases, strict=False)):
            draw_case(ax, case, kind.replace("_", " ") if number == 0 else "")
        for ax in axes:
            ax.axis("off")
    return fig


def draw_case(ax: Axes, case: Case, kind: str) -> None:
    """Draw the picture with its boxes; `kind`: of defect, to be written above."""
    with Picture.open(case.path) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    width = upright.width
    upright.thumbnail((300, 300))
    ax.imshow(upright)
    ax.set_autoscale_on(False)
    for box in case.boxes:
        _box(ax, *(value * upright.width / width for value in box))
    lines = [kind, shorten(case.path.name, 30), shorten(BOX.sub("", case.seen), 30)]
    ax.set_title("\n".join(lines).rstrip(), loc="left", fontsize=6.5)


def _box(ax: Axes, x: float, y: float, width: float, height: float) -> None:
    """Draw a box; a cross where it has no area."""
    if width > 0 and height > 0:
        frame(ax, (x, y, width, height), COLOUR, "-", 1.0)
    else:
        ax.plot([x], [y], "x", color=COLOUR, markersize=6, markeredgewidth=1.5)
