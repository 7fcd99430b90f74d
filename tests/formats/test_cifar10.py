"""CIFAR-10's pickles: read exactly, and never run."""

from __future__ import annotations

import datetime
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.facts import refused

from fairtrial import DataError
from fairtrial.data import dataset, imagefile
from fairtrial.files import jsonfile
from fairtrial.formats import cifar10
from fairtrial.settings.stages import ConvertSettings, DownloadSettings
from fairtrial.stages.convert import convert
from fairtrial.stages.download import download

NAMES = ["airplane", "automobile", "bird"]
BATCHES = {"data_batch_1": 11, "data_batch_2": 2, "test_batch": 3}
SPLITS: dict[str, Any] = {"train": ["data_batch_1"], "val": ["data_batch_2"]}


def pixels(name: str) -> np.ndarray:
    """The images of a batch, (images, height, width, 3)."""
    chance = np.random.default_rng(len(name) + BATCHES[name])
    return chance.integers(0, 256, (BATCHES[name], 32, 32, 3), np.uint8)


def content(name: str) -> dict[Any, Any]:
    """A batch as the authors have it: planes of colour, keys that Python 2 wrote."""
    rows = pixels(name).transpose(0, 3, 1, 2).reshape(BATCHES[name], -1).copy()
    labels = [number % 3 for number in range(BATCHES[name])]
    return {b"batch_label": b"some", b"labels": labels, b"data": rows, b"filenames": [b"a.png"]}


