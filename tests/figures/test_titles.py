"""Words beside figures: none over another, and none in the language of a typesetter."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.ticker import NullFormatter

from fairtrial.figures.base import style
from fairtrial.figures.poster import CHARACTER, _as_wide
from fairtrial.figures.reliability import _panels
from fairtrial.results.experiment import load_experiment
from tests.report.fake_results import Fake


@pytest.mark.parametrize("width", [2.0, 4.1])
def test_a_title_is_cut_to_its_picture(width: float) -> None:
    """Beside it stands the next one."""
    lines = _as_wide("p14_v10_00001_of_a_long_name.png\n→ lesion 0.98", width).split("\n")
    assert len(lines) == 2
    assert all(len(line) * CHARACTER <= width for line in lines)


def test_counts_of_a_few_detections_have_plain_numbers(tmp_path: Path) -> None:
    """On an axis within one decade matplotlib labels the lesser ticks too, as TeX."""
    fake = Fake(tmp_path, {"a": {}, "b": {"lr0": 0.1}}, seeds=(0,)).build()
    (comparison,) = load_experiment(fake.results, fake.data, fake.runs).comparisons
    with style():
        axis = _panels(comparison).axes[1].yaxis
        axis.axes.set_ylim(0.5, 4)
        assert isinstance(axis.get_minor_formatter(), NullFormatter)
        assert not any("mathdefault" in label.get_text() for label in axis.get_ticklabels("both"))
