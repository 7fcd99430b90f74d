import hashlib
import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageOps

from fairtrial.data import defects, imagefile
from fairtrial.data.defect_actions import Actions


def jpeg(mode: str = "L", kind: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    picture = Image.effect_mandelbrot((90, 70), (-2, -1.5, 1, 1.5), 50).convert(mode)
    picture.save(file, kind, **options)
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
@pytest.mark.parametrize(
    "tail", [b"", b"\0", b"\xff\xd9", jpeg()], ids=["no tail", "a zero", "an end", "a JPEG"]
)
def test_the_end_of_a_jpeg(data: bytes, tail: bytes) -> None:
    Image.open(io.BytesIO(data)).load()
    assert imagefile.jpeg_end(data + tail) == len(data)


def test_a_jpeg_without_end_is_left_as_it_is() -> None:
    assert imagefile.jpeg_end(jpeg()[:-2]) == len(jpeg()) - 2


def cleaned(
    folder: Path, data: bytes, name: str = "a.jpg", **actions: str
) -> imagefile.CheckedImage:
    (folder / name).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    (folder / "clean").mkdir(exist_ok=True)
    return imagefile.clean_image(folder, name, digest, folder / "clean", Actions(actions))


@pytest.mark.parametrize("orientation", [0, 1, 9], ids="orientation {}".format)
def test_an_orientation_that_turns_nothing_is_no_defect(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    checked = cleaned(tmp_path, jpeg(exif=exif, mode="RGB"))
    assert (checked.is_kept, checked.defects, checked.file_name) == (True, [], "a.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(2, 9), ids="orientation {}".format)
def test_a_turned_image_is_written_as_it_is_shown(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg(exif=exif, mode="RGB", kind=kind)
    checked = cleaned(tmp_path, data)
    assert (checked.is_kept, checked.size, checked.orientation) == (True, (90, 70), orientation)
    assert defects.TurnedImage("a.jpg", f"orientation {orientation}") in checked.defects
    with Image.open(tmp_path / "clean" / checked.file_name) as clean:
        expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        assert (clean.mode, clean.getexif()) == ("RGB", {})
        assert clean.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"restart_marker_blocks": 2}],
    ids=["plain", "progressive", "restarts"],
)
def test_every_cut_that_a_whole_decoding_finds_is_found(
    tmp_path: Path, options: dict[str, object]
) -> None:
    """We compute an eighth of a JPEG's pixels, which must not hide that data end early."""
    data = jpeg(mode="RGB", **options)
    for length in range(200, len(data), 61):
        try:
            Image.open(io.BytesIO(data[:length])).load()
            whole = True
        except OSError:
            whole = False
        assert cleaned(tmp_path, data[:length]).is_kept == whole, length


def test_a_file_that_is_not_the_one_expected(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    assert imagefile.clean_image(tmp_path, "a.jpg", "digest", tmp_path / "clean", Actions()).changed
    assert not (tmp_path / "clean").exists()


@pytest.mark.parametrize(
    ("name", "kind", "clean"),
    [
        ("a.jpg", "PNG", "a.jpg.png"),
        ("a.png", "JPEG", "a.png.jpg"),
        ("a", "JPEG", "a.jpg"),
        ("a.jpe", "JPEG", "a.jpe.jpg"),
    ],
)
def test_a_file_is_named_by_its_content(tmp_path: Path, name: str, kind: str, clean: str) -> None:
    data = jpeg(mode="RGB", kind=kind)
    checked = cleaned(tmp_path, data, name)
    assert checked.defects == [defects.WrongSuffix(name, f"is {kind}")]
    assert (tmp_path / "clean" / clean).read_bytes() == data
    assert checked.file_name == clean


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.JPG", "a.b.Jpeg"])
def test_names_that_are_right(tmp_path: Path, name: str) -> None:
    assert cleaned(tmp_path, jpeg(mode="RGB"), name).defects == []


def test_grey_becomes_rgb_or_is_kept_as_asked(tmp_path: Path) -> None:
    data = jpeg()
    checked = cleaned(tmp_path, data)
    with Image.open(tmp_path / "clean" / checked.file_name) as clean:
        assert clean.mode == "RGB"
        assert clean.convert("L").tobytes() == Image.open(io.BytesIO(data)).tobytes()
    checked = cleaned(tmp_path, data, "b.jpg", grey_image="keep")
    assert (checked.is_kept, checked.file_name, checked.defects) == (
        True,
        "b.jpg",
        [defects.GreyImage("b.jpg")],
    )
    assert (tmp_path / "clean" / "b.jpg").read_bytes() == data
    assert not cleaned(tmp_path, data, "c.jpg", grey_image="drop_image").is_kept


def test_an_image_too_small_to_learn_from(tmp_path: Path) -> None:
    tiny = io.BytesIO()
    Image.new("RGB", (40, 9)).save(tiny, "PNG")
    checked = cleaned(tmp_path, tiny.getvalue(), "a.png")
    assert (checked.is_kept, checked.defects) == (False, [defects.TinyImage("a.png", "40×9")])
    assert cleaned(tmp_path, tiny.getvalue(), "a.png", tiny_image="keep").is_kept


def test_16_bits_of_colour_are_found(tmp_path: Path) -> None:
    """Pillow shows such a PNG as 8-bit RGB, but other readers do not."""
    raw = b"".join(b"\0" + b"\x12\x34\x56\x78\x9a\xbc" * 16 for _ in range(12))
    header = struct.pack(">IIBBBBB", 16, 12, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for kind, content in ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")):
        crc = struct.pack(">I", zlib.crc32(kind + content))
        data += struct.pack(">I", len(content)) + kind + content + crc
    checked = cleaned(tmp_path, data, "a.png")
    assert checked.defects == [defects.OtherColours("a.png", "mode RGB, 16 bits")]
    with Image.open(tmp_path / "clean" / "a.png.png") as clean:
        assert clean.getpixel((3, 3)) == (0x12, 0x56, 0x9A)


READ = {
    "a.avif": ("AVIF", {"quality": 100, "subsampling": "4:4:4"}, 8),
    "a.jp2": ("JPEG2000", {"irreversible": False}, 0),
    "a.webp": ("WEBP", {"lossless": True}, 0),
    "a.tif": ("TIFF", {}, 0),
    "a.bmp": ("BMP", {}, 0),
    "a.tga": ("TGA", {}, 0),
    "a.qoi": ("QOI", {}, 0),
    "a.ppm": ("PPM", {}, 0),
}


@pytest.mark.parametrize("name", READ)
def test_a_type_that_the_locked_decoders_read_keeps_its_pixels(tmp_path: Path, name: str) -> None:
    """Written anew as PNG; of a lossy type the pixels differ by no more than its own rounding."""
    kind, options, most = READ[name]
    checked = cleaned(tmp_path, jpeg("RGB", kind, **options), name)
    assert checked.defects == [defects.OtherFileType(name, kind)]
    with Image.open(io.BytesIO(jpeg("RGB", "PNG"))) as whole:
        written = Image.open(tmp_path / "clean" / checked.file_name).convert("RGB")
        difference = ImageChops.difference(whole.convert("RGB"), written)
    assert max(high for _, high in difference.getextrema()) <= most


@pytest.mark.parametrize("brand", ["heic", "heix", "hevc", "mif1", "msf1"])
def test_heic_is_not_decoded_and_named_with_the_reason(tmp_path: Path, brand: str) -> None:
    checked = cleaned(tmp_path, b"\0\0\0\x18ftyp" + brand.encode() + b"\0\0\0\0mif1heic", "a.heic")
    assert not checked.is_kept
    (defect,) = checked.defects
    assert isinstance(defect, defects.UnreadableImage)
    assert "HEIC" in defect.seen and "JPEG" in defect.seen
