"""Pictures of defects show the boxes that are meant."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from fairtrial.figures.base import style
from fairtrial.figures.defect_pictures import Case, draw_case


def test_boxes_are_drawn_where_they_are_in_the_picture(tmp_path: Path) -> None:
    """At the scale of the picture, which is made smaller; one without area is a cross."""
    Image.new("RGB", (600, 400)).save(tmp_path / "a.png")
    case = Case(tmp_path / "a.png", "cell [100, 200, 50, 60] and cell [20, 40, 0, 0]")
    with style():
        ax = Figure().subplots()
        draw_case(ax, case, "overlapping boxes")
    boxes = {(p.get_x(), p.get_y(), p.get_width(), p.get_height()) for p in ax.patches}
    assert boxes == {(50, 100, 25, 30)}
    assert ax.lines[0].get_xydata().tolist() == [[10, 20]]
    assert ax.get_title(loc="left").endswith("cell and cell"), "the picture has the numbers"
