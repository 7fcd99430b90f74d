"""Images without labels: marked by where they lie, part of no split unless they are predicted."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairtrial import DataError
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.defects import NoLabelFile, UnannotatedImage
from fairtrial.data.unlabelled import labelled_part, mark_unlabelled, with_predicted
from tests.facts import refused


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    for name in ("train/a.png", "new/b.png", "new/c.png", "new/.d.png", "new/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def annotated() -> Dataset:
    """`new/b.png` is known to the format, without an object; `new/c.png` is not."""
    images = [Image(4, "train/a.png", 9, 9), Image(7, "new/b.png", 9, 9)]
    return Dataset(images, [Annotation(4, 1, (1, 1, 2, 2))], {1: "cat"})


def files(raw: Path) -> list[str]:
    return sorted(path.relative_to(raw).as_posix() for path in raw.rglob("*") if path.is_file())


def test_images_that_a_format_names_are_marked_and_others_added(raw: Path) -> None:
    dataset = annotated()
    defects = [NoLabelFile("new/b.png"), UnannotatedImage("train/a.png")]
    left = mark_unlabelled(dataset, defects, raw, files(raw), ["new/*"])
    assert {image.file_name: (image.id, image.unlabelled) for image in dataset.images} == {
        "train/a.png": (4, False),
        "new/b.png": (7, True),
        "new/c.png": (8, True),
    }
    assert left == defects[1:]
    assert [image.id for image in labelled_part(dataset).images] == [4]


def test_excluded_images_are_not_added(raw: Path) -> None:
    dataset = annotated()
    mark_unlabelled(dataset, [], raw, files(raw), ["new/*"], excluded=["new/c*"])
    assert [image.file_name for image in dataset.images] == ["train/a.png", "new/b.png"]


@pytest.mark.parametrize(
    ("patterns", "facts"),
    [
        pytest.param(["new/*", "old/*"], ["no image", "old/*"], id="no such image"),
        pytest.param(["*"], ["1 of the 3", "have labels", "train/a.png"], id="labels"),
    ],
)
def test_patterns_that_cannot_be_meant_are_refused(
    raw: Path, patterns: list[str], facts: list[str]
) -> None:
    with refused(DataError, "unlabelled", *facts):
        mark_unlabelled(annotated(), [], raw, files(raw), patterns)


def test_a_split_of_its_own_holds_them_alone() -> None:
    dataset = Dataset([Image(1, "a", 9, 9), Image(2, "b", 9, 9, unlabelled=True)])
    splits: dict[str, list[int]] = {"train": [1], "val": [], "test": []}
    assert with_predicted(splits, dataset, "x") == splits | {"test": [2]}
    with refused(DataError, "predict_only", "1 images without", "1 with labels"):
        with_predicted(splits | {"test": [1]}, dataset, "x")
    with refused(DataError, "predict_only", "no images without labels", "unlabelled"):
        with_predicted(splits, Dataset([Image(1, "a", 9, 9)]), "x")
