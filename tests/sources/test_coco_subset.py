import hashlib
import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import coco_server
import pytest
from coco_server import ARCHIVE, path_of
from PIL import Image
from tests.facts import refused
from web import Web

from fairtrial import DataError
from fairtrial.files import folders
from fairtrial.formats import coco
from fairtrial.sources import coco_subset

ONE = path_of(6)  # a motorcycle: always chosen


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAIRTRIAL_MIRROR", raising=False)


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web({})
    yield web
    web.close()


@pytest.fixture
def settings(web: Web) -> dict[str, Any]:
    return coco_server.serve(web)


def fetch(tmp_path: Path, settings: dict[str, Any], **changed: object) -> Path:
    target = tmp_path / f"raw{len(list(tmp_path.glob('raw*')))}"
    target.mkdir()
    options = coco_subset.Settings.model_validate({**settings, "tries": 3, **changed})
    coco_subset.fetch(options, "demo", target, tmp_path / "downloads")
    return target


def images(folder: Path) -> list[str]:
    return [name for name in folders.files_below(folder) if name.endswith(".jpg")]


def content(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "annotations.json").read_text())
    return content


def test_every_image_of_the_rarer_class_and_persons_up_to_the_number(
    tmp_path: Path, settings: dict[str, Any], web: Web
) -> None:
    raw = fetch(tmp_path, settings, images=5)
    motorcycles = {path_of(6), path_of(7), path_of(11)}
    persons = {path_of(n) for n in (0, 1, 2, 3, 4, 5, 10)}
    assert motorcycles < set(images(raw)) < motorcycles | persons
    assert len(images(raw)) == 5
    assert all((raw / name).read_bytes() == web.files[name] for name in images(raw))


