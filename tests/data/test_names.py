"""One spelling for each name, and flags that are parsed rather than truth-tested."""

import unicodedata

import pytest

from fairtrial import DataError
from fairtrial.data import names
from tests.facts import refused

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (" cat\n", "cat"),
        (1.0, "1"),
        (1, "1"),
        (1.5, "1.5"),
        ("1.0", "1.0"),
        (unicodedata.normalize("NFD", "café"), "café"),
    ],
    ids=repr,
)
def test_a_class_has_one_name(value: object, name: str) -> None:
    assert names.class_name(value, "here") == name


@pytest.mark.parametrize("value", [None, "", " \t", NAN, float("inf"), ["cat"], {}], ids=repr)
def test_what_names_nothing_is_refused(value: object) -> None:
    with refused(DataError, "here", repr(value)):
        names.class_name(value, "here")


@pytest.mark.parametrize("value", [1, 1.0, "1", " 1 ", "1.0", "1."], ids=repr)
def test_a_group_and_an_id_are_one_however_they_are_written(value: object) -> None:
    assert names.group_name(value, "here") == "1"
    assert names.id_of(value, "here") == 1


@pytest.mark.parametrize("value", [None, "", "  ", NAN, "nan", "NaN"], ids=repr)
def test_what_is_empty_is_no_group(value: object) -> None:
    assert names.group_name(value, "here") is None


@pytest.mark.parametrize("value", ["007", "a7", "1.5", "٣"], ids=repr)
def test_an_id_that_is_no_plain_number_stays_a_text(value: str) -> None:
    assert names.id_of(value, "here") == value


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        *((value, False) for value in (0, 0.0, False, None, "0", "0.0", "false", "No", "")),
        *((value, True) for value in (1, 1.0, True, "1", " TRUE ", "yes")),
    ],
    ids=repr,
)
def test_a_flag_is_what_it_says(value: object, flag: bool) -> None:
    assert names.flag_of(value, "here") is flag


@pytest.mark.parametrize("value", [2, -1, NAN, "maybe", [], [0]], ids=repr)
def test_a_flag_that_says_neither_is_refused(value: object) -> None:
    with refused(DataError, "here", repr(value)):
        names.flag_of(value, "here")


def test_names_that_differ_by_blanks_case_or_a_fraction_are_similar() -> None:
    found = names.similar(["Cat", "cat", "dog", "c at", "1", "1.0", "2", "2.5", "owl"])
    assert found == [["1", "1.0"], ["Cat", "c at", "cat"]]


def test_two_classes_of_one_name_are_refused() -> None:
    assert names.numbered_classes(["b", " a"], "here") == {1: "b", 2: "a"}
    with refused(DataError, "here", "two classes", "cat"):
        names.numbered_classes(["cat", "dog", "cat "], "here")
