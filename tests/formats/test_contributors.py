import unicodedata
from pathlib import Path
from typing import Any

import pytest
from tests.facts import refused
from written import Scene, write_contributors

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import Defect, UnannotatedImage
from fairtrial.formats import contributors


@pytest.fixture
def parts(tmp_path: Path) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = write_contributors(Scene(), tmp_path)["parts"]
    return parts


def read(raw: Path, parts: list[dict[str, Any]]) -> tuple[Dataset, list[Defect]]:
    return contributors.read(raw, contributors.Settings.model_validate({"parts": parts}))


def test_the_contributor_is_the_group(tmp_path: Path, parts: list[dict[str, Any]]) -> None:
    dataset, _ = read(tmp_path, parts)
    groups = {Path(image.file_name).parts[0]: image.group for image in dataset.images}
    assert groups == {who: who for who in ("Ana García", "jörg weiß 2", "Zoë O'Neil")}


def test_the_map_of_classes_says_who_calls_what(
    tmp_path: Path, parts: list[dict[str, Any]]
) -> None:
    dataset, _ = read(tmp_path, parts)
    assert dataset.categories == {1: "cat", 2: "dog", 3: "owl"}
    assert dataset.origins[3] == ["Ana García: owl", "jörg weiß 2: 2", "Zoë O'Neil: 17"]


def test_accents_as_the_disk_spells_them(tmp_path: Path, parts: list[dict[str, Any]]) -> None:
    apart = unicodedata.normalize("NFD", "Ana García")
    (tmp_path / "Ana García").rename(tmp_path / apart)
    dataset, _ = read(tmp_path, parts)
    assert (tmp_path / dataset.images[0].file_name).is_file()
    assert dataset.images[0].group == "Ana García"


def test_defects_say_whose_they_are(tmp_path: Path, parts: list[dict[str, Any]]) -> None:
    (tmp_path / "Ana García" / "JPEGImages" / "new.png").write_bytes(b"")
    assert UnannotatedImage("Ana García/JPEGImages/new.png") in read(tmp_path, parts)[1]


def test_errors_say_whose_they_are(tmp_path: Path, parts: list[dict[str, Any]]) -> None:
    (tmp_path / "jörg weiß 2" / "data.yaml").write_text("[")
    with refused(DataError, "data.yaml", "not valid YAML") as error:
        read(tmp_path, parts)
    assert str(error.value).startswith("jörg weiß 2: ")


def test_a_folder_that_is_not_there(tmp_path: Path, parts: list[dict[str, Any]]) -> None:
    parts[0]["folder"] = "Ana"
    with refused(DataError, "parts", "'Ana'", "Ana García, Zoë O'Neil, jörg weiß 2"):
        read(tmp_path, parts)
    with refused(DataError, "`parts`", "folder twice"):
        read(tmp_path, [parts[1], parts[1]])
