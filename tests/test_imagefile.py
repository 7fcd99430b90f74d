import io
from pathlib import Path

import pytest
from PIL import Image

from fairtrial import imagefile


def jpeg(**options: object) -> bytes:
    file = io.BytesIO()
    Image.effect_mandelbrot((90, 70), (-2, -1.5, 1, 1.5), 50).save(file, "JPEG", **options)
    return file.getvalue()


def with_thumbnail() -> bytes:
    """A JPEG whose first segment holds another JPEG, end marker and all."""
    inner = b"Exif\0\0" + jpeg()
    segment = b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner
    data = jpeg()
    return data[:2] + segment + data[2:]


@pytest.mark.parametrize(
    "data",
    [
        jpeg(),
        jpeg(progressive=True),
        jpeg(quality=100, subsampling=0),
        jpeg(restart_marker_blocks=1),
        jpeg()[:2] + b"\xff\xff" + jpeg()[2:],
        with_thumbnail(),
    ],
    ids=["plain", "progressive", "fine", "restarts", "fill bytes", "thumbnail"],
)
@pytest.mark.parametrize("tail", [b"", b"\0", b"\xff\xd9", jpeg()])
def test_the_end_of_a_jpeg(data: bytes, tail: bytes) -> None:
    Image.open(io.BytesIO(data)).load()
    assert imagefile.jpeg_end(data + tail) == len(data)


def test_a_jpeg_without_end_is_left_as_it_is() -> None:
    assert imagefile.jpeg_end(jpeg()[:-2]) == len(jpeg()) - 2


def test_size_needs_the_header_only(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg()[:900])
    assert imagefile.size(path) == (90, 70)
    path.write_bytes(b"no image")
    assert imagefile.size(path) is None


@pytest.mark.parametrize(("orientation", "kept"), [(None, True), (1, True), (3, False), (6, False)])
def test_an_image_that_viewers_turn_is_named_and_dropped(
    tmp_path: Path, orientation: int | None, kept: bool
) -> None:
    """OpenCV turns it, and boxes drawn before that would lie on other objects."""
    exif = Image.Exif()
    if orientation:
        exif[imagefile.EXIF_ORIENTATION] = orientation
    (tmp_path / "a.jpg").write_bytes(jpeg(exif=exif))
    checked = imagefile.clean(tmp_path, "a.jpg", "digest", tmp_path / "clean")
    assert checked.kept is kept
    assert [fault.name for fault in checked.found] == ([] if kept else ["turned_image"])
