"""report.html says what comparison.csv and the PDF say, in one file, with names as plain text."""

from __future__ import annotations

import base64
import csv
import gzip
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fairtrial.figures.page_pictures import page_pictures
from fairtrial.results.experiment import load_experiment
from tests.report.fake_results import Fake
from tests.report.scored_fake import page_with_images, scored
from tests.report.test_report import TWO, report_text

HOSTILE = '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
THREE = {f"momentum={m}": {"momentum": m} for m in (0.3, 0.6, 0.9)}


def page_of(fake: Fake, **settings: Any) -> str:
    """The page of an experiment, made up and reported."""
    report_text(fake, **settings)
    return (fake.results / "report.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """Tags with attributes, and the text outside of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.words += data

    @property
    def text(self) -> str:
        return " ".join(self.words.split())


def unpacked(page: str, block: str) -> bytes:
    """A packed block of the page, by its id."""
    match = re.search(rf'id="{block}">([A-Za-z0-9+/=]*)</script>', page)
    assert match
    return gzip.decompress(base64.b64decode(match[1]))


def table(page: str, name: str) -> list[dict[str, str]]:
    """A table of the page: column of the CSV file → value behind the text."""
    _, _, rest = page.partition(f'id="{name}"')
    tags = Page(rest.partition("</table>")[0]).tags
    keys = [str(attrs["data-key"]) for tag, attrs in tags if tag == "th"]
    values = [str(attrs["data-v"]) for tag, attrs in tags if tag == "td"]
    rows = zip(*[iter(values)] * len(keys), strict=True)
    return [dict(zip(keys, row, strict=True)) for row in rows]


def test_numbers_are_those_of_comparison_csv_and_runs_csv(tmp_path: Path) -> None:
    fake = Fake(tmp_path, THREE)
    page = page_of(fake)
    for name, file in (("comparison-1", "comparison.csv"), ("runs-table", "runs.csv")):
        with (fake.results / file).open(newline="") as lines:
            expected = list(csv.DictReader(lines))
        shown = table(page, name)
        assert len(shown) == len(expected)
        assert {"test/AP", "val/AP"} <= shown[0].keys()
        for row, of_file in zip(shown, expected, strict=True):
            assert row == {key: of_file[key] for key in row}


def test_it_answers_as_the_pdf_does(tmp_path: Path) -> None:
    fake = Fake(tmp_path, THREE)
    pdf = report_text(fake)
    words = Page((fake.results / "report.html").read_text(encoding="utf-8")).text
    (headline,) = re.findall(r"\w \(momentum 0\.\d\) is best: .*?\)\.", pdf)
    assert headline in words
    assert "Beware" in words and "What to do next" in words
    assert "sorted by AP on val. ↓ worse." in words


def test_two_calls_give_equal_bytes(tmp_path: Path) -> None:
    pages = [page_of(Fake(tmp_path / name, THREE)) for name in ("one", "two")]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("name", [HOSTILE, "<script>", "{{ 7 * 7 }}", "a & b < c"])
def test_names_are_plain_text(name: str, tmp_path: Path) -> None:
    configurations: dict[str, dict[str, Any]] = {"a": {"model": name}, "b": {"model": "plain"}}
    fake = Fake(tmp_path, configurations, seeds=(0,), classes=(name, "square"))
    page = page_of(fake, title=name, question=name)
    tags = [tag for tag, _ in Page(page).tags]
    assert tags.count("script") == 4 and "img" not in tags
    assert name in Page(page).words
    assert json.loads(unpacked(page, "packed-data"))["experiment"] == "compare"


def test_the_policy_allows_the_own_scripts_and_no_request(tmp_path: Path) -> None:
    page = page_of(Fake(tmp_path, THREE))
    (policy,) = [attrs["content"] for _, attrs in Page(page).tags if attrs.get("http-equiv")]
    assert policy is not None and policy.startswith("default-src 'none'")
    assert "http" not in policy and "'unsafe-inline'" not in policy.partition("script-src")[2]
    addresses = [
        value
        for _, attrs in Page(page).tags
        for name, value in attrs.items()
        if name in ("src", "href") and value
    ]
    assert [a for a in addresses if not a.startswith(("#", "data:"))] == []


@pytest.fixture(scope="module")
def with_images(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fake, str]:
    """Two configurations with one seed, really scored, and their page."""
    fake = scored(Fake(tmp_path_factory.mktemp("page"), TWO, seeds=(0,), groups=3))
    return fake, page_with_images(fake).read_text(encoding="utf-8")


def test_counts_at_each_confidence_are_the_scorers(with_images: tuple[Fake, str]) -> None:
    """class_curves.csv has them at every second confidence of the slider, as shares."""
    fake, page = with_images
    (part,) = json.loads(unpacked(page, "packed-browsers"))
    for run in part["runs"]:
        rows = read_rows(fake.results / "runs" / run["name"] / "class_curves.csv")
        of_test = [row for row in rows if row["split"] == "test"]
        assert len(of_test) == 51 * len(part["classes"])
        for row in of_test:
            confidence = float(row["confidence"])
            if confidence not in part["confidences"]:
                continue
            number, place = (
                part["classes"].index(row["class"]),
                part["confidences"].index(confidence),
            )
            counts = run["counts"]
            right, false = counts["right"][number][place], counts["false"][number][place]
            assert right / counts["objects"][number] == pytest.approx(float(row["recall"]))
            assert right / max(right + false, 1) == pytest.approx(float(row["precision"]))


def test_boxes_and_errors_are_those_of_the_scorer(with_images: tuple[Fake, str]) -> None:
    fake, page = with_images
    (part,) = json.loads(unpacked(page, "packed-browsers"))
    assert len(part["images"]) == part["total"] == 12
    for run in part["runs"]:
        boxes = [mark[i : i + 8] for mark in run["marks"] for i in range(0, len(mark), 8)]
        kinds = Counter(part["kinds"][int(box[1])] for box in boxes if box[1] >= 0)
        rows = read_rows(fake.results / "runs" / run["name"] / "error_kinds.csv")
        counts = {row["kind"]: int(row["count"]) for row in rows if row["split"] == "test"}
        del counts["missed"]
        assert dict(kinds) == {kind: count for kind, count in counts.items() if count}
        assert min(box[3] for box in boxes) >= 0.05
        pairs = Counter(tuple(p[i : i + 2]) for p in run["pairs"] for i in range(0, len(p), 2))
        matrix = {(t, p): n for t, row in enumerate(run["matrix"]) for p, n in enumerate(row) if n}
        assert dict(pairs) == matrix


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [0, 2.3])
def test_the_page_is_no_larger_than_asked_for(megabytes: float, tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, seeds=(0,), size=900, images={"train": 2, "val": 3, "test": 30})
    page = page_with_images(fake.build(), megabytes)
    if megabytes == 0:
        assert "packed-browsers" in page.read_text() and "data-browser" not in page.read_text()
    else:
        assert page.stat().st_size <= megabytes * 1e6
        (part,) = json.loads(unpacked(page.read_text(), "packed-browsers"))
        assert 0 < len(part["images"]) < part["total"]


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("source", ["drawn", "another"])
def test_a_source_that_is_not_shared_leaves_no_image_in_the_page(
    source: str, tmp_path: Path
) -> None:
    """Neither as an image nor packed as data; and the reader is told."""
    fake = Fake(tmp_path, TWO, seeds=(0,)).build()
    page = page_with_images(fake, unshared=(source,)).read_text(encoding="utf-8")
    experiment = load_experiment(fake.results, fake.data, fake.runs)
    jpegs = [picture.jpeg for picture in page_pictures(experiment, 20.0).of(0)]
    assert len(jpegs) == 12
    is_there = any(jpeg in page for jpeg in jpegs) or unpacked(page, "packed-browsers") != b"[]"
    assert is_there == (source == "another")
    assert f"Images of {source} may not be handed on" in Page(page).text
