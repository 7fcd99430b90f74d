"""Image files: kept, repaired or dropped."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from raw_source import BOX, COCO, Raw, picture
from tests.facts import refused

from fairtrial import DataError
from fairtrial.files import checksums


def test_bytes_behind_a_jpeg_are_cut_and_no_pixel_changes(raw: Raw) -> None:
    whole = picture()
    raw.add("a.jpg", whole + b"\0\0photo editor was here", BOX)
    dataset, quality = raw.convert()
    clean = raw.clean("a.jpg").read_bytes()
    assert clean.endswith(b"\xff\xd9")
    assert clean == whole
    assert checksums.sha256(raw.clean("a.jpg")) == dataset.images[0].sha256
    assert quality["defects"]["trailing_bytes"]["cases"] == ["images/a.jpg: 23 bytes"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(picture()[:-200], "truncated_image", id="a cut JPEG"),
        pytest.param(picture("PNG", size=(300, 300))[:-400], "truncated_image", id="a cut PNG"),
        pytest.param(b"", "unreadable_image", id="an empty file"),
        pytest.param(b"<html>404</html>", "unreadable_image", id="a web page"),
        pytest.param(picture()[:100], "truncated_image", id="the head of a JPEG"),
        pytest.param(None, "missing_image", id="no file"),
        pytest.param(picture("TIFF", "F"), "unreadable_image", id="a TIFF of floats"),
    ],
)
def test_unusable_images_are_dropped_and_named(raw: Raw, data: bytes | None, kind: str) -> None:
    raw.add("bad.jpg", data, BOX)
    raw.add("good.jpg", picture(), BOX)
    dataset, quality = raw.convert({**COCO, "max_dropped": 0.5})
    assert [image.file_name for image in dataset.images] == ["images/good.jpg"]
    assert quality["objects"] == 1
    ((name, defect),) = quality["defects"].items()
    assert (name, defect["count"], defect["action"]) == (kind, 1, "image dropped")
    assert defect["cases"][0].startswith("images/bad.jpg")
    assert not raw.clean("bad.jpg").exists()


def test_too_many_unusable_images_are_an_error_that_lists_them(raw: Raw) -> None:
    raw.add("bad.jpg", b"bad", BOX)
    raw.add("gone.jpg", None, BOX)
    for number in range(18):
        raw.add(f"{number}.jpg", picture(), BOX)
    cases = ["images/bad.jpg: UnidentifiedImageError", "images/gone.jpg (missing_image)"]
    with refused(DataError, "2 of 20 images", "0.05", "max_dropped", *cases):
        raw.convert()
    assert not (raw.folder / "clean" / "images").exists()
    assert raw.convert({**COCO, "max_dropped": 0.1})[1]["images"] == 18


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "1", "CMYK"])
def test_other_colours_become_rgb_png(raw: Raw, mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    data = picture(kind, mode)
    raw.add("a.tif", data, BOX)
    dataset, quality = raw.convert()
    assert quality["defects"]["other_colours"]["cases"] == [f"images/a.tif: mode {mode}"]
    (image,) = dataset.images
    assert image.file_name == "images/a.tif.png"
    assert image.sha256 == checksums.sha256(raw.clean("a.tif.png"))
    with Image.open(raw.clean("a.tif.png")) as clean, Image.open(io.BytesIO(data)) as before:
        assert (clean.format, clean.mode) == ("PNG", "RGB")
        assert clean.tobytes() == before.convert("RGB").tobytes()


def test_of_16_bits_the_upper_8_are_kept(raw: Raw) -> None:
    deep = Image.new("I;16", (14, 14), 0x1234)
    file = io.BytesIO()
    deep.save(file, "PNG")
    raw.add("a.png", file.getvalue(), [0, 0, 2, 2])
    raw.convert()
    with Image.open(raw.clean("a.png.png")) as clean:
        assert (clean.mode, clean.getpixel((1, 1))) == ("RGB", (0x12, 0x12, 0x12))


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "WEBP", "PPM"])
def test_other_file_types_become_png(raw: Raw, kind: str) -> None:
    raw.add("a", picture(kind), BOX)
    dataset, quality = raw.convert()
    assert dataset.images[0].file_name == "images/a.png"
    assert quality["defects"]["other_file_type"]["cases"] == [f"images/a: {kind}"]


def test_two_images_never_get_one_name(raw: Raw) -> None:
    raw.add("a", picture("BMP"), BOX)
    raw.add("a.png", picture("PNG"), BOX)
    with refused(DataError, "two images", "one name", "<name>.png"):
        raw.convert()


@pytest.mark.slow
@pytest.mark.data
def test_every_messy_image_goes_through_or_is_named(real_data: Path, raw: Raw) -> None:
    for path in sorted((real_data / "messy_images").glob("*/*.*")):
        raw.add(f"{path.parent.name}-{path.name}", path.read_bytes(), [0, 0, 2, 2])
    dataset, quality = raw.convert({**COCO, "max_dropped": 1})
    assert len(raw.images) == 47
    assert {kind: case["count"] for kind, case in quality["defects"].items()} == {
        "decompression_bomb": 1,
        "grey_image": 2,
        "other_colours": 11,
        "other_file_type": 5,
        "several_frames": 1,
        "tiny_image": 1,
        "truncated_image": 3,
        "turned_image": 19,
        "unreadable_image": 2,
        "unused_bits": 1,
    }
    assert len(dataset.images) == 47 - 1 - 1 - 3 - 2
    for image in dataset.images:
        with Image.open(raw.folder / "clean" / "images" / image.file_name) as clean:
            clean.load()
            assert clean.mode == "RGB"
            assert clean.size == (image.width, image.height)
            assert clean.getexif().get(0x0112, 1) in (0, 1)
            assert clean.format in ("JPEG", "MPO", "PNG")