def as_python_2(value: Any) -> bytes:
    """A pickle of protocol 2 with texts as Python 2 wrote them: short strings of bytes."""
    if isinstance(value, bytes):
        return b"U" + bytes([len(value)]) + value
    if isinstance(value, dict):
        inner = b"".join(as_python_2(k) + as_python_2(v) for k, v in value.items())
        return b"}(" + inner + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(as_python_2, value)) + b"e"
    if isinstance(value, int):
        return b"J" + value.to_bytes(4, "little", signed=True)
    data = value.tobytes()
    shape = b"".join(as_python_2(length) for length in value.shape)
    kind = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ" + b"\xff" * 4
    return (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R("
        + (b"K\x01(" + shape + b"t" + kind + b"J" + b"\xff" * 4 + b"K\x00tb\x89")
        + (b"T" + len(data).to_bytes(4, "little") + data + b"tb")
    )


def lay(folder: Path, python_2: bool = True) -> Path:
    place = folder / "cifar-10-batches-py"
    place.mkdir(parents=True)
    files = {name: content(name) for name in BATCHES}
    files["batches.meta"] = {b"label_names": [name.encode() for name in NAMES]}
    for name, value in files.items():
        data = b"\x80\x02" + as_python_2(value) + b"." if python_2 else pickle.dumps(value, 2)
        (place / name).write_bytes(data)
    return place


@pytest.mark.parametrize("python_2", [True, False], ids=["of Python 2", "of Python 3"])
def test_every_image_has_its_pixels_its_class_and_its_split(tmp_path: Path, python_2: bool) -> None:
    place = lay(tmp_path, python_2)
    if python_2:  # what is written here by hand is what Python takes it for
        batch = pickle.loads((place / "data_batch_1").read_bytes(), encoding="bytes")
        assert np.array_equal(batch[b"data"], content("data_batch_1")[b"data"])
    labelled, defects = cifar10.read(tmp_path, cifar10.Settings(**SPLITS))
    assert not defects
    assert labelled.categories == {1: "airplane", 2: "automobile", 3: "bird"}
    assert labelled.origins == {1: ["0"], 2: ["1"], 3: ["2"]}
    assert len(labelled.images) == len(labelled.annotations) == 16
    assert [image.file_name for image in labelled.images][9:12] == [
        "data_batch_1.npy#09",
        "data_batch_1.npy#10",
        "data_batch_2.npy#0",
    ]
    assert [image.split for image in labelled.images] == ["train"] * 11 + ["val"] * 2 + ["test"] * 3
    assert [a.category_id for a in labelled.annotations] == [
        n % 3 + 1 for count in BATCHES.values() for n in range(count)
    ]
    assert all(a.bbox is None for a in labelled.annotations)
    for name in BATCHES:
        assert np.array_equal(labelled.shards[f"{name}.npy"], pixels(name))


def test_download_and_convert_make_a_file_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lay(tmp_path / "own")
    raw, manifest = Path("data/raw/c"), Path("data/raw/c.sha256")
    source = DownloadSettings(name="c", kind="local", settings={"path": "own"})
    download(settings=source, raw=raw, manifest=manifest)
    names = ("images", "annotations", "quality", "duplicates", "source_ids")
    files = {name: Path("data/clean", name) for name in names}
    settings = ConvertSettings(format="cifar10", options=SPLITS)
    convert(settings=settings, raw=raw, manifest=manifest, **files)
    assert sorted(path.name for path in files["images"].iterdir()) == [
        f"{name}.npy" for name in BATCHES
    ]
    clean = dataset.read(files["annotations"])
    assert clean.task == "classify"
    assert {(image.width, image.height) for image in clean.images} == {(32, 32)}
    assert len({image.sha256 for image in clean.images}) == 16
    image = imagefile.pixels(files["images"], "data_batch_1.npy#10")
    assert np.array_equal(image, pixels("data_batch_1")[10])
    assert jsonfile.read_json(files["quality"])["classes"] == {
        "airplane": 6,
        "automobile": 6,
        "bird": 4,
    }


class Runs:
    """What a pickle made by somebody else may do when it is opened."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self.made_by = call, arguments

    def __reduce__(self) -> Any:
        return self.made_by


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(Runs(os.system, "touch ran"), id="os.system"),
        pytest.param(Runs(eval, "open('ran', 'w')"), id="eval"),
        pytest.param(Runs(getattr, "text", "join"), id="getattr"),
        pytest.param(Runs(np.load, "x"), id="numpy.load"),
        pytest.param(Runs(np.memmap, "ran", "u1", "w+", 0, 9), id="numpy.memmap"),
        pytest.param(datetime.date(2026, 1, 1), id="a date"),
        pytest.param(np.array([Runs(os.system, "touch ran")], dtype=object), id="an object array"),
        pytest.param(np.zeros(3), id="a float array"),
        pytest.param(np.float64(1), id="a NumPy number"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 5], ids="protocol {}".format)
def test_a_pickle_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Any, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    place = lay(tmp_path)
    harmless = content("data_batch_1")
    (place / "data_batch_1").write_bytes(pickle.dumps({**harmless, b"more": value}, protocol))
    with refused(DataError, "data_batch_1", "not a pickle of values"):
        cifar10.read(tmp_path, cifar10.Settings(**SPLITS))
    assert not (tmp_path / "ran").exists()


def test_no_cut_and_no_changed_byte_raises_anything_else(tmp_path: Path) -> None:
    """A refusal for a person, or the same kind of set; never another exception."""
    place = lay(tmp_path)
    whole = (place / "data_batch_2").read_bytes()
    chance = np.random.default_rng(0)
    for _ in range(150):
        data = bytearray(whole)
        at = int(chance.integers(0, 180 if chance.random() < 0.8 else len(data)))
        if chance.random() < 0.3:
            del data[at:]
        else:
            data[at] ^= 1 << int(chance.integers(0, 8))
        (place / "data_batch_2").write_bytes(data)
        try:
            labelled, _ = cifar10.read(tmp_path, cifar10.Settings(**SPLITS))
        except DataError:
            continue
        assert all(shard.shape[1:] == (32, 32, 3) for shard in labelled.shards.values())


@pytest.mark.parametrize(
    ("key", "value", "facts"),
    [
        pytest.param(b"labels", [0] * 10, ["11 images", "10 labels"], id="a label too few"),
        pytest.param(b"labels", [3] * 11, ["label 3", "image 0"], id="a label too high"),
        pytest.param(b"labels", [-1] * 11, ["label -1", "image 0"], id="a label below 0"),
        pytest.param(b"labels", ["cat"] * 11, ["label 'cat'", "image 0"], id="a label as text"),
        pytest.param(b"labels", None, ["no list `labels`"], id="no labels"),
        pytest.param(b"data", None, ["no `data`", "3072 bytes"], id="no data"),
        pytest.param(
            *(b"data", np.zeros((11, 12), np.uint8), ["no `data`", "3072 bytes"]),
            id="images of another size",
        ),
    ],
)
def test_what_does_not_fit_together_is_named(
    tmp_path: Path, key: bytes, value: Any, facts: list[str]
) -> None:
    place = lay(tmp_path)
    batch = content("data_batch_1") | {key: value}
    (place / "data_batch_1").write_bytes(pickle.dumps(batch, 2))
    with refused(DataError, "data_batch_1", *facts):
        cifar10.read(tmp_path, cifar10.Settings(**SPLITS))


def test_a_batch_is_in_one_split(tmp_path: Path) -> None:
    lay(tmp_path)
    with refused(DataError, "data_batch_1", "two splits"):
        cifar10.read(tmp_path, cifar10.Settings(train=("data_batch_1",), val=("data_batch_1",)))


def test_a_batch_that_is_not_there(tmp_path: Path) -> None:
    lay(tmp_path)
    with refused(DataError, "data_batch_3", "no such file"):
        cifar10.read(tmp_path, cifar10.Settings())
