"""Reports of many sizes: filled pages, one order, whole words, characters of any script."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typst
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.figure import Figure
from PIL import Image
from pypdf import PdfReader

from fairtrial import SettingsError
from fairtrial.figures.base import BOLD, Drawing, line_styles, not_below_zero, style
from fairtrial.figures.confidence import mean_curve
from fairtrial.figures.confusion import confusion
from fairtrial.figures.page_pictures import page_pictures
from fairtrial.figures.strips import save_strips
from fairtrial.planning.fonts import font_files
from fairtrial.report.answer import Answer, legend
from fairtrial.report.breakdowns import sizes
from fairtrial.report.browser_parts import of_all_folds
from fairtrial.report.claim import HEADINGS, SECTIONS
from fairtrial.report.classes import classes
from fairtrial.report.confusions import confusion_parts
from fairtrial.report.cost import cost, fronts
from fairtrial.report.glyphs import missing_glyphs
from fairtrial.report.image_browser import browser
from fairtrial.report.limits import limits
from fairtrial.report.pdf import TEMPLATE
from fairtrial.results.configuration import setting_text
from fairtrial.results.confusions import confusion_counts
from fairtrial.results.experiment import ExperimentResults, load_experiment
from fairtrial.results.page_pictures import PagePicture
from fairtrial.settings.stages import PlotSettings, ReportSettings
from tests.facts import missing_facts, refused
from tests.report.fake_results import Fake, load
from tests.report.sized_reports import CASES, folds
from tests.report.test_questions import plain_content
from tests.report.test_report import TWO, pdf_text, scores
from tests.report.white_pages import white_share
from tests.report.written import plotted, reported

CHINESE = "细胞"
PLAIN_TABLE = re.compile(
    r'<table class="plain">\s*<thead>(.*?)</thead>\s*<tbody>(.*?)</tbody>', re.DOTALL
)
ON_PAGE_ONE = {  # what a reader of that page alone has to know
    "demo": ("95 %",),
    "grid": ("the other 9 are worse", "95 %"),
    "searched": ("of 5 trials (3 finished) trial 4 is best", "lr0 0.0001", "which flatters it"),
    "folds": ("mean ± standard deviation over folds",),
    "classification": ("Higher is better, but for log loss and ECE",),
}


def pictures_of(experiment: ExperimentResults) -> tuple[PagePicture, ...]:
    return page_pictures(experiment, 20.0).of(0)


def results_of(fake: Fake, **settings: Any) -> ExperimentResults:
    return load_experiment(fake.results, fake.data, fake.runs, **settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *("demo", "grid", "sweep", "classes80", "one_class", "searched", "folds"),
        "classification",
    ],
)
def test_no_page_but_the_last_is_more_than_a_third_white(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures: list[bytes] = []
    compile_as_it_is = typst.compile

    def also_as_pictures(source: Any, **options: Any) -> bytes:
        pictures.extend(compile_as_it_is(source, format="png", ppi=40, **options))
        return compile_as_it_is(source, **options)

    monkeypatch.setattr(typst, "compile", also_as_pictures)
    fake, settings = CASES[name](tmp_path)
    plotted(fake, **settings)
    pdf = reported(fake, **settings)
    white = {n: round(white_share(png), 2) for n, png in enumerate(pictures[:-1], 1)}
    assert {n: share for n, share in white.items() if share > 1 / 3} == {}
    first = pdf_text(pdf, pages=1)
    facts = ["What to do next", "Beware", "makes of telling images of test"]
    assert missing_facts(first, *facts, *ON_PAGE_ONE.get(name, ())) == []
    for head, body in PLAIN_TABLE.findall((fake.results / "report.html").read_text("utf-8")):
        widths = {row.count("</th>") + row.count("</td>") for row in body.split("<tr>")[1:]}
        assert widths == {head.count("</th>")}, head
    alone = [
        page.extract_text()
        for page in PdfReader(pdf).pages
        if "Checklist: CLAIM" in page.extract_text()
    ]
    assert (
        len(alone) == 2 and "44" in alone[1] and "Provenance" not in alone[1].split("CLAIM", 1)[0]
    )


def test_a_half_empty_page_is_seen_as_half_white() -> None:
    page = np.full((297, 210), 255, np.uint8)
    page[23:150:4] = 0  # lines of text down to the middle
    stream = io.BytesIO()
    Image.fromarray(page).save(stream, "PNG")
    assert white_share(stream.getvalue()) == pytest.approx(0.5, abs=0.02)


def test_names_can_be_copied_from_the_pdf(tmp_path: Path) -> None:
    """Lines break at the punctuation of a name without a character that was not there."""
    name = "optimizer=AdamW+lr0=0.001+a_rather_long_setting_without_any_space=0.5"
    fake = Fake(tmp_path, {name: {"lr0": 0.001}, "other": {"lr0": 0.1}}, seeds=(0,)).build()
    pdf = reported(fake, drawn=False)
    text = "".join(page.extract_text() for page in PdfReader(pdf).pages)
    assert "\u200b" not in text
    assert f"{name}-s0" in text.replace("\n", "")


def test_notes_say_what_the_values_are(tmp_path: Path) -> None:
    """A mean over seeds is named only where there are several."""
    for seeds, said, other in (((0,), "one seed each", "±"), ((0, 1), "over seeds", "one seed")):
        fake = Fake(tmp_path / str(len(seeds)), TWO, seeds=seeds).build()
        parts = plain_content(results_of(fake))
        for name in ("operating", "calibration", "errors", "classes", "sizes", "coco_metrics"):
            assert [said in part["means"] for part in parts[name]] == [True], name
            assert other not in parts[name][0]["means"], name
        over = "images" if len(seeds) == 1 else "seeds and images"
        assert {part["over"] for part in (*parts["errors"], *parts["classes"])} == {over}


@pytest.mark.parametrize(
    "text",
    ["A: 0.050 less", "0.1, 0.2", "sixteen_letters_ and", "a" * 16 + " b", "a" * 33 + " b", "a_ b"],
)
def test_no_line_can_begin_with_a_space(text: str) -> None:
    """A line may end at the empty boxes that are put into a name, but not before a space."""
    template = {p.name: p.read_bytes() for p in TEMPLATE.glob("*.typ")}
    main = '#import "parts.typ": *\n#metadata(repr(loose(data.text))) <found>'
    data = json.dumps({"text": text, "figures": {}}).encode()
    source = {"main": main.encode(), **template, "data.json": data}
    (found,) = json.loads(typst.query(source, "<found>", field="value"))  # type: ignore[call-overload]
    parts = re.findall(r"box\(\), \[([^\]]*)\]", found)
    assert not [part for part in parts if part.startswith(" ")], found


def test_letters_colours_and_rows_follow_the_rank(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, ap=scores([0.5] * 3, [0.6] * 3, val=(0.4, 0.7))).build()
    (comparison,) = results_of(fake).comparisons
    assert [(c.letter, c.name) for c in comparison.configurations] == [("A", "low"), ("B", "high")]
    styles = line_styles(comparison.configurations, comparison.ranked())
    assert (styles["A"]["color"], styles["A"]["linewidth"]) == ("#000000", BOLD)
    assert styles["B"]["linewidth"] < BOLD


def test_tables_show_the_metrics_of_choice_and_the_one_that_ranks(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, seeds=(0,)).build()
    (comparison,) = results_of(fake, metrics=("AP75", "recall")).comparisons
    assert comparison.table_metrics == ("AP", "AP75", "recall")


def test_a_high_figure_is_cut_between_its_plots(tmp_path: Path) -> None:
    with style():
        figure = Figure(figsize=(4, 8), layout="constrained")
        for ax in figure.subplots(4, 1):
            ax.plot([0, 1])
        files = save_strips(Drawing("high", figure, "title", "caption."), tmp_path)
    assert [file.name for file in files] == ["high.svg", "high.2.svg", "high.3.svg", "high.4.svg"]
    plots = [file.read_text().count('<g id="axes_') for file in files]
    assert plots == [1, 1, 1, 1], "each strip holds its own row alone"
    heights = [float(file.read_text().split('height="')[1].split("pt")[0]) for file in files]
    assert sum(heights) == pytest.approx(8 * 72, abs=0.1)


def test_characters_that_no_font_has_are_found() -> None:
    assert missing_glyphs(["größe клетка خلية", CHINESE], []) == sorted(CHINESE)


def a_font(path: Path, characters: str) -> Path:
    """A font with a square for each of the characters."""
    builder = FontBuilder(1000, isTTF=True)
    names = [f"g{number}" for number, _ in enumerate(characters)]
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap({ord(c): n for c, n in zip(characters, names, strict=True)})
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 700), (800, 700), (800, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder.setupGlyf(dict.fromkeys([".notdef", *names], pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (1000, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    names_of_font = {"familyName": "Squares", "styleName": "Regular", "psName": "Squares"}
    builder.setupNameTable(names_of_font)
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


def test_a_font_of_the_project_serves_figures_and_pdf(tmp_path: Path) -> None:
    font = a_font(tmp_path / "squares.ttf", CHINESE)
    assert missing_glyphs([CHINESE], [str(font)]) == []
    fake = Fake(tmp_path / "project", TWO, seeds=(0,), classes=(CHINESE,)).build()
    files = font_files([str(font)])
    without = pdf_text(reported(fake, drawn=False))
    assert missing_facts(without, "U+7EC6", "U+80DE", "report.fonts") == []
    pdf = reported(fake, drawn=False, fonts=files)
    assert "No font has" not in pdf_text(pdf)
    fonts = {
        str(font["/BaseFont"])
        for page in PdfReader(pdf).pages
        for font in (item.get_object() for item in page["/Resources"]["/Font"].values())
    }
    assert any("Squares" in name for name in fonts)


def test_fonts_that_are_none_are_refused_together(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    with refused(SettingsError, "report.fonts", "a.txt", "gone.ttf"):
        font_files([str(tmp_path / "a.txt"), str(tmp_path / "gone.ttf")])


def test_folds_are_counted_together(tmp_path: Path) -> None:
    """Confusions, objects by size, independent images; and they are named together."""
    fake, _ = folds(tmp_path)
    experiment = results_of(fake)
    (comparison,) = experiment.comparisons
    data = load(fake.data / "sets/shapes.fold1/annotations.json")
    part = sizes(comparison)
    assert part is not None
    thirds = [int(row[2]) for row in part["rows"] if row[0].startswith("thirds")]
    assert sum(thirds) == len(data["annotations"])
    said = " ".join(limits(experiment))
    facts = [f"{len(data['images'])} independent images", "Data set 5 folds of shapes"]
    assert missing_facts(said, *facts) == []
    settings = ReportSettings(runs=tuple(fake.runs), experiment="compare", title="")
    of_page, _ = browser(comparison, experiment, settings, pictures_of(experiment), 1e7)
    joined = of_all_folds(of_page)
    assert [run["letter"] for run in joined["runs"]] == ["A", "B"]
    for run in joined["runs"]:
        assert run["folds"] == 5 and None not in run["marks"], "each image is in one fold"
        assert sum(run["counts"]["objects"]) == len(data["annotations"])
    best = comparison.configurations[0]
    counts = confusion_counts(best, "test")
    assert best.folds == 5
    expected = sum(sum(run.confusion["test"].values()) for run in best.runs)
    assert sum(counts.values()) == expected > sum(best.first.confusion["test"].values())


def test_one_class_has_a_table_instead_of_matrices(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, seeds=(0,), classes=("cell",)).build()
    experiment = results_of(fake)
    assert classes(experiment.comparisons[0])["rows"] == [], "they would be those of page one"
    (part,) = confusion_parts(experiment)
    assert part["headings"][2:] == ["found", "missed", "false alarms"]
    first = results_of(fake).comparisons[0].configurations[0].first.confusion["test"]
    pairs = [("cell", "cell"), ("cell", "background"), ("background", "cell")]
    assert part["rows"][0][2:] == [str(first[pair]) for pair in pairs]


def test_the_most_frequent_confusions_of_many_classes_come_first(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, seeds=(0,), classes=tuple(f"c{n}" for n in range(12))).build()
    (part,) = confusion_parts(results_of(fake))
    counts = [int(row[2]) for row in part["rows"]]
    assert counts == sorted(counts, reverse=True) and 0 < len(counts) <= 20
    assert all(row[0] != row[1] and "background" not in row for row in part["rows"])


def test_a_seed_without_detections_does_not_lower_the_precision_of_others(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, seeds=(0, 1)).build()
    path = fake.results / "runs/high-s1/calibration.csv"
    header, *rows = path.read_text().splitlines()
    low, count = header.split(",").index("low"), header.split(",").index("count")
    cells = [row.split(",") for row in rows]
    kept = [
        [*row[:count], "0", *row[count + 1 :]] if float(row[low]) >= 0.5 else row for row in cells
    ]
    path.write_text("\n".join([header, *(",".join(row) for row in kept), ""]))
    runs = [run for run in results_of(fake).runs if run.configuration == "high"]
    key = ("test", "precision_confidence")
    x, mean = mean_curve(runs, key)
    alone = np.array(runs[0].curves[key][1])
    assert mean[x > 0.56] == pytest.approx(alone[x > 0.56])
    assert mean[0] == pytest.approx((alone[0] + runs[1].curves[key][1][0]) / 2)


def test_the_checklist_has_all_items_and_blanks_for_what_only_the_author_knows(
    tmp_path: Path,
) -> None:
    fake = Fake(tmp_path, TWO, seeds=(0,)).build()
    for run in fake.runs:
        path = fake.results / "runs" / run / "record.json"
        dated = {"commit_date": "2026-11-29", "commit_author": "Ada"}
        path.write_text(json.dumps(load(path) | dated))
    text = pdf_text(reported(fake, drawn=False))
    assert sum(map(len, HEADINGS.values())) == 44
    facts = ["CLAIM 2024", "44 Funding", "2026-11-29 · Ada", "git checkout f00d", "Limits."]
    assert missing_facts(text, *facts, "fairtrial verify compare") == []
    assert (
        missing_facts(text, "; see Size and speed.", "; see Classes.", "See Kinds of error") == []
    )
    assert "Gallery" not in text, "none is drawn"


def test_the_checklist_names_sections_by_labels_that_they_have() -> None:
    """Of a label that no section has nothing would be said."""
    sections = "".join(path.read_text() for path in TEMPLATE.rglob("*.typ"))
    named = {label for labels in SECTIONS.values() for label in labels}
    assert {label for label in named if f"<{label}>" not in sections} == set()


def test_of_more_than_twenty_classes_there_is_a_list_and_no_matrix(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, seeds=(0,), classes=tuple(f"c{n}" for n in range(21))).build()
    experiment, settings = results_of(fake), PlotSettings(runs=tuple(fake.runs), gallery=0)
    assert list(confusion.draw(experiment, settings)) == []
    assert confusion_parts(experiment)[0]["rows"]


def test_a_whole_number_has_one_spelling(tmp_path: Path) -> None:
    fake = Fake(tmp_path, {"a": {"dropout": 0}, "b": {"dropout": 0.5}}, seeds=(0,))
    fake.configurations["a"]["dropout"] = 0.0
    texts = [c.differs["dropout"] for c in results_of(fake.build()).configurations]
    assert sorted(texts) == ["0", "0.5"]
    assert setting_text({"augment": {"mosaic": 1.0, "scale": [0.5, 2.0]}}, "augment") == (
        '{"mosaic": 1, "scale": [0.5, 2]}'
    )


def test_a_label_without_room_gives_the_values_alone(tmp_path: Path) -> None:
    rows = {
        f"model={m}+lr0={r}+imgsz={i}": {"model": m, "lr0": r, "imgsz": i}
        for m, r, i in (("yolov8n", 0.1, 320), ("yolov8s", 0.01, 640), ("yolov8m", 0.1, 640))
    }
    fake = Fake(tmp_path, rows, seeds=(0,)).build()
    labels = {c.label(24).split("  ")[1] for c in results_of(fake).configurations}
    assert labels == {"yolov8n, 0.1, 320", "yolov8s, 0.01, 640", "yolov8m, 0.1, 640"}


def test_a_label_without_room_gives_the_levels_of_a_grid_alone(tmp_path: Path) -> None:
    """`start` is no setting, but a name for several."""
    rows = {
        f"batch={b}+model={m}+start=frozen": {"batch": b, "model": m, "freeze": f}
        for b, m, f in ((8, "yolov8n", 10), (16, "yolov8s", 11))
    }
    found = results_of(Fake(tmp_path, rows, seeds=(0,)).build()).configurations
    labels = {c.label(24).split("  ")[1] for c in found}
    assert labels == {"8, yolov8n, frozen", "16, yolov8s, frozen"}


def test_who_gave_a_name_reads_it_where_settings_are_long_or_none(tmp_path: Path) -> None:
    rows: dict[str, dict[str, Any]] = {
        "line": {},
        "steps": {"scheduler": "step"},
        "falling": {"scheduler": "exponential, after a warm-up"},
    }
    found = results_of(Fake(tmp_path, rows, seeds=(0,)).build()).configurations
    assert {c.name: c.short_label for c in found} == {
        "line": "line",
        "steps": "scheduler step",
        "falling": "falling",
    }


def test_what_is_absent_at_its_default_differs_from_what_is_set(tmp_path: Path) -> None:
    """A later setting is left out of the key where it has its default."""
    rows: dict[str, dict[str, Any]] = {
        "plain": {"batch_norm": False, "model": "cnn"},
        "two_blocks": {"model": "cnn"},
        "dense": {"model": "mlp"},
    }
    experiment = results_of(Fake(tmp_path, rows, seeds=(0,)).build())
    assert experiment.differing_settings == ["model", "batch_norm"]
    assert {c.name: c.departure for c in experiment.configurations} == {
        "plain": "model cnn, batch_norm false",
        "two_blocks": "model cnn",
        "dense": "model mlp",
    }


def test_an_axis_of_a_metric_begins_at_zero() -> None:
    with style():
        ax = Figure().subplots()
        ax.plot([-0.04, 0.5], [0.2, 0.9])
        not_below_zero(ax, "x")
        not_below_zero(ax, "y")
    assert -0.03 < ax.get_xlim()[0] < 0 < ax.get_ylim()[0]


def test_the_wall_time_of_trainings_is_no_cost_of_a_front(tmp_path: Path) -> None:
    """It has in it what else the machine did: only the table shows it."""
    experiment = results_of(Fake(tmp_path, TWO).build())
    (part,) = fronts(experiment, timings=True)
    assert [name for name, _ in part["fronts"]] == ["Parameters", "GFLOPs", "Time per image"]
    assert all("training" in row for row in cost(experiment, timings=True))


def test_the_note_explains_every_sign_of_the_table(tmp_path: Path) -> None:
    """Also one that only a metric has that does not rank."""
    outcome = Answer("", best="A")
    said = legend(outcome, [{"B": "↓"}, {"B": "≈"}])
    assert missing_facts(said, "↓ worse", "≈ cannot be told from A") == []
    assert "≈" not in legend(outcome, [{"B": "↓"}, {"B": "↓"}])


def test_no_line_ends_within_a_value(tmp_path: Path) -> None:
    """`0.947 ± 0.038` is of one piece, and its text that which was written."""
    fake = Fake(tmp_path, TWO, seeds=(0, 1, 2)).build()
    pages = PdfReader(reported(fake, drawn=False)).pages
    lines = [line for page in pages for line in page.extract_text().splitlines()]
    assert not [line for line in lines if line.strip().endswith("±") or line[:1] in "±%"]
    values = [value for line in lines for value in re.findall(r"([\d.]+) ± ([\d.]*\d)", line)]
    assert len(values) > 20
    assert [v for v in values if not all(re.fullmatch(r"\d\.\d{3}", part) for part in v)] == []
