"""A data set is read from its files, if they belong together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairtrial import DataError
from fairtrial.data import dataset
from fairtrial.data.certificate import read_certificate
from fairtrial.data.dataset import SplitDataset
from fairtrial.data.split_dataset import read_split_dataset
from fairtrial.files.modelfile import write_model
from tests.certificates import certificate, write_certificate
from tests.data.test_dataset import sample
from tests.facts import refused

WHOLE = certificate([1], [2], []).model_dump(mode="json")


def test_a_certificate_is_read_as_it_was_written(tmp_path: Path) -> None:
    content = certificate([3, 1], [2], [], near=[[1, 3]])
    write_model(tmp_path / "split.json", content)
    assert read_certificate(tmp_path / "split.json") == content
    assert content.splits == {"train": [3, 1], "val": [2], "test": []}
    assert content.near == [[1, 3]]


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        pytest.param({}, "`source`", id="nothing"),
        pytest.param([], "split.json", id="a list"),
        pytest.param(None, "split.json", id="null"),
        pytest.param({k: v for k, v in WHOLE.items() if k != "test"}, "`test`", id="no test"),
        pytest.param(WHOLE | {"train": 1}, "`train`", id="a number as train"),
        pytest.param(WHOLE | {"val": ["2"]}, "`val.0`", id="a text as an id"),
    ],
)
def test_what_is_no_certificate_is_refused(content: object, fact: str, tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text(json.dumps(content))
    with refused(DataError, "split.json", fact):
        read_certificate(tmp_path / "split.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with annotations.json, split.json and the images a.jpg, b ü.jpg and c.jpg."""
    dataset.write(sample().canonical(), tmp_path / "annotations.json")
    write_certificate(tmp_path / "split.json", [3, 1], [2])
    for name in ("a", "b ü", "c"):
        (tmp_path / f"{name}.jpg").touch()
    return tmp_path


def read(folder: Path) -> SplitDataset:
    return read_split_dataset(folder / "annotations.json", folder / "split.json", folder)


def test_each_split_is_in_the_order_of_the_set(folder: Path) -> None:
    data = read(folder)
    assert [image.file_name for image in data.split("train")] == ["a.jpg", "c.jpg"]
    assert [image.file_name for image in data.split("val")] == ["b ü.jpg"]
    assert data.split("test") == []


def test_an_image_that_is_not_there_is_refused(folder: Path) -> None:
    """Ultralytics would train without it, and say nothing."""
    (folder / "c.jpg").unlink()
    with refused(DataError, str(folder), "1 of 3 images are not there", "c.jpg"):
        read(folder)


def test_a_split_of_another_set_is_refused(folder: Path) -> None:
    write_certificate(folder / "split.json", [1, 9], [2])
    with refused(DataError, "split.json", "there is no image 9"):
        read(folder)
