"""The breakdowns of one run, read from their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairtrial import DataError
from fairtrial.results.breakdowns import Breakdowns
from tests.facts import refused

FILES = {
    "error_kinds": "split,kind,count,cost\nval,both,3,0.01\ntest,both,4,0.02\ntest,missed,9,\n",
    "by_size": (
        "split,scale,size,low,high,objects,AP,AP50,AR_100\n"
        "test,COCO,small,0,1024,3,0.5,0.6,0.7\ntest,COCO,large,9216,1e+10,0,,,\n"
    ),
    "by_group": "split,group,images,right,accuracy\ntest,007,3,2,0.5\ntest,NA,1,1,1\n",
    "class_curves": (
        "split,class,confidence,precision,recall,f1\n"
        "test,NA,0,0.1,1,0.2\ntest,NA,1,1,0,0\ntest,b,0,0.5,0.5,0.5\n"
    ),
}


@pytest.fixture
def breakdowns(tmp_path: Path) -> Breakdowns:
    for name, text in FILES.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return Breakdowns(tmp_path)


def test_errors_by_kind_and_only_costs_that_are_defined(breakdowns: Breakdowns) -> None:
    assert breakdowns.errors("test")["both"] == {"count": 4.0, "cost": 0.02}
    assert breakdowns.errors("test")["missed"]["count"] == 9.0
    assert breakdowns.error_costs("test") == {"error_cost_both": 0.02}
    assert breakdowns.error_costs("val") == {"error_cost_both": 0.01}


def test_sizes_in_the_order_of_the_file(breakdowns: Breakdowns) -> None:
    assert list(breakdowns.sizes("test")) == [("COCO", "small"), ("COCO", "large")]
    assert breakdowns.sizes("test")["COCO", "small"]["AP"] == 0.5
    assert breakdowns.sizes("val") == {}


def test_names_of_groups_and_classes_are_text(breakdowns: Breakdowns) -> None:
    assert list(breakdowns.groups("test")) == ["007", "NA"]
    assert breakdowns.class_curves["test", "NA"] == {
        "confidence": [0.0, 1.0],
        "precision": [0.1, 1.0],
        "recall": [1.0, 0.0],
        "f1": [0.2, 0.0],
    }


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with refused(DataError, "error_kinds.csv"):
        Breakdowns(tmp_path).errors("test")


def test_a_file_without_rows_has_nothing(tmp_path: Path) -> None:
    (tmp_path / "by_group.csv").write_text("split,group,images,right,accuracy\n")
    assert Breakdowns(tmp_path).groups("test") == {}
