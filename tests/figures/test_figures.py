"""Every figure draws what there is, fits the page, and is the same twice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fairtrial import DataError
from fairtrial.figures import figure_functions
from fairtrial.figures.base import HEIGHT, OTHERS, WIDTH, line_styles, style
from fairtrial.figures.box_statistics import box_statistics, image_sizes
from fairtrial.figures.history import losses
from fairtrial.results.dataset import DatasetDescription, DescribedDatasets
from fairtrial.results.experiment import load_experiment
from fairtrial.settings.stages import PlotSettings
from fairtrial.stages.plot import plot
from tests.facts import refused
from tests.report.fake_results import Fake, load

CASES: dict[str, dict[str, Any]] = {
    "three": {"configurations": {f"m{m}": {"momentum": m} for m in (0.3, 0.6, 0.9)}},
    "twelve": {
        "configurations": {f"l{i}": {"lr0": 10**i} for i in range(12)},
        "seeds": (0,),
        "motley": True,
    },
    "one run, one class, no test, no epoch": {
        "configurations": {"only": {}},
        "seeds": (0,),
        "classes": ("cell",),
        "test": False,
        "epochs": 0,
    },
    "eighty classes": {
        "configurations": {"a": {"momentum": 0.3}, "b": {"momentum": 0.6}},
        "seeds": (0,),
        "classes": tuple(f"class number {i}" for i in range(80)),
        "objects": 12,
        "epochs": 1,
    },
    "hostile names": {
        "configurations": {"x": {"model": "$x_1$ " * 20}, "y": {"model": "#panic()\n_"}},
        "seeds": (0,),
        "classes": ("$a$", "_b", "c\nd", "é世", "\\frac{", "long " * 20),
    },
    "two data sets": {
        "configurations": {"a": {"momentum": 0.3}, "b": {"momentum": 0.3}},
        "seeds": (0,),
        "sets": {"b": 1},
    },
}


SMALL: dict[str, Any] = {
    "configurations": {"a": {"momentum": 0.3}, "b": {"momentum": 0.6}},
    "seeds": (0,),
    "epochs": 2,
}


SWEPT = ("momentum", "lr0", "optimizer")


def draw(fake: Fake, **settings: Any) -> list[dict[str, str]]:
    manifest = fake.results / "figures.json"
    chosen = {"runs": tuple(fake.runs), "gallery": 1, "sweeps": SWEPT, **settings}
    plot(
        settings=PlotSettings(**chosen),
        results=fake.results,
        data=fake.data,
        figures=fake.results / "figures",
        manifest=manifest,
        pictures=fake.results / "pictures.json",
    )
    rows: list[dict[str, str]] = load(manifest)
    return rows


@dataclass(frozen=True)
class Drawn:
    """The results of one of `CASES`, and the rows of figures.json."""

    case: str
    fake: Fake
    rows: list[dict[str, str]]


FAST = "one run, one class, no test, no epoch"
PARAMS = [pytest.param(name, marks=[] if name == FAST else pytest.mark.slow) for name in CASES]


@pytest.fixture(scope="module", params=PARAMS)
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    fake = Fake(tmp_path_factory.mktemp("figures"), **CASES[request.param]).build()
    return Drawn(request.param, fake, draw(fake))


def test_no_figure_is_larger_than_the_page(drawn: Drawn) -> None:
    assert drawn.rows
    for row in drawn.rows:
        head = (drawn.fake.results / row["file"]).read_text()[:2000]
        size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', head)
        assert size is not None, row["file"]
        width, height = map(float, size.groups())
        assert width * 2.54 / 72 <= WIDTH + 0.01, row["file"]
        assert height * 2.54 / 72 <= HEIGHT + 0.01, row["file"]


def test_every_figure_has_a_title_and_a_caption(drawn: Drawn) -> None:
    assert len({row["file"] for row in drawn.rows}) == len(drawn.rows)
    assert all(row["title"] and row["caption"].endswith(".") for row in drawn.rows)


def test_sections_have_figures_where_there_is_something_to_show(drawn: Drawn) -> None:
    sections = {row["section"] for row in drawn.rows}
    always = {"detection", "operating", "calibration", "errors", "classes", "confusion", "data"}
    always |= {"gallery", "poster"}
    if drawn.case.startswith("one run"):  # nothing to compare or confuse, no epoch, and one class
        assert sections == always - {"confusion", "classes"}
    elif drawn.case == "two data sets":  # a configuration each: no winner, no cost to compare
        assert sections == always | {"curves"}
    else:
        if drawn.case == "eighty classes":  # the most frequent confusions are a list
            always -= {"confusion"}
        sweeps = set() if drawn.case == "hostile names" else {"sweeps"}
        assert sections == always | {"curves", "answer", "cost"} | sweeps


OF_CLASSES = 2  # figures that image classification alone has


def test_every_figure_function_is_tested(drawn: Drawn) -> None:
    if drawn.case == "twelve":
        # test_search.py has those of a search, report/test_learning_curve.py that of shares,
        # results/test_factors.py those of a grid, test_image_sizes.py and test_batches.py others
        elsewhere = {"search", "learning", "factors", "sizes", "batches"}
        functions = [f for f in figure_functions() if f.section not in elsewhere]
        kinds = {row["file"].rstrip("0123456789-.svg") for row in drawn.rows}
        assert len(kinds) == len(functions) - OF_CLASSES


@pytest.mark.slow
def test_same_bytes_twice(tmp_path: Path) -> None:
    fakes = [Fake(tmp_path / place, **SMALL).build() for place in ("one", "two")]
    first, second = (draw(fake) for fake in fakes)
    assert first == second  # the manifest holds every figure's sha256


@pytest.mark.slow
def test_without_timings_no_figure_depends_on_times(tmp_path: Path) -> None:
    fake = Fake(tmp_path, **SMALL).build()
    before = draw(fake, timings=False)
    for path in fake.results.rglob("speed.json"):
        path.unlink()
    assert draw(fake, timings=False) == before


@pytest.mark.slow
def test_figures_of_former_runs_are_removed(tmp_path: Path) -> None:
    fake = Fake(tmp_path, **SMALL).build()
    stale = fake.results / "figures" / "gallery-9-9.svg"
    stale.parent.mkdir()
    stale.write_text("<svg/>")
    draw(fake)
    assert not stale.exists()


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    fake = Fake(tmp_path, {"a": {}}, seeds=(0,)).build()
    with refused(DataError, "ghost-s0"):
        draw(fake, runs=("a-s0", "ghost-s0"))


def test_of_twelve_configurations_the_best_seven_can_be_told_apart(tmp_path: Path) -> None:
    fake = Fake(tmp_path, **CASES["twelve"]).build()
    comparison = load_experiment(fake.results, fake.data, fake.runs).comparisons[0]
    styles = line_styles(comparison.configurations, comparison.ranked())
    best = {c.letter for c in comparison.ranked()[:7]}
    assert {letter for letter, style in styles.items() if style["color"] != OTHERS} == best
    of_best = [styles[letter] for letter in best]
    assert len({(str(s["linestyle"]), s["marker"], s["color"]) for s in of_best}) == 7
    assert len({str(s["linestyle"]) for s in of_best}) == 7  # in grey print, too


def test_a_loss_of_one_part_has_train_beside_val(tmp_path: Path) -> None:
    fake = Fake(tmp_path, {"only": {}}, seeds=(0,)).build()
    file = fake.results / "history/only-s0.csv"
    file.write_text("epoch,train/cross_entropy_loss,val/cross_entropy_loss\n1,2.0,2.1\n2,1.0,1.2\n")
    experiment = load_experiment(fake.results, fake.data, fake.runs)
    (drawing,) = losses.draw(experiment, PlotSettings(runs=(), gallery=0))
    assert drawing.title == "Loss on train and val: cross entropy"
    left, right = drawing.figure.axes
    assert [ax.get_title("left") for ax in (left, right)] == [
        "train: cross entropy loss", "val: cross entropy loss",
    ]  # fmt: skip
    assert left.get_subplotspec().rowspan == right.get_subplotspec().rowspan


def test_titles_of_data_sets_with_long_names_end_within_the_figure(tmp_path: Path) -> None:
    fake = Fake(tmp_path, {"only": {}}, seeds=(0,)).build()
    (described,) = load_experiment(fake.results, fake.data, fake.runs).datasets.values()
    described.dataset.images[0].width += 1
    sets = {}
    for number in range(2):
        name = f"a_data_set_with_a_name_of_nearly_eighty_characters_as_people_like_them_{number}"
        sets[name] = DatasetDescription(name, described.data)
        vars(sets[name]).update(dataset=described.dataset, certificate=described.certificate)
    for draw in (image_sizes, box_statistics):
        with style():
            (drawing,) = draw.draw(DescribedDatasets(sets), PlotSettings(runs=(), gallery=0))
            figure = drawing.figure
            figure.draw_without_rendering()
        titles = [ax._left_title for ax in figure.axes if ax.get_title("left")]
        assert len(titles) >= 2
        for title in titles:
            assert title.get_window_extent().x1 <= figure.bbox.x1, title.get_text()
