"""The PDF says what its data says."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import typst
from PIL import Image
from pypdf import PdfReader

from fairtrial import SettingsError
from fairtrial.training.provenance import CODE
from tests.facts import refused
from tests.report.fake_results import VERSIONS, Fake, load
from tests.report.written import plotted, reported

Scores = dict[tuple[str, int, str], float | None]  # (configuration, seed, split) → AP


def report_text(fake: Fake, draw: bool = False, build: bool = True, **settings: Any) -> str:
    """Build the tree, plot it if asked to, report on it, and return the text of the PDF."""
    if build:
        fake.build()
    if draw:
        plotted(fake, **{"gallery": 1, **settings})
    return pdf_text(reported(fake, drawn=draw, **settings))


def pdf_text(pdf: Path, pages: int | None = None) -> str:
    """Its words with single spaces, of the first `pages` or of all."""
    pages = PdfReader(io.BytesIO(pdf.read_bytes())).pages[:pages]
    return " ".join(" ".join(p.extract_text() for p in pages).split())


def scores(a: list[float], b: list[float], val: tuple[float, float] = (0.7, 0.6)) -> Scores:
    """AP on test by seed of two configurations `high` and `low`, named after their val AP."""
    by_run: Scores = {}
    for name, values, on_val in (("high", a, val[0]), ("low", b, val[1])):
        for seed, ap in enumerate(values):
            by_run[name, seed, "test"] = ap
            by_run[name, seed, "val"] = on_val
    return by_run


SPLITS = ("val", "test")
TWO = {"high": {"momentum": 0.6}, "low": {"momentum": 0.9}}


def test_clear_winner(tmp_path: Path) -> None:
    # means 0.61 and 0.51, sd 0.01 each; on these images alone p = 0.0003
    text = report_text(Fake(tmp_path, TWO, ap=scores([0.60, 0.61, 0.62], [0.50, 0.51, 0.52])))
    assert "A (momentum 0.6) is best: AP 0.610 on test, 0.100 above B (95 %: 0.077 to" in text
    assert "AP 0.610 ± 0.010 (mean ± sd over 3 seeds), 0.100 above B (0.510 ± 0.010)" in text
    assert "holds for other seeds and other images like these (p < 0.001)" in text
    assert "↓" in text


def test_gap_within_the_spread(tmp_path: Path) -> None:
    # means 0.60 and 0.59, sd 0.05 each: t = 0.245, df = 4, p = 0.82 on these images alone
    text = report_text(Fake(tmp_path, TWO, ap=scores([0.55, 0.60, 0.65], [0.54, 0.59, 0.64])))
    assert "A (momentum 0.6) and B (momentum 0.9) cannot be told apart." in text
    assert "0.010 above B (0.590 ± 0.050; 95 %: −0.103 to 0.123)" in text
    assert "p = 0.82" in text and "more seeds would narrow its interval most" in text
    assert "is best" not in text


def test_one_seed_decides_nothing(tmp_path: Path) -> None:
    text = report_text(Fake(tmp_path, TWO, seeds=(0,), ap=scores([0.9], [0.1])))
    assert "A (0.900) and B (0.100) were trained once each." in text
    assert re.search(r"these two models would differ by 0\.78\d to 0\.81\d; what another", text)
    assert (
        "≈" not in text.replace("Intervals and ≈", "") and "? not tested, for want of seeds" in text
    )


def test_choice_on_val_that_does_not_hold(tmp_path: Path) -> None:
    text = report_text(Fake(tmp_path, TWO, ap=scores([0.50, 0.51, 0.52], [0.60, 0.61, 0.62])))
    assert "The choice on val does not hold: B (momentum 0.9) is better" in text


def test_the_best_is_chosen_on_val_not_on_test(tmp_path: Path) -> None:
    # On test `low` is ahead by 0.01, within the spread; the choice on val stays `high`.
    text = report_text(Fake(tmp_path, TWO, ap=scores([0.50, 0.55, 0.60], [0.51, 0.56, 0.61])))
    assert "A (momentum 0.6) and B (momentum 0.9) cannot be told apart." in text
    assert "A has the highest AP on val" in text
    assert "0.010 below B" in text


def test_others_that_cannot_be_told_apart_are_named(tmp_path: Path) -> None:
    values = {"a": [0.60, 0.62, 0.64], "b": [0.59, 0.61, 0.63], "c": [0.58, 0.60, 0.62]}
    values["d"] = [0.10, 0.12, 0.14]
    ap = {
        (n, s, split): v for n, row in values.items() for s, v in enumerate(row) for split in SPLITS
    }
    fake = Fake(tmp_path, {n: {"momentum": i} for i, n in enumerate(values)}, ap=ap)
    text = report_text(fake)
    assert "A (momentum 0) leads; B and C cannot be told from it; D is worse." in text
    assert "It lies 0.500 above D (95 %" in text
    rows = list(csv.DictReader((fake.results / "comparison.csv").open()))
    assert [row["letter"] for row in rows] == ["A", "B", "C", "D"]
    assert [float(row["test/AP"]) for row in rows] == pytest.approx([0.62, 0.61, 0.60, 0.12])
    assert [float(row["test/AP_sd"]) for row in rows] == pytest.approx([0.02] * 4)


def test_equal_metrics_cannot_be_told_apart(tmp_path: Path) -> None:
    text = report_text(Fake(tmp_path, TWO, ap=scores([0.5] * 3, [0.5] * 3)))
    assert "A (momentum 0.6) and B (momentum 0.9) cannot be told apart." in text
    assert "p = 1.00" in text


def test_undefined_metrics(tmp_path: Path) -> None:
    ap = {(n, s, split): None for n in TWO for s in (0, 1, 2) for split in SPLITS}
    text = report_text(Fake(tmp_path, TWO, ap=ap))
    assert "No configuration has a value of AP on test." in text


@pytest.mark.slow
def test_without_test_set_the_metrics_are_those_of_val(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, test=False, ap=scores([0.9] * 3, [0.9] * 3, (0.61, 0.55)))
    text = report_text(fake, draw=True)
    assert "On val A reaches the highest AP: AP 0.610" in text
    assert "Without a test set all metrics come from val" in text
    assert "On val of shapes (8 images" in text
    assert "on val, the split that is shown: its metrics are inflated by the choice" in text
    assert " on test " not in text.lower()
    assert set(load(fake.results / "metrics.json")["high-s0"]) == {"val"}


@pytest.mark.slow
def test_the_iou_of_the_metrics_is_printed(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO).build()
    for path in fake.results.glob("runs/*/metrics.json"):
        path.write_text(json.dumps(load(path) | {"iou": 0.75}))
    text = report_text(fake, draw=True, build=False)
    assert "recall and F1: at IoU 0.75 and the confidence" in text
    assert text.count("IoU 0.75") >= 5, "page one, curves, curves, confusion, all runs at least"


@pytest.mark.slow
def test_one_run_is_no_comparison(tmp_path: Path) -> None:
    fake = Fake(tmp_path, {"only": {}}, seeds=(0,), classes=("cell",), epochs=0)
    fake.ap = {("only", 0, "test"): 0.4321}
    text = report_text(fake, draw=True)
    assert "A (only) reaches AP 0.432 on test (one seed)." in text
    assert "There is nothing to compare it with" in text


@pytest.mark.slow
def test_other_test_images_stand_in_another_table(tmp_path: Path) -> None:
    runs = {n: {"momentum": i % 2} for i, n in enumerate("abcd")}
    text = report_text(Fake(tmp_path, runs, sets={"c": 1, "d": 1}))
    assert "Table 1: shapes" in text
    assert "Table 2: shapes1" in text
    assert "which must not be compared" in text
    assert text.count("highest AP on val") == 2


def test_unequal_versions_machines_and_code_are_on_page_one(tmp_path: Path) -> None:
    changes = {
        "versions": {"torch": "2.13.0", CODE: "1" * 16},
        "hardware": {"cpu": "Other", "cores": 8, "threads": 4, "memory_gb": 32, "gpu": None},
        "code": "beef" * 16,
        "dirty": True,
        "deviations": ["threads: 2, then 4"],
    }
    other = {"versions": VERSIONS | {CODE: "2" * 16}}
    fake = Fake(tmp_path, TWO, record={"low": changes, "high": other})
    report_text(fake)
    first = pdf_text(fake.results / "report.pdf", pages=1)
    assert "Versions of torch differ: 2.13.0 (A); 2.15.0 (B)." in first
    assert CODE not in first, "code that trains nothing may differ"
    assert "Hardware differs, gpu: H100 (B); none (A)." in first
    assert "Training code (ultralytics) differs: beefbeef (A); c0dec0de (B)." in first
    assert "went on under other conditions" in first
    assert "threads: 2, then 4 (A)" in first
    assert "not committed" in first


def test_equal_runs_need_no_warning(tmp_path: Path) -> None:
    enough = {"train": 8, "val": 30, "test": 30}
    fake = Fake(tmp_path, TWO, images=enough, classes=("circle",), size=64)
    assert "Beware" not in report_text(fake)


def test_a_leak_between_splits_is_on_page_one(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO).build()
    path = fake.data / "sets" / "shapes" / "annotations.json"
    dataset = load(path)
    images = dataset["images"]
    images[-1]["sha256"] = images[0]["sha256"]  # the same in test and in train
    path.write_text(json.dumps(dataset))
    report_text(fake, build=False)
    first = pdf_text(fake.results / "report.pdf", pages=1)
    assert "1 images of test have their content or their group in train too" in first


def test_a_configuration_is_named_by_what_differs_from_the_base(tmp_path: Path) -> None:
    runs = {"base": {}, "m": {"momentum": 0.5}, "l": {"lr0": 0.1}, "b": {"batch": 8}}
    text = report_text(Fake(tmp_path, runs, seeds=(0,)))
    for label in ("base settings", "momentum 0.5", "lr0 0.1", "batch 8"):
        assert label in text
    assert "no other: batch 16, lr0 0.001, momentum 0.9" in text


@pytest.mark.slow
def test_backends_are_compared_by_the_settings_that_both_have(tmp_path: Path) -> None:
    """What only one of them has is no difference in the tables; it stands with the provenance."""
    other = {"lr0": 0.0001, "batch": 16, "epochs": 8, "imgsz": 640, "depth": 18, "gamma": 2.0}
    record = {"deep": {"backend": "retinanet", "settings": other | {"seed": 0}}}
    fake = Fake(tmp_path, {"yolo": {}, "deep": {}}, seeds=(0,), record=record)
    text = report_text(fake)
    heading = (fake.results / "comparison.md").read_text().splitlines()[0]
    assert heading.startswith("|  | configuration | backend | lr0 | seeds |")
    assert "backend retinanet" in text and "gamma" in text and "yolov8n" in text


HOSTILE = '#panic("x") $x$ \\input{a} *bold* = no heading <label> @ref `raw` // é “q” ' + "w" * 90


def test_text_of_people_is_never_markup(tmp_path: Path) -> None:
    runs = {"x": {"model": HOSTILE}, "y": {"model": "a|b & c_d 100% #1 ~ ^"}}
    fake = Fake(tmp_path, runs, seeds=(0,), classes=("#panic()", "$x$", "_a_", "é"))
    text = report_text(fake, title=HOSTILE, question=HOSTILE, experiment=HOSTILE)
    assert HOSTILE.split(" www", maxsplit=1)[0] in text
    assert "#panic()" in text
    tex = (fake.results / "comparison.tex").read_text()
    assert r"a\textbar{}b \& c\_d 100\% \#1 \textasciitilde{} \textasciicircum{}" in tex
    assert r"\$x\$ \textbackslash{}" in tex
    rows = (fake.results / "comparison.md").read_text().splitlines()
    assert r"a\|b" in "".join(rows)
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows[:4]}) == 1


WIDE = {
    "x" * 60 + str(i): {f"setting_number_{j}": f"value-{i * j}" for j in range(10)}
    for i in range(12)
}
SHAPES: dict[str, dict[str, Any]] = {
    "ten settings, long names": {"configurations": WIDE, "seeds": (0, 1)},
    "eighty classes": {
        "configurations": {f"c{i}": {"lr0": i} for i in range(9)},
        "seeds": (0, 1),
        "classes": tuple(f"a_class_with_a_long_name_{'y' * 40}{i}" for i in range(80)),
    },
    "hostile": {"configurations": {"x": {"model": HOSTILE}, "y": {"model": "é" * 200}}},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_nothing_runs_off_the_page(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    pages = []
    compile_as_it_is = typst.compile

    def also_as_pictures(source: Any, **options: Any) -> bytes:
        pictures = compile_as_it_is(source, format="png", ppi=50, **options)
        pages.extend(pictures if isinstance(pictures, list) else [pictures])
        return compile_as_it_is(source, **options)

    monkeypatch.setattr(typst, "compile", also_as_pictures)
    report_text(Fake(tmp_path, **SHAPES[name]), title=HOSTILE, experiment=HOSTILE)
    margin = int(1.9 / 2.54 * 50)
    for number, page in enumerate(pages, 1):
        picture = Image.open(io.BytesIO(page)).convert("L")
        width, height = picture.size
        for box in ((0, 0, margin, height), (width - margin, 0, width, height)):
            assert picture.crop(box).getextrema()[0] > 250, f"page {number}"


def test_without_timings_two_clones_give_the_same_pdf(tmp_path: Path) -> None:
    pdfs, text = [], ""
    for clock in (1.0, 7.0):
        slower = {"seconds": 5000 * clock, "adopted": clock > 1, "gpu_seconds": clock}
        fake = Fake(tmp_path / str(clock), TWO, seeds=(0,), epochs=1)
        fake.record = dict.fromkeys(TWO, slower)
        text = report_text(fake, timings=False)
        pdfs.append((fake.results / "report.pdf").read_bytes())
        assert "seconds" not in (fake.results / "runs.csv").read_text()
        assert "ms_per_image" not in (fake.results / "comparison.csv").read_text()
    assert pdfs[0] == pdfs[1]
    assert "Time of one image" not in text


def test_rank_by_must_be_a_metric(tmp_path: Path) -> None:
    with refused(SettingsError, "rank_by", "mAP"):
        report_text(Fake(tmp_path, TWO, seeds=(0,)), rank_by="mAP")


def test_every_run_is_in_the_tables_dvc_reads(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO)
    report_text(fake)
    metrics = load(fake.results / "metrics.json")
    assert set(metrics) == {*fake.runs, "high", "low", "best"}
    assert set(metrics["low-s2"]) == {"val", "test"}
    rows = list(csv.DictReader((fake.results / "runs.csv").open()))
    assert sorted(row["run"] for row in rows) == sorted(fake.runs)
    assert float(rows[0]["test/AP"]) == metrics[rows[0]["run"]]["test"]["AP"]


@pytest.mark.slow
def test_same_bytes_twice(tmp_path: Path) -> None:
    pdfs = []
    for place in ("one", "two"):
        fake = Fake(tmp_path / place, TWO, seeds=(0,), epochs=2)
        report_text(fake, draw=True)
        pdfs.append((fake.results / "report.pdf").read_bytes())
    assert pdfs[0] == pdfs[1]


def test_the_data_section_is_the_certificate_of_each_set(tmp_path: Path) -> None:
    fake = Fake(tmp_path, {"a": {}, "b": {}}, seeds=(0,), sets={"b": 1}, motley=True).build()
    path = fake.data / "sets/shapes1/split.json"
    certificate = load(path)
    class_map = {"disc": "circle", "square": "square", "star": None}
    certificate |= {"class_map": class_map, "without_split": 4, "allow": ["near"]}
    train = certificate["summary"]["train"]
    balance = {"ratio": 2.0, "cap": None, "left_out": [], "before": train, "after": train}
    certificate["balance"] = balance
    certificate["leaks"] = {"near": {"sets": 1, "images": 3}}
    certificate["duplicates"]["exact"] = [{"images": [1, 2], "splits": ["train"]}]
    certificate["duplicates"]["near"] = [{"images": [1, 2, 20], "splits": ["test", "train"]}]
    path.write_text(json.dumps(certificate))
    text = report_text(fake, build=False)
    for fact in (
        "Side by side shapes shapes1 source drawn drawn1 method grouped grouped",
        "classes disc → circle; left out: star",
        "in no split 4 images, which are not used",
        "identical files 1 sets of 2 images, each in one split",
        "copies of a picture 1 sets of 3 images, 1 of them in two splits",
        "pairs that look alike 1, of which 1 in two splits: to be looked at",
        "allowed by hand near in two splits",
        "balance its classes: ratio 2",
        "Data set shapes1: 3 images have a copy of their picture in another split",
        "Data set shapes: pairs of images that look alike are in two splits (1 such pairs)",
    ):
        assert fact in text, fact
    assert text.count("Data set shapes1: 3 images have a copy") == 2, "on page one and in Data"
    assert text.count("Checked: no image and no copy of one is in two splits") == 1, (
        "of shapes alone"
    )


def test_what_runs_begin_with_is_told(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, ap=scores([0.9, 0.9, 0.9], [0.1, 0.1, 0.1])).build()
    folder = fake.results.parent / "first/choices/@recall"
    folder.mkdir(parents=True)
    start = {"experiment": "first", "name": "lr0=0.1", "trial": None, "backend": "b"}
    verdict = {"by": "recall", "value": 0.5, "runner_up": "lr0=0.2", "told": False}
    (folder / "start.json").write_text(json.dumps(start | {"settings": {}}))
    (folder / "verdict.json").write_text(json.dumps(verdict))
    origin = {"experiment": "first", "name": "", "best": "recall"}
    text = report_text(fake, build=False, origins=[origin])
    assert "lr0=0.1, the best by recall 0.500 on val; next: lr0=0.2" in text
    assert "It cannot be told from all others, such as lr0=0.2" in text
    page = (fake.results / "report.html").read_text()
    assert "the best by recall 0.500 on val" in page
