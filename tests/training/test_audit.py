"""What was asked, beside what was used."""

from __future__ import annotations

import pytest

from fairtrial import BackendError
from fairtrial.training.audit import refuse_differences

ASKED = {"batch": 8, "lr0": 0.01, "cos_lr": False, "freeze": None, "scale": [0.5, 1.0]}


def test_equal_settings_are_no_matter() -> None:
    used = {"a file": ASKED | {"scale": (0.5, 1.0), "more": 1}, "another": {"batch": 8.0}}
    refuse_differences("It", ASKED, used)


def test_every_difference_is_a_line() -> None:
    used = {"its trainer": ASKED | {"batch": 4}, "a file": {"lr0": 0.1, "batch": 8, "cos_lr": 0}}
    with pytest.raises(BackendError) as error:
        refuse_differences("It", ASKED, used)
    assert str(error.value).splitlines() == [
        "It used other settings than were asked for, so the run does not count:",
        "  setting  asked  used  according to",
        "  batch    8      4     its trainer",
        "  cos_lr   False  0     a file",
        "  lr0      0.01   0.1   a file",
    ]
