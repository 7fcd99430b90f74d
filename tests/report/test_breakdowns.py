"""What the report says of kinds of error, classes, sizes, groups and COCO's metrics."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from fairtrial.figures.base import FAINT, style
from fairtrial.figures.class_curves import class_curves
from fairtrial.figures.classes import per_class
from fairtrial.figures.error_kinds import error_costs
from fairtrial.figures.marks import MARKS
from fairtrial.report import breakdowns, html
from fairtrial.report.classes import classes
from fairtrial.report.error_kinds import PHRASES, errors, sentences
from fairtrial.results.breakdowns import KIND_NAMES
from fairtrial.results.experiment import Comparison, ExperimentResults, load_experiment
from fairtrial.results.significance import class_interval_of
from fairtrial.scoring.error_kinds import KINDS
from fairtrial.settings.stages import PlotSettings
from tests.report.fake_results import Fake

NOTHING = dict.fromkeys(KINDS, 0.05)
HIGH_AND_LOW = {
    (name, seed, split): value + 0.001 * seed
    for name, value in (("low", 0.4), ("high", 0.6), ("mid", 0.5))
    for seed in range(3)
    for split in ("val", "test")
}
TWO = {"low": {"imgsz": 320}, "high": {"imgsz": 640}}
THREE = TWO | {"mid": {"imgsz": 480}}


def compared(tmp_path: Path, configurations: Any = None, **changed: Any) -> Comparison:
    """The comparison of a fake experiment; A, the best, is `high`, the last is `low`."""
    return results(tmp_path, configurations, **changed).comparisons[0]


def results(tmp_path: Path, configurations: Any = None, **changed: Any) -> ExperimentResults:
    fake = Fake(tmp_path, configurations or TWO, ap=HIGH_AND_LOW, size=64, **changed).build()
    return load_experiment(fake.results, fake.data, fake.runs)


# --------------------------------------------------------------------------- kinds of error


def test_a_cost_that_differs_by_more_than_chance_is_a_sentence(tmp_path: Path) -> None:
    costs = {"low": NOTHING | {"missed": 0.20, "background": 0.01}, "high": NOTHING}
    first, second, last = sentences(compared(tmp_path, costs=costs))
    assert first.startswith("Missed objects cost A 0.1") and "AP50 less than B (95 %" in first
    assert second.startswith("Detections on background cost A 0.0")
    assert "AP50 more than B (95 %: 0.0" in second
    assert last.startswith("No other difference")


def test_equal_costs_are_not_told_apart(tmp_path: Path) -> None:
    costs = {"low": NOTHING, "high": NOTHING}
    (only,) = sentences(compared(tmp_path, costs=costs))
    assert only == "A (imgsz 640) cannot be told from B by what any kind of error costs."


def test_several_that_differ_alike_share_a_sentence_with_the_nearest(tmp_path: Path) -> None:
    costs = {
        "low": NOTHING | {"duplicate": 0.30},
        "mid": NOTHING | {"duplicate": 0.20},
        "high": NOTHING,
    }
    first, _ = sentences(compared(tmp_path, THREE, costs=costs))
    assert first.startswith("Objects found twice cost A less AP50 than B and C; the smallest")
    assert "0.1" in first and ", to B (95 %: " in first


def test_one_seed_each_compares_the_trained_models(tmp_path: Path) -> None:
    costs = {"low": NOTHING | {"missed": 0.20}, "high": NOTHING}
    first, _ = sentences(compared(tmp_path, seeds=(0,), costs=costs))
    assert "for these trained models on other images" in first


def test_the_table_of_errors_has_counts_costs_and_intervals(tmp_path: Path) -> None:
    comparison = compared(tmp_path, costs={"low": NOTHING, "high": NOTHING})
    part = errors(comparison)
    assert part is not None and part["kinds"] == list(KIND_NAMES.values())
    assert [row["letter"] for row in part["rows"]] == ["A", "B"]  # the best first
    cell = part["rows"][0]["cells"][KINDS.index("missed")]
    rows = [run.breakdowns.errors("test")["missed"] for run in comparison.ranked()[0].runs]
    assert float(cell["count"]) == pytest.approx(sum(r["count"] for r in rows) / 3, abs=0.05)
    mean = sum(r["cost"] for r in rows) / 3
    assert cell["cost"].startswith(f"{mean:.3f} ± 0.00")
    low, high = (float(bound) for bound in cell["interval"].split(" to "))
    assert low < mean < high


def test_a_kind_of_error_has_one_name_everywhere(tmp_path: Path) -> None:
    """In sentences, the table, the figure, the legend of pictures and the page."""
    assert list(KIND_NAMES) == list(KINDS)
    assert {kind: MARKS[kind].text for kind in KINDS} == KIND_NAMES
    script = (Path(html.__file__).parent / "page/scripts/40-pictures.js").read_text("utf-8")
    words = script.partition("const KIND_WORDS = {")[2].partition("}")[0]
    found = dict(re.findall(r'(\w+): "([^"]+)"', words))
    assert {kind: found.get(kind) for kind in KINDS if kind != "missed"} == {
        kind: name for kind, name in KIND_NAMES.items() if kind != "missed"
    }
    for kind, phrase in PHRASES.items():
        said = KIND_NAMES[kind].split(", ")
        assert all(word in phrase for word in said), (kind, phrase)


def test_a_cost_of_nothing_but_missed_objects_is_undefined(tmp_path: Path) -> None:
    """A model that finds nothing: what repairing the missed ones gives is not defined."""
    comparison = compared(tmp_path, {"low": {}}, seeds=(0,))
    path = comparison.configurations[0].first.folder / "error_kinds.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(x.rsplit(",", 1)[0] + "," if "missed" in x else x for x in lines))
    part = errors(comparison)
    assert part is not None
    cell = part["rows"][0]["cells"][KINDS.index("missed")]
    assert (cell["cost"], cell["interval"]) == ("–", "")


def test_a_bar_for_each_configuration_and_kind(tmp_path: Path) -> None:
    experiment = results(tmp_path)
    with style():
        (drawing,) = error_costs.draw(experiment, PlotSettings(gallery=4, runs=()))
    assert [ax.get_title("left") for ax in drawing.figure.axes] == list(KIND_NAMES.values())
    for ax, kind in zip(drawing.figure.axes, KINDS, strict=True):
        heights = [bar.get_height() for bar in ax.patches]
        means = [
            sum(r.breakdowns.errors("test")[kind]["cost"] for r in c.runs) / 3
            for c in experiment.comparisons[0].ranked()
        ]
        assert heights == pytest.approx(means)


# --------------------------------------------------------------------------- classes


def test_classes_come_by_their_number_of_objects_with_intervals(tmp_path: Path) -> None:
    comparison = compared(tmp_path, images={"train": 4, "val": 8, "test": 40})
    part = classes(comparison)
    counts = [int(row["count"]) for row in part["rows"]]
    assert counts == sorted(counts, reverse=True) and counts[0] >= 10
    first, best = part["rows"][0], comparison.ranked()[0]
    expected = class_interval_of(best, "test", first["name"], "AP")
    assert expected is not None
    assert first["cells"][0]["interval"] == f"{expected[0]:.3f} to {expected[1]:.3f}"
    assert part["metrics"] == ["Precision", "Recall", "F1", "AP50", "AP"]


@pytest.mark.parametrize(
    ("objects", "units", "few"), [(10, 5, False), (9, 9, True), (40, 4, True)], ids=str
)
def test_a_class_of_few_objects_or_units_is_grey(
    tmp_path: Path, objects: int, units: int, few: bool
) -> None:
    experiment = results(tmp_path, {"low": {}}, seeds=(0,), classes=("circle", "square"))
    comparison = experiment.comparisons[0]
    path = comparison.configurations[0].first.folder / "per_class.csv"
    rows = list(csv.DictReader(path.open()))
    for row in rows:
        row |= {"objects": str(objects), "units": str(units)}
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    part = classes(comparison)
    assert [row["few"] for row in part["rows"]] == [few, few]
    assert part["any_few"] is few
    with style():
        (drawing,) = per_class.draw(experiment, PlotSettings(gallery=4, runs=()))
    labels = drawing.figure.axes[0].get_yticklabels()
    assert [label.get_color() == FAINT for label in labels] == [few, few]
    assert ("Grey names" in drawing.caption) is few


def test_many_classes_are_cut_to_the_commonest(tmp_path: Path) -> None:
    names = tuple(f"class {n:02}" for n in range(60))
    images = {"train": 4, "val": 8, "test": 60}
    comparison = compared(tmp_path, {"low": {}}, seeds=(0,), classes=names, images=images)
    part = classes(comparison)
    assert len(part["rows"]) == len(part["rows_of_best"]) == 40
    assert part["rare"] + part["empty"] == 20 and part["rare"] > 0


def test_curves_of_each_class_of_the_best(tmp_path: Path) -> None:
    with style():
        (drawing,) = class_curves.draw(results(tmp_path), PlotSettings(gallery=4, runs=()))
    titles = [ax.get_title("left") for ax in drawing.figure.axes if ax.get_visible()]
    assert titles[0].startswith("circle, n = ") and len(titles) == 3
    assert "Configuration A on test" in drawing.caption
    assert len(drawing.figure.axes[0].lines) == 4  # three curves, and the chosen confidence


# --------------------------------------------------------------------------- sizes, groups, COCO


def test_sizes_with_objects_have_their_ap(tmp_path: Path) -> None:
    comparison = compared(tmp_path)
    part = breakdowns.sizes(comparison)
    assert part is not None and part["letters"] == ["A", "B"]
    table = {row[0]: row for row in part["rows"]}
    assert "COCO: large" not in table  # none that large
    assert table["COCO: small"][1] == "up to 32"
    of_thirds = [int(table[f"thirds: {size}"][2]) for size in ("small", "medium", "large")]
    assert sum(of_thirds) == comparison.configurations[0].first.metrics_of("test").objects
    run = comparison.ranked()[0].runs[0]
    ap = run.breakdowns.sizes("test")["COCO", "small"]["AP"]
    assert table["COCO: small"][3].startswith(f"{ap:.2f}"[:3])


def test_the_worst_groups_come_first(tmp_path: Path) -> None:
    comparison = compared(tmp_path, groups=4)
    part = breakdowns.groups(comparison)
    assert part is not None and part["metric"] == "F1"
    f1 = [float(row[3].split(" ")[0]) for row in part["rows"]]
    assert f1 == sorted(f1) and len(f1) == 4
    assert {row[0] for row in part["rows"]} == {f"test {n}" for n in range(4)}


def test_of_many_groups_the_best_ones_are_left_out(tmp_path: Path) -> None:
    images = {"train": 2, "val": 4, "test": 40}
    part = breakdowns.groups(compared(tmp_path, groups=40, images=images))
    assert part is not None
    assert (len(part["rows"]), part["more"]) == (15, 25)


def test_without_groups_there_is_no_table(tmp_path: Path) -> None:
    assert breakdowns.groups(compared(tmp_path)) is None


def test_all_twelve_metrics_of_coco_are_shown(tmp_path: Path) -> None:
    part = breakdowns.coco_metrics(compared(tmp_path))
    assert part is not None
    assert [row[0] for row in part["rows"]][:6] == [
        *("AP", "AP50", "AP75", "AP small", "AP medium", "AP large"),
    ]
    assert len(part["rows"]) == 12
    assert part["rows"][5][1:] == ["–", "–"]
    assert part["rows"][0][1] == "0.601 ± 0.001"
