"""A data set is looked at once, however many images it has and runs are on it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fairtrial.data.dataset import Dataset
from fairtrial.results.dataset import DatasetDescription
from tests.report.fake_results import Fake


def test_sides_are_not_read_anew_for_each_image(tmp_path: Path) -> None:
    """Once an image, a report on 60,000 of them would take minutes for this alone."""
    fake = Fake(tmp_path, {"only": {}}, seeds=(0,)).build()
    view = DatasetDescription("shapes", fake.data)
    asked: Counter[Any] = Counter()

    class Counting(dict[str, Any]):
        def get(self, key: Any, default: Any = None) -> Any:
            asked[key] += 1
            return super().get(key, default)

    found = Counting(view.certificate)
    found["val"] = [*found["val"], found["train"][0]]
    view.certificate = found
    assert view.shared_images("val", "train") == 1
    assert asked == {"val": 1, "train": 1}


def test_a_side_is_looked_at_once_for_all_runs_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Fake(tmp_path, {"only": {}}, seeds=(0,)).build()
    one, other = (DatasetDescription("shapes", fake.data) for _ in range(2))
    first = one.ground_truth_sha256("test")
    assert (first, first != one.ground_truth_sha256("val")) == (
        other.ground_truth_sha256("test"),
        True,
    )
    monkeypatch.setattr(Dataset, "by_image", lambda self: pytest.fail("looked at again"))
    assert one.ground_truth_sha256("test") == first
