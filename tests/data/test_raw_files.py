"""Which files of a raw folder are listed, which are images, and which one was probably meant."""

import io
import unicodedata
from pathlib import Path, PurePosixPath

import pytest
from PIL import Image

from fairtrial import DataError
from fairtrial.data import raw_files
from tests.facts import refused

OF_SYSTEMS = [
    ".DS_Store",
    "a/.ipynb_checkpoints/x-checkpoint.png",
    "__MACOSX/a/._x.png",
    "a/._x.png",
    "a/Thumbs.db",
    "a/Desktop.ini",
    "@eaDir/x.png/thumb.jpg",
    "$RECYCLE.BIN/x.png",
    ".git/config",
    "~$labels.csv",
]


def write(folder: Path, *files: str, content: bytes = b"") -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)


def test_files_of_systems_and_tools_are_in_no_listing(tmp_path: Path) -> None:
    write(tmp_path, *OF_SYSTEMS, "a/x.png", "b.x/y.png", "recycler.png")
    assert raw_files.listed_files(tmp_path) == ["a/x.png", "b.x/y.png", "recycler.png"]
    assert all(map(raw_files.is_of_system, OF_SYSTEMS))


@pytest.mark.parametrize(
    "kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM", "QOI"]
)
def test_an_image_is_known_by_its_content(tmp_path: Path, kind: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (20, 20)).save(file, kind)
    write(tmp_path, "scan", "scan.001", content=file.getvalue())
    write(tmp_path, "notes", "volume.dcm", content=b"0" * 128 + b"DICM")
    write(tmp_path, "broken.jpg", "empty")
    assert raw_files.image_files(tmp_path) == ["broken.jpg", "scan", "scan.001"]


FILES = ["images/a.jpg", "images/b c.jpg", "images/Ä.jpg", "other/d.jpg"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("images/A.JPG", "images/a.jpg", id="case"),
        pytest.param("images/b%20c.jpg", "images/b c.jpg", id="a blank as in an address"),
        pytest.param("images\\a.jpg", "images/a.jpg", id="a backslash"),
        pytest.param(unicodedata.normalize("NFD", FILES[2]), FILES[2], id="Unicode form"),
        pytest.param("images/images/a.jpg", "images/a.jpg", id="a folder twice"),
        pytest.param("d.jpg", "other/d.jpg", id="another folder"),
        pytest.param("images/a", "images/a.jpg", id="no suffix"),
    ],
)
def test_the_file_that_was_meant_is_found(name: str, meant: str) -> None:
    assert raw_files.FileIndex(FILES).meant(name) == [meant]
    assert raw_files.FileIndex(FILES).meant("images/e.jpg") == []


def test_a_folder_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    write(tmp_path, "Images/a.jpg", "labels/a.txt", ".git/x", "deep/er/b.jpg")
    with refused(DataError, "no folder images", "options: x", "`Images`", "Images, deep, labels"):
        raw_files.present_folder(tmp_path, "images", "options: x")
    with refused(DataError, "no folder deep/est", "there are: deep/er"):
        raw_files.present_folder(tmp_path, "deep/est", "options: x")


@pytest.mark.parametrize(
    "name", ["a.JPG", ".jpg", "..jpg", "a.jpg.", "a.d/b", "a.jpg/b", "a.b.png"]
)
def test_a_suffix_is_that_of_pathlib(name: str) -> None:
    assert raw_files.has_image_suffix(name) == (
        PurePosixPath(name).suffix.lower() in raw_files.SUFFIXES
    )
