import pytest

from fairtrial.files.text import counted, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (360000, "100.0 h"),
    ],
)
def test_a_duration_has_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_unknown_duration_is_shown_as_the_caller_says() -> None:
    assert (duration(None), duration(None, "–")) == ("", "–")


def test_a_noun_is_in_the_plural_but_for_one() -> None:
    assert [counted(n, "run") for n in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
