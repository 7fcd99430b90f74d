"""The interchange: one order, one text, whole files, and refusal of what does not fit."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from fairtrial import DataError
from fairtrial.data import dataset
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.files import jsonfile
from fairtrial.files.folders import whole_file
from tests.facts import refused


def sample() -> Dataset:
    """Three images in no order, a class id that is not 1..N, a crowd and a class without box."""
    return Dataset(
        [
            Image(7, "c.jpg", 40, 30, "c" * 64, "g", "val"),
            Image(3, "a.jpg", 20, 10, "a" * 64, None, "train"),
            Image(5, "b ü.jpg", 20, 10, "b" * 64),
        ],
        [
            Annotation(7, 9, (1.5, 2.0, 3.25, 4.0), 13.0),
            Annotation(7, 2, (0.1, 0.2, 0.3, 0.4), 0.12, True),
            Annotation(3, 2, (5.0, 5.0, 5.0, 5.0), 25.0),
            Annotation(5, 2, None),
        ],
        {9: "cat", 2: "dog"},
    )


def test_canonical_numbers_everything_from_1_in_one_order() -> None:
    canonical = sample().canonical()
    assert [(i.id, i.file_name) for i in canonical.images] == [
        (1, "a.jpg"),
        (2, "b ü.jpg"),
        (3, "c.jpg"),
    ]
    assert canonical.categories == {1: "dog", 2: "cat"}
    assert [(a.id, a.image_id, a.category_id) for a in canonical.annotations] == [
        *((1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 3, 2))
    ]
    assert canonical.canonical() == canonical


@pytest.mark.parametrize("seed", range(5), ids="seed {}".format)
def test_the_file_does_not_depend_on_the_order(seed: int, tmp_path: Path) -> None:
    one, other = sample(), sample()
    random.Random(seed).shuffle(other.images)
    random.Random(seed).shuffle(other.annotations)
    dataset.write(one.canonical(), tmp_path / "one")
    dataset.write(other.canonical(), tmp_path / "other")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    canonical = sample().canonical()
    dataset.write(canonical, tmp_path / "annotations.json")
    assert dataset.read(tmp_path / "annotations.json") == canonical


def test_an_object_stands_in_one_line(tmp_path: Path) -> None:
    dataset.write(sample().canonical(), tmp_path / "annotations.json")
    lines = (tmp_path / "annotations.json").read_text().splitlines()
    assert sum('"bbox"' in line for line in lines) == 3
    assert len(lines) == 3 + 4 + 2 + 8


def test_an_empty_set_is_written_and_read(tmp_path: Path) -> None:
    dataset.write(Dataset(), tmp_path / "x")
    assert dataset.read(tmp_path / "x") == Dataset()


WHOLE: dict[str, Any] = {
    "images": [{"id": 1, "file_name": "a", "width": 1, "height": 1}],
    "annotations": [{"id": 4, "image_id": 1, "category_id": 2}],
    "categories": [{"id": 2, "name": "dog"}],
}
NO_SET = ["not a set", "`convert`", "`split`"]


@pytest.mark.parametrize(
    ("key", "value", "facts"),
    [
        pytest.param("images", [{"id": 1}], [*NO_SET, "'file_name'"], id="an image without name"),
        pytest.param(
            *("images", [WHOLE["images"][0] | {"extra": 1}], [*NO_SET, "'extra'"]),
            id="an unknown key",
        ),
        pytest.param("annotations", None, NO_SET, id="null as annotations"),
        pytest.param("categories", [{"id": 2}], [*NO_SET, "'name'"], id="a class without name"),
        pytest.param("categories", [], ["annotation 4", "no class"], id="no classes"),
        pytest.param("images", [], ["annotation 4", "no image"], id="no images"),
    ],
)
def test_a_set_that_is_not_whole_is_refused(
    key: str, value: object, facts: list[str], tmp_path: Path
) -> None:
    (tmp_path / "x.json").write_text(json.dumps(WHOLE | {key: value}))
    with refused(DataError, "x.json", *facts):
        dataset.read(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        pytest.param(b"", "not a JSON object", id="nothing"),
        pytest.param(b"{", "not valid JSON", id="cut"),
        pytest.param(b'{"a": 1}x', "not valid JSON", id="text behind the end"),
        pytest.param(b"\xff\xfe", "not valid JSON", id="not UTF-8"),
        pytest.param(b"[1]", "not a JSON object", id="a list"),
        pytest.param(b"5", "not a JSON object", id="a number"),
        pytest.param(b"null", "not a JSON object", id="null"),
    ],
)
def test_what_is_no_set_is_refused_with_its_name(content: bytes, fact: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with refused(DataError, "x.json", fact):
        dataset.read(tmp_path / "x.json")


@pytest.mark.parametrize("mode", ["w", "wb"], ids=["text", "bytes"])
def test_a_file_appears_whole_or_not_at_all(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    path.parent.mkdir()
    path.write_text("old")
    with refused(ValueError, "on the way"), whole_file(path, mode) as file:
        file.write("half" if mode == "w" else b"half")
        raise ValueError("on the way")
    assert path.read_text() == "old"
    with whole_file(path, mode) as file:
        file.write("new\n" if mode == "w" else b"new\n")
    assert path.read_bytes() == b"new\n"
    assert list(path.parent.iterdir()) == [path]


def test_json_is_sorted_and_holds_no_nan(tmp_path: Path) -> None:
    jsonfile.write_json(tmp_path / "x", {"b": 1, "a": "ü"})
    assert (tmp_path / "x").read_text() == '{\n "a": "ü",\n "b": 1\n}\n'
    with refused(ValueError, "JSON", "nan"):
        jsonfile.write_json(tmp_path / "y", {"a": float("nan")})
    assert not (tmp_path / "y").exists()
