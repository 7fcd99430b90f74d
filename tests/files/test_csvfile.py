"""Tables: no cell is a formula, numbers are numbers, and what is read is what was written."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairtrial.files.csvfile import escaped, original, read_rows, write_rows

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@pytest.mark.parametrize("start", STARTS, ids=repr)
def test_a_text_that_could_be_a_formula_begins_with_an_apostrophe(start: str) -> None:
    assert escaped(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize(
    "cell", [-1, -0.5, 3, None, True, "", "a", "a=b", "'a", "é", " =1"], ids=repr
)
def test_every_other_cell_is_as_it_was(cell: object) -> None:
    assert escaped(cell) is cell


@given(st.text(alphabet=[*STARTS, "'", "a", "1"], max_size=5))
def test_what_is_read_is_what_was_written(text: str) -> None:
    assert not str(escaped(text)).startswith(STARTS)
    assert original(str(escaped(text))) == text


def test_a_table_is_read_as_it_was_written() -> None:
    names = ["=cmd()", "-", "'=x", "'", 'a,"b"', "two\nlines", ""]
    file = io.StringIO(newline="")
    write_rows(file, ["name", "value"], [[name, -0.25] for name in names])
    file.seek(0)
    assert read_rows(file) == [{"name": name, "value": "-0.25"} for name in names]


def test_digits_are_of_fractions_alone() -> None:
    file = io.StringIO()
    write_rows(file, ["a", "b", "c"], [[-1 / 3, -1234567, "-1"], [None, 0.5, ""]], digits=3)
    assert file.getvalue() == "a,b,c\n-0.333,-1234567,'-1\n,0.5,\n"


def test_whoever_knows_no_escape_sees_the_name_behind_an_apostrophe() -> None:
    file = io.StringIO()
    write_rows(file, ["name"], [["=1"]])
    assert list(csv.reader(io.StringIO(file.getvalue()))) == [["name"], ["'=1"]]