def test_fewer_are_the_first_of_more_and_a_seed_gives_others(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    choices = [images(fetch(tmp_path, settings, images=number)) for number in (4, 5, 6, 99)]
    assert [len(chosen) for chosen in choices] == [4, 5, 6, 10]
    assert all(set(less) < set(more) for less, more in pairwise(choices))
    other = images(fetch(tmp_path, settings, images=5, seed=1))
    assert other != choices[1]
    assert images(fetch(tmp_path, settings, images=5, seed=0)) == choices[1]


def test_the_choice_is_the_documented_one(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Motorcycles first; within a class the order of the SHA-256 of "<seed>:<image id>"."""

    def place(number: int) -> tuple[bool, str]:
        classes = coco_server.HELD[number]
        digest = hashlib.sha256(f"3:{number + 100}".encode()).hexdigest()
        return coco_server.MOTORCYCLE not in classes, digest

    held = [n for n, k in enumerate(coco_server.HELD) if set(k) - {coco_server.CAR}]
    for number in (2, 7):
        expected = sorted(path_of(n) for n in sorted(held, key=place)[:number])
        assert images(fetch(tmp_path, settings, images=number, seed=3)) == expected


def test_the_annotations_are_those_of_the_chosen_and_say_what_was_chosen_from(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    raw = fetch(tmp_path, settings, images=99)
    subset = content(raw)
    assert [row["name"] for row in subset["categories"]] == ["person", "motorcycle"]
    assert {row["category_id"] for row in subset["annotations"]} == {1, 4}
    assert {row["image_id"] for row in subset["annotations"]} == {r["id"] for r in subset["images"]}
    assert [row["id"] for row in subset["annotations"] if row["iscrowd"]] == [1]
    assert subset["images"][0]["license"] == 3
    assert subset["info"]["images_there"] == {"all": 10, "person": 8, "motorcycle": 3}
    assert (
        fetch(tmp_path, settings, images=99).joinpath("annotations.json").read_bytes()
        == (raw / "annotations.json").read_bytes()
    )
    options = coco.Settings(files=(coco.File(annotations="annotations.json", images="."),))
    dataset, defects = coco.read(raw, options)
    assert sorted(image.file_name for image in dataset.images) == images(raw)
    assert len(dataset.annotations) == 11 and not defects


@pytest.mark.parametrize("path", [ONE, ARCHIVE], ids=["an image", "the archive"])
@pytest.mark.parametrize(
    "fault", [429, 500, 503, "cut", "short", "wrong", "stall", "no range"], ids="fault {}".format
)
def test_a_fault_that_passes_does_not_show(
    web: Web, tmp_path: Path, settings: dict[str, Any], path: str, fault: int | str
) -> None:
    web.faults = {path: ["cut", fault] if fault == "no range" else [fault, fault]}
    raw = fetch(tmp_path, settings, timeout=0.2)
    assert len(images(raw)) == 8
    assert all((raw / name).read_bytes() == web.files[name] for name in images(raw))
    assert web.requests()[path] == (2 if fault == "no range" else 3)


@pytest.mark.parametrize(
    ("fault", "requests", "reason"),
    [
        pytest.param(404, 1, "HTTP 404", id="HTTP 404"),
        pytest.param(429, 3, "HTTP 429", id="HTTP 429"),
        pytest.param(500, 3, "HTTP 500", id="HTTP 500"),
        pytest.param("short", 3, "cannot be decoded", id="short"),
        pytest.param("wrong", 3, "cannot be decoded", id="wrong"),
    ],
)
def test_a_fault_that_stays_is_named_and_only_its_image_is_asked_for_again(
    web: Web, tmp_path: Path, settings: dict[str, Any], fault: int | str, requests: int, reason: str
) -> None:
    web.faults = {path: [fault] * requests for path in (ONE, path_of(11))}
    lines = [f"  {path}: {reason}" for path in (ONE, path_of(11))]
    with refused(DataError, "demo", "2 of 8 files", *lines):
        fetch(tmp_path, settings)
    assert not folders.files_below(tmp_path / "raw0")
    web.log.clear()
    assert len(images(fetch(tmp_path, settings))) == 8
    assert web.requests() == {ONE: 1, path_of(11): 1}


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        pytest.param(coco_server.jpeg(9), ["49×30", "46×30"], id="another image"),
        pytest.param(coco_server.jpeg(6)[:-2], ["cannot be decoded", "truncated"], id="cut"),
        pytest.param(b"<html>Please sign in</html>", ["cannot be decoded"], id="a page"),
        pytest.param(b"", ["cannot be decoded"], id="nothing"),
    ],
)
def test_a_whole_answer_that_is_not_the_image_is_refused(
    web: Web, tmp_path: Path, settings: dict[str, Any], data: bytes, facts: list[str]
) -> None:
    web.files[ONE] = data
    with refused(DataError, "1 of 8 files", ONE, *facts):
        fetch(tmp_path, settings)


def test_a_jpeg_that_decodes_without_its_end_is_refused(tmp_path: Path) -> None:
    """Pillow reads in blocks; where the last one begins just before the end, it misses none."""
    file = io.BytesIO()
    image = Image.linear_gradient("L").resize((640, 427)).convert("RGB")
    image.save(file, "JPEG", quality=90, comment=b"A" * (65736 - 12451))
    check = coco_subset._Check({"width": 640, "height": 427})
    (tmp_path / "whole.jpg").write_bytes(file.getvalue())
    (tmp_path / "cut.jpg").write_bytes(file.getvalue()[:-2] + bytes(2))
    assert check(tmp_path / "whole.jpg") == ""
    assert check(tmp_path / "cut.jpg") == "wrong content: a JPEG without its end"


def test_other_settings_ask_only_for_what_is_not_there(
    web: Web, tmp_path: Path, settings: dict[str, Any]
) -> None:
    first = set(images(fetch(tmp_path, settings, images=5)))
    web.log.clear()
    second = set(images(fetch(tmp_path, settings, images=7, seed=1, tries=1)))
    assert set(web.requests()) == second - first
    web.log.clear()
    fetch(tmp_path, settings, classes=["motorcycle"])
    assert not web.log


def test_a_mirror_is_used_in_place_of_the_server(
    web: Web, tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, data in web.files.items():
        path = tmp_path / "mirror" / "demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.setenv("FAIRTRIAL_MIRROR", str(tmp_path / "mirror"))
    assert len(images(fetch(tmp_path, settings))) == 8
    assert not web.log


@pytest.mark.parametrize(
    ("setting", "value", "facts"),
    [
        pytest.param(
            *("classes", ["person", "motorbike"], ["classes", ARCHIVE, "'motorbike'"]),
            id="no such class",
        ),
        pytest.param(
            *("parts", [{"annotations": "a.json", "images": "x"}], [ARCHIVE, "no item", "a.json"]),
            id="no such file in the archive",
        ),
        pytest.param(
            *("sha256", "0" * 64, ["1 of 1 files", ARCHIVE, "SHA-256", "0" * 64]),
            id="another SHA-256",
        ),
        pytest.param("archive", ONE, [ONE, "not a zip"], id="an image as archive"),
    ],
)
def test_wrong_settings_and_annotations_are_named(
    web: Web, tmp_path: Path, settings: dict[str, Any], setting: str, value: Any, facts: list[str]
) -> None:
    if setting == "archive":
        settings = settings | {"sha256": hashlib.sha256(web.files[ONE]).hexdigest()}
    with refused(DataError, *facts):
        fetch(tmp_path, settings | {setting: value})


@pytest.mark.data
def test_photographs_of_coco_are_as_their_annotations_say(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a mirror: 160 photographs of 2017 with COCO's own annotations of them."""
    source = real_data / "coco2017_tiny_json"
    names = [f"annotations/instances_{split}2017.json" for split in ("train", "val")]
    data = coco_server.archive({name: (source / name).read_text() for name in names})
    mirror = tmp_path / "mirror" / "demo"
    (mirror / "annotations").mkdir(parents=True)
    (mirror / ARCHIVE).write_bytes(data)
    for part in ("train2017", "val2017"):
        (mirror / part).symlink_to(source / part)
    monkeypatch.setenv("FAIRTRIAL_MIRROR", str(tmp_path / "mirror"))
    sha256 = hashlib.sha256(data).hexdigest()
    raw = fetch(tmp_path, {"sha256": sha256, "classes": ["person", "motorcycle"], "images": 60})
    info = content(raw)["info"]
    assert info["images_there"] == {"all": 91, "person": 89, "motorcycle": 4}
    assert info["images_chosen"]["all"] == len(images(raw)) == 60
    assert info["images_chosen"]["motorcycle"] == 4
    with Image.open(raw / content(raw)["images"][0]["file_name"]) as image:
        assert image.format == "JPEG"
