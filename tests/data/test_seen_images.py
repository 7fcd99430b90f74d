"""An image that is not the one that `convert` wrote is noticed, and whole ones are read once."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fairtrial import DataError
from fairtrial.data import seen_images
from fairtrial.data.dataset import Dataset, Image, SplitDataset
from fairtrial.data.seen_images import with_unchanged_images
from fairtrial.files import checksums, packed
from fairtrial.settings.stages import PredictDetectSettings
from fairtrial.stages.predict import predict
from tests.certificates import write_certificate
from tests.facts import refused

NAMES = ["a.jpg", "in/b.png", "c.jpg", "d.jpg"]
MENDS = "snakemake --forcerun data/clean/cells/annotations.json"


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose content was looked at, since the test last cleared it."""
    looked_at: list[str] = []
    original = checksums.sha256

    def sha256(path: Path) -> str:
        looked_at.append(path.as_posix().partition("/images/")[2])
        return original(path)

    monkeypatch.setattr(checksums, "sha256", sha256)
    return looked_at


@pytest.fixture
def data() -> SplitDataset:
    """Four images of a source, the last one in no split."""
    folder = Path("data/clean/cells/images")
    images = []
    for number, name in enumerate(NAMES, 1):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode() * 9)
        sha256 = hashlib.sha256(name.encode() * 9).hexdigest()
        images.append(Image(number, name, 40, 30, sha256))
    return SplitDataset(Dataset(images), {"train": [1], "val": [2], "test": [3]}, folder)


def test_content_is_read_once_and_of_images_in_a_split(data: SplitDataset, read: list[str]) -> None:
    assert with_unchanged_images(data) is data
    assert sorted(read) == sorted(NAMES[:3])
    read.clear()
    with_unchanged_images(data)
    assert read == []


def replaced(path: Path) -> None:
    """Another file of the same size and time."""
    stat = path.stat()
    path.rename("old")  # so that its inode stays in use
    path.write_bytes(b"x" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def edited(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"x")


def cut(path: Path) -> None:
    os.truncate(path, 3)


@pytest.mark.parametrize("change", [replaced, edited, cut])
@pytest.mark.parametrize("is_seen", [True, False], ids=["seen before", "never seen"])
def test_a_changed_image_is_named_with_what_mends_it(
    data: SplitDataset, change: Callable[[Path], None], is_seen: bool
) -> None:
    if is_seen:
        with_unchanged_images(data)
    change(data.folder / "in/b.png")
    for _ in range(2):  # a refusal must not make it known
        with refused(DataError, "1 of 3 images", "in/b.png: changed", MENDS):
            with_unchanged_images(data)


def test_what_no_split_has_may_change(data: SplitDataset) -> None:
    edited(data.folder / "d.jpg")
    with_unchanged_images(data)


def test_all_changed_images_are_told_in_one_message(data: SplitDataset) -> None:
    for name in NAMES[:3]:
        cut(data.folder / name)
    with refused(DataError, "3 of 3", *NAMES[:3]):
        with_unchanged_images(data)


def test_a_checkout_is_read_once(data: SplitDataset, read: list[str]) -> None:
    with_unchanged_images(data)
    data.folder.rename("cache")
    shutil.copytree("cache", data.folder)  # new inodes, other times
    read.clear()
    with_unchanged_images(data)
    assert sorted(read) == sorted(NAMES[:3])
    read.clear()
    with_unchanged_images(data)
    assert read == []


def test_links_are_followed(data: SplitDataset, read: list[str]) -> None:
    (data.folder / "a.jpg").rename("elsewhere.jpg")
    (data.folder / "a.jpg").symlink_to(Path("elsewhere.jpg").resolve())
    with_unchanged_images(data)
    read.clear()
    with_unchanged_images(data)
    assert read == []
    edited(Path("elsewhere.jpg"))
    with refused(DataError, "a.jpg: changed"):
        with_unchanged_images(data)


def test_two_copies_of_a_project_share_a_record(data: SplitDataset, read: list[str]) -> None:
    shutil.copytree("data", "other/data")
    other = SplitDataset(data.dataset, data.splits, Path("other") / data.folder)
    for of_one in (data, other):
        with_unchanged_images(of_one)
    read.clear()
    for of_one in (data, other):
        with_unchanged_images(of_one)
    assert read == []


def test_a_record_does_not_grow_with_every_checkout(data: SplitDataset) -> None:
    for time in range(2 * seen_images.KEPT):
        os.utime(data.folder / "a.jpg", (time, time))
        with_unchanged_images(data)
    record = seen_images._read(Path("store/images/cells.json"))
    assert len(record.images["a.jpg"]) == seen_images.KEPT
    assert len(record.images["c.jpg"]) == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"images": {"a.jpg": 1}}'])
def test_a_garbled_record_is_made_anew(content: str, data: SplitDataset, read: list[str]) -> None:
    record = Path("store/images/cells.json")
    record.parent.mkdir(parents=True)
    record.write_text(content)
    with_unchanged_images(data)
    read.clear()
    with_unchanged_images(data)
    assert read == []


def test_a_store_that_cannot_be_written_is_no_obstacle(data: SplitDataset, read: list[str]) -> None:
    Path("store").mkdir()
    Path("store/images").write_text("no folder")
    with_unchanged_images(data)
    assert len(read) == 3
    cut(data.folder / "a.jpg")
    with refused(DataError, "a.jpg: changed"):
        with_unchanged_images(data)


def test_of_several_jobs_one_reads(data: SplitDataset, read: list[str]) -> None:
    with ThreadPoolExecutor(6) as pool:
        for checked in [pool.submit(with_unchanged_images, data) for _ in range(6)]:
            checked.result()
    assert sorted(read) == sorted(NAMES[:3])


@pytest.fixture
def shard() -> SplitDataset:
    folder = Path("data/clean/cells/images")
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), np.uint8)
    digests = packed.write(folder, "s.npy", pixels)
    images = [Image(n, name, 5, 4, digests[name]) for n, name in enumerate(digests, 1)]
    return SplitDataset(Dataset(images), {"train": [1], "val": [2], "test": [3]}, folder)


def test_a_changed_pixel_in_a_shard_is_found(shard: SplitDataset) -> None:
    with_unchanged_images(shard)
    with (shard.folder / "s.npy").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    with refused(DataError, "1 of 3 images", "s.npy#2: changed", MENDS):
        with_unchanged_images(shard)


def test_a_cut_shard_is_found(shard: SplitDataset) -> None:
    cut(shard.folder / "s.npy")
    with refused(DataError, "3 of 3 images", "s.npy#0: changed"):
        with_unchanged_images(shard)


def test_nothing_is_predicted_on_a_changed_image(data: SplitDataset) -> None:
    from fairtrial.data import dataset

    dataset.write(data.dataset, Path("annotations.json"))
    write_certificate(Path("split.json"), [1], [2], [3])
    edited(data.folder / "c.jpg")
    with refused(DataError, "c.jpg: changed"):
        predict(
            settings=PredictDetectSettings.model_construct(backend="ultralytics"),
            weights=Path("none.pt"),
            images=data.folder,
            annotations=Path("annotations.json"),
            split=Path("split.json"),
            threads=1,
            val=Path("val.json"),
            test=Path("test.json"),
            speed=Path("speed.json"),
        )
