"""Page one as plain text: the same answer and numbers as the PDF."""

from __future__ import annotations

import re
from pathlib import Path

from tests.report.fake_results import Fake
from tests.report.test_report import report_text

TWO = {"small": {"imgsz": 96}, "large": {"imgsz": 160}}


def said(fake: Fake) -> tuple[str, str]:
    """The answer as text, and the text of the PDF."""
    pdf = report_text(fake)
    return (fake.results / "answer.txt").read_text(encoding="utf-8"), pdf


def flat(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_headline_numbers_and_cautions_are_those_of_the_report(tmp_path: Path) -> None:
    answer, pdf = said(Fake(tmp_path, TWO))
    headline = re.search(r"^A \(.*\.$", answer, re.M)
    assert headline and flat(headline[0]) in flat(pdf)
    rows = [line for line in answer.splitlines() if re.match(r"[*≈↓↑?] +[AB] ", line)]
    assert [row.split()[1] for row in rows] == ["A", "B"]
    for row in rows:
        numbers = re.findall(r"\d\.\d{3} ± \d\.\d{3}", row)
        assert len(numbers) == 5
        assert flat("".join(numbers)) in re.sub("[≈↓↑?]", "", flat(pdf))
    cautions = answer.partition("Beware:\n")[2]
    assert cautions.startswith("- ")
    for caution in cautions.split("- ")[1:]:
        assert flat(caution) in flat(pdf)


def test_a_long_name_leaves_the_columns_straight(tmp_path: Path) -> None:
    long = {"a" * 90: {"imgsz": 96}, "large": {"imgsz": 160}}
    answer, _ = said(Fake(tmp_path, long))
    table = [
        line for line in answer.splitlines() if re.match(r"([*≈↓↑?] +[AB] | {4,}config)", line)
    ]
    assert len(table) == 3
    places = [re.search(r" (3|seeds) ", line) for line in table]
    assert len({place.start() for place in places if place}) == 1
    assert max(map(len, table)) < 150


def test_of_one_configuration_no_gap_is_shown(tmp_path: Path) -> None:
    answer, _ = said(Fake(tmp_path, {"small": {"imgsz": 96}}))
    assert "gap" not in answer
