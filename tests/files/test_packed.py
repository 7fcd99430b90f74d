"""Small images in shards."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from fairtrial import DataError
from fairtrial.data import dataset, imagefile
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.split_dataset import read_split_dataset
from fairtrial.files import packed
from tests.certificates import write_certificate
from tests.facts import refused

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 5, 7, 3), np.uint8)


def test_what_is_written_is_read_image_by_image(tmp_path: Path) -> None:
    digests = packed.write(tmp_path, "a.npy", PIXELS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]
    assert next(iter(digests)) == "a.npy#00" and sorted(digests) == list(digests)
    for number, (name, digest) in enumerate(digests.items()):
        for pixels in (packed.pixels(tmp_path, name), imagefile.pixels(tmp_path, name)):
            assert np.array_equal(pixels, PIXELS[number])
        assert digest == hashlib.sha256(PIXELS[number].tobytes()).hexdigest()


def test_the_layout_in_memory_changes_nothing(tmp_path: Path) -> None:
    first = packed.write(tmp_path, "a.npy", PIXELS)
    columns = np.asfortranarray(PIXELS)
    assert list(packed.write(tmp_path, "b.npy", columns).values()) == list(first.values())
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


@pytest.mark.parametrize(
    ("name", "is_packed", "file"),
    [
        pytest.param("a.npy#0", True, "a.npy", id="an image of a shard"),
        pytest.param("in/a.npy#12", True, "in/a.npy", id="a shard in a folder"),
        pytest.param("a.npy", False, "a.npy", id="a shard"),
        pytest.param("a#1.jpg", False, "a#1.jpg", id="a file with a number sign"),
        pytest.param("a.npy#x", False, "a.npy#x", id="no number"),
    ],
)
def test_names(name: str, is_packed: bool, file: str) -> None:
    assert packed.is_packed(name) is is_packed
    assert packed.file_of(Path("f"), name) == Path("f", file)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    packed.write(tmp_path, "a.npy", PIXELS)
    with refused(DataError, "a.npy#12", "12 images"):
        packed.pixels(tmp_path, "a.npy#12")
    with refused(DataError, "gone.npy", "not a shard", "No such file"):
        packed.pixels(tmp_path, "gone.npy#0")
    np.save(tmp_path / "b.npy", np.zeros((2, 3)))
    with refused(DataError, "b.npy", "not a shard", "float64", "(2, 3)"):
        packed.pixels(tmp_path, "b.npy#0")
    np.save(tmp_path / "c.npy", np.array([{}], dtype=object), allow_pickle=True)
    with refused(DataError, "c.npy", "not a shard"):
        packed.pixels(tmp_path, "c.npy#0")


def test_another_shard_of_the_same_name_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a path that begins elsewhere now, and by one behind which another file lies."""
    for folder, images in (("one", PIXELS[:3]), ("other", PIXELS[3:])):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        packed.write(Path(), "a.npy", images)
        assert np.array_equal(packed.pixels(Path(), "a.npy#2"), images[2])
    packed.write(Path(), "b.npy", PIXELS)
    Path("b.npy").replace("a.npy")
    assert np.array_equal(packed.pixels(Path(), "a.npy#11"), PIXELS[11])


def test_a_split_dataset_needs_the_shard_of_an_image(tmp_path: Path) -> None:
    packed.write(tmp_path, "a.npy", PIXELS)
    images = [Image(1, "a.npy#00", 7, 5), Image(2, "b.npy#00", 7, 5)]
    labelled = Dataset(images, [Annotation(i, 1, None, id=i) for i in (1, 2)], {1: "cat"})
    dataset.write(labelled, tmp_path / "set.json")
    files = tmp_path / "set.json", tmp_path / "split.json"
    write_certificate(files[1], [1])
    data = read_split_dataset(*files, tmp_path)
    assert np.array_equal(imagefile.pixels(data.folder, "a.npy#00"), PIXELS[0])
    write_certificate(files[1], [1, 2])
    with refused(DataError, "1 of 2 images are not there", "b.npy#00"):
        read_split_dataset(*files, tmp_path)
