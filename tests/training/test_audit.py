"""The requested settings compared with those that were used."""

from __future__ import annotations

import pytest

from fairtrial import BackendError
from fairtrial.training.audit import refuse_differences

REQUESTED = {"batch": 8, "lr0": 0.01, "cos_lr": False, "freeze": None, "scale": [0.5, 1.0]}


def test_equal_settings_are_accepted() -> None:
    used = {"a file": REQUESTED | {"scale": (0.5, 1.0), "more": 1}, "another": {"batch": 8.0}}
    refuse_differences("It", REQUESTED, used)


def test_every_difference_has_a_line() -> None:
    used = {
        "its trainer": REQUESTED | {"batch": 4},
        "a file": {"lr0": 0.1, "batch": 8, "cos_lr": 0},
    }
    with pytest.raises(BackendError) as error:
        refuse_differences("It", REQUESTED, used)
    assert str(error.value).splitlines() == [
        "It used other settings than requested, so the run does not count:",
        "  setting  requested  used  according to",
        "  batch    8          4     its trainer",
        "  cos_lr   False      0     a file",
        "  lr0      0.01       0.1   a file",
    ]
