"""A data set is read once, however many images it has and runs are on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairtrial.data.certificate import SplitCertificate
from fairtrial.data.dataset import Dataset, Splits
from fairtrial.results.dataset import DatasetDescription
from tests.report.fake_results import Fake


def test_splits_are_not_read_anew_for_each_image(tmp_path: Path) -> None:
    """Once an image, a report on 60,000 of them would take minutes for this alone."""
    fake = Fake(tmp_path, {"only": {}}, seeds=(0,)).build()
    description = DatasetDescription("shapes", fake.data)
    reads = []

    class Counting(SplitCertificate):
        @property
        def splits(self) -> Splits:
            reads.append(self)
            return super().splits

    content = description.certificate.model_dump()
    content["val"] = [*content["val"], content["train"][0]]
    description.certificate = Counting(**content)
    assert description.shared_images("val", "train") == 1
    assert len(reads) == 2, "once for each of the two splits"


def test_a_split_that_is_only_predicted_shares_nothing(tmp_path: Path) -> None:
    """No metric is computed there that a copy in train could inflate."""
    fake = Fake(tmp_path, {"only": {}}, seeds=(0,)).build()
    description = DatasetDescription("shapes", fake.data)
    content = description.certificate.model_dump()
    content["test"] = [*content["test"], content["train"][0]]
    description.certificate = SplitCertificate(**content)
    assert description.shared_images("test", "train") == 1
    description.certificate = SplitCertificate(**content, predict_only=True)
    assert description.shared_images("test", "train") == 0


def test_the_hash_of_a_split_is_computed_once_for_all_runs_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Fake(tmp_path, {"only": {}}, seeds=(0,)).build()
    one, other = (DatasetDescription("shapes", fake.data) for _ in range(2))
    test = one.ground_truth_sha256("test")
    assert test == other.ground_truth_sha256("test")
    assert test != one.ground_truth_sha256("val")
    monkeypatch.setattr(Dataset, "by_image", lambda self: pytest.fail("computed again"))
    assert one.ground_truth_sha256("test") == test
