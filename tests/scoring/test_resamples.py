"""resamples.npz."""

from pathlib import Path

import numpy as np
import pytest

from fairtrial import DataError
from fairtrial.scoring.resamples import Resamples, ResamplesFile, read_resamples, write_resamples
from tests.facts import refused


def content() -> ResamplesFile:
    metrics = {"recall": np.array([0.1, np.nan]), "AP": np.array([1 / 3, 0.25])}
    return ResamplesFile({"val": Resamples(3, "groups", metrics)})


def test_what_is_written_is_read_to_the_last_bit(tmp_path: Path) -> None:
    write_resamples(tmp_path / "resamples.npz", content())
    found = read_resamples(tmp_path / "resamples.npz")
    assert found.of("test") is None
    val = found.of("val")
    assert val and (val.units, val.unit_name) == (3, "groups")
    assert set(val.metrics) == {"recall", "AP"}
    np.testing.assert_array_equal(val.metrics["recall"], [0.1, np.nan])
    assert val.metrics["AP"].tolist() == [1 / 3, 0.25]


@pytest.mark.parametrize("written", [b"", b"not a zip", b"PK\x03\x04cut off"], ids=repr)
def test_what_is_no_such_file_is_named(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "resamples.npz").write_bytes(written)
    with refused(DataError, "resamples.npz"):
        read_resamples(tmp_path / "resamples.npz")


def test_a_missing_file_and_other_arrays_are_named(tmp_path: Path) -> None:
    path = tmp_path / "resamples.npz"
    with refused(DataError, "resamples.npz", "no such file"):
        read_resamples(path)
    np.savez(path, **{"val/AP": np.zeros(3)})
    with refused(DataError, "resamples.npz", "units"):
        read_resamples(path)
    np.savez(path, **{"val/AP": np.array([object()])})
    with refused(DataError, "resamples.npz"):
        read_resamples(path)
