import hashlib
import io
import random
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.facts import refused
from web import Web

from fairtrial import ChecksumError, DataError
from fairtrial.files import folders
from fairtrial.sources import archive

FILES = {"top/a.jpg": b"a" * 700, "top/é è/b.jpg": b"b", "top/notes.txt": b"", "top/c.jpg": b"c"}
KINDS = ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"]


def pack(path: Path, kind: str, files: dict[str, bytes]) -> Path:
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            opened.writestr("top/", "")
            for name, data in files.items():
                opened.writestr(name, data)
        return path
    with tarfile.open(path, f"w:{kind.removeprefix('tar').strip('.')}") as tar:
        tar.addfile(entry("./", tarfile.DIRTYPE))
        for name, data in files.items():
            tar.addfile(entry(f"./{name}", size=len(data)), io.BytesIO(data))
    return path


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> Any:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


def take(path: Path | str, tmp_path: Path, **settings: object) -> dict[str, bytes]:
    target = tmp_path / f"raw{len(list(tmp_path.glob('raw*')))}"
    target.mkdir()
    options = archive.Settings.model_validate({"archive": str(path), "wait": 0, **settings})
    archive.fetch(options, "mine", target, tmp_path / "downloads")
    assert not any(taken.is_symlink() for taken in target.rglob("*"))
    return {name: (target / name).read_bytes() for name in folders.files_below(target)}


def written(path: Path, members: list[Any]) -> Path:
    """A tar of these members as they are."""
    with tarfile.open(path, "w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return path


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_all_files_whatever_its_name(self, kind: str, tmp_path: Path) -> None:
        assert take(pack(tmp_path / "data.bin", kind, FILES), tmp_path) == FILES

    def test_only_what_is_included_or_in_the_manifest(self, kind: str, tmp_path: Path) -> None:
        path = pack(tmp_path / "some", kind, FILES)
        assert sorted(take(path, tmp_path, include=["*/b.jpg", "*.txt"])) == [
            "top/notes.txt",
            "top/é è/b.jpg",
        ]
        manifest = tmp_path / "m"
        manifest.write_text(f"{hashlib.sha256(b'b').hexdigest()}  top/é è/b.jpg\n")
        assert take(path, tmp_path, manifest=str(manifest)) == {"top/é è/b.jpg": b"b"}
        manifest.write_text(f"{'0' * 64}  top/c.jpg\n{'0' * 64}  top/gone.jpg\n")
        with refused(ChecksumError, str(manifest), "top/gone.jpg: missing", "top/c.jpg: changed"):
            take(path, tmp_path, manifest=str(manifest))

    def test_more_than_it_may_hold(self, kind: str, tmp_path: Path) -> None:
        """Ten million zeros in some kilobytes; written is no more than what is allowed."""
        path = pack(tmp_path / "bomb", kind, {"a": bytes(500_000), "b": bytes(10_000_000)})
        with refused(DataError, "mine", "bomb: ", "more than 0.002 GB", "`largest`"):
            take(path, tmp_path, largest=0.002)
        assert sum(p.stat().st_size for p in (tmp_path / "raw0").rglob("?")) <= 2_000_000

    def test_many_empty_files(self, kind: str, tmp_path: Path) -> None:
        path = pack(tmp_path / "many", kind, {f"{n}": b"" for n in range(60)})
        with refused(DataError, "mine", "many: ", "more than 0.0002048 GB", "`largest`"):
            take(path, tmp_path, largest=50 * 4096 / 1e9)

    def test_a_name_that_leads_out(self, kind: str, tmp_path: Path) -> None:
        for name in ("../out", "/etc/out", "a/../../out", "a\\..\\..\\out"):
            path = pack(tmp_path / "bad", kind, {"fine": b"x", name: b"x"})
            if kind != "zip":  # names are written as given, without the ./
                path = written(path, [entry("fine"), entry(name, size=1)])
            with refused(DataError, "mine", "bad: ", repr(name), "not a path below its folder"):
                take(path, tmp_path)
        assert not (tmp_path / "out").exists()

    def test_no_cut_passes(self, kind: str, tmp_path: Path) -> None:
        whole = pack(tmp_path / "whole", kind, FILES).read_bytes()
        lengths = set(random.Random(0).sample(range(len(whole)), 40))
        lengths |= {len(whole) - 1, len(whole) - 4, *range(0, len(whole), 512)}
        if kind == "tar":  # behind its first block of zeros nothing is missed
            lengths = {n for n in lengths if n < -(-len(whole.rstrip(b"\0")) // 512) * 512 + 512}
        for length in sorted(lengths):
            (tmp_path / "cut").write_bytes(whole[:length])
            with refused(DataError, "mine", "cut: "):
                take(tmp_path / "cut", tmp_path)

    def test_a_changed_byte_is_an_error_or_changes_no_place(
        self, kind: str, tmp_path: Path
    ) -> None:
        """Never an exception of another kind, and never a file elsewhere."""
        whole = pack(tmp_path / "whole", kind, FILES).read_bytes()
        chance = random.Random(1)
        for number in range(60):
            data = bytearray(whole)
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            (tmp_path / "odd").write_bytes(data)
            try:
                take(tmp_path / "odd", tmp_path)
            except DataError:
                assert number >= 0
        assert {path.name[:3] for path in tmp_path.iterdir()} <= {"raw", "odd", "who"}


OUTSIDE = ["the link to", "leaves the folder"]
NO_FILE = ["in/odd", "neither file, folder nor link"]


@pytest.mark.parametrize(
    ("kind", "target", "facts"),
    [
        pytest.param(tarfile.SYMTYPE, "/etc/passwd", OUTSIDE, id="a link elsewhere"),
        pytest.param(tarfile.SYMTYPE, "../../secret", OUTSIDE, id="a link above"),
        pytest.param(tarfile.LNKTYPE, "../secret", OUTSIDE, id="a hard link above"),
        pytest.param(tarfile.LNKTYPE, "/etc/passwd", OUTSIDE, id="a hard link elsewhere"),
        pytest.param(tarfile.SYMTYPE, "gone", ["in/odd", "no file in it"], id="a link to nothing"),
        pytest.param(tarfile.SYMTYPE, "..", ["'.'", "not a path below"], id="a link to the folder"),
        pytest.param(tarfile.CHRTYPE, "", NO_FILE, id="a character device"),
        pytest.param(tarfile.BLKTYPE, "", NO_FILE, id="a block device"),
        pytest.param(tarfile.FIFOTYPE, "", NO_FILE, id="a pipe"),
    ],
)
def test_links_out_of_it_and_devices_are_refused(
    tmp_path: Path, kind: bytes, target: str, facts: list[str]
) -> None:
    (tmp_path / "secret").write_text("secret")
    path = written(tmp_path / "a.tar", [entry("in/fine", size=1), entry("in/odd", kind, target)])
    named = [] if target == ".." else [target]  # that one is named as what it leads to, `.`
    with refused(DataError, "mine", "a.tar: ", *named, *facts):
        take(path, tmp_path)


def test_links_within_become_copies(tmp_path: Path) -> None:
    members = [
        entry("first", tarfile.SYMTYPE, "in/second"),  # before what it leads to
        entry("in/second", tarfile.SYMTYPE, "../file"),
        entry("file", size=3),
        entry("in/hard", tarfile.LNKTYPE, "file"),
    ]
    files = take(written(tmp_path / "a.tar", members), tmp_path)
    assert files == dict.fromkeys(("first", "file", "in/hard", "in/second"), b"xxx")


def test_a_link_in_a_circle_and_a_file_below_a_link(tmp_path: Path) -> None:
    circle = [entry("a", tarfile.SYMTYPE, "b"), entry("b", tarfile.SYMTYPE, "a")]
    with refused(DataError, "circle: ", "a link to b", "no file in it"):
        take(written(tmp_path / "circle", circle), tmp_path)
    out = [entry("a", tarfile.SYMTYPE, "c"), entry("a/x", size=1), entry("c", size=1)]
    with refused(DataError, "mine", "below: ", "a is in it twice"):
        take(written(tmp_path / "below", out), tmp_path)


@pytest.mark.parametrize(
    ("mode", "content", "facts"),
    [
        pytest.param(stat.S_IFLNK | 0o777, "../../etc/passwd", OUTSIDE, id="a link elsewhere"),
        pytest.param(stat.S_IFIFO, "", NO_FILE, id="a pipe"),
    ],
)
def test_links_and_others_in_a_zip(
    tmp_path: Path, mode: int, content: str, facts: list[str]
) -> None:
    info = zipfile.ZipInfo("in/odd")
    info.external_attr = mode << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(info, content)
    with refused(DataError, "mine", "a.zip: ", "in/odd", content, *facts):
        take(tmp_path / "a.zip", tmp_path)


def double(path: Path) -> None:
    written(path, [entry("a", size=1), entry("b", size=1), entry("a", size=2)])


def file_and_folder(path: Path) -> None:
    written(path, [entry("a", size=1), entry("a/b", size=1)])


def encrypted(path: Path) -> None:
    data = bytearray(pack(path, "zip", {"a": b"x"}).read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)


def seven_zip(path: Path) -> None:
    path.write_bytes(b"7z\xbc\xaf'\x1c rest")


@pytest.mark.parametrize(
    ("make", "facts"),
    [
        pytest.param(double, [": a ", "twice"], id="two of a name"),
        pytest.param(file_and_folder, [": a/b ", "as file and as folder"], id="file and folder"),
        pytest.param(encrypted, [": a ", "encrypted"], id="encrypted"),
        pytest.param(seven_zip, ["neither zip nor tar", "truncated"], id="7z"),
        pytest.param(Path.touch, ["neither zip nor tar", "truncated"], id="empty"),
        pytest.param(lambda path: None, ["no file", "(archive)"], id="none"),
    ],
)
def test_other_archives_are_refused(
    tmp_path: Path, make: Callable[[Path], object], facts: list[str]
) -> None:
    make(tmp_path / "some")
    with refused(DataError, "mine", str(tmp_path / "some"), *facts):
        take(tmp_path / "some", tmp_path)


def test_a_tar_that_ends_in_a_zip_is_a_tar(tmp_path: Path) -> None:
    inner = pack(tmp_path / "inner", "zip", {"a": b"x"}).read_bytes()
    assert take(pack(tmp_path / "a", "tar", {"inner.zip": inner}), tmp_path) == {"inner.zip": inner}


def test_an_archive_on_this_machine_may_have_a_sha256(tmp_path: Path) -> None:
    path = pack(tmp_path / "some.zip", "zip", FILES)
    assert take(path, tmp_path, sha256=hashlib.sha256(path.read_bytes()).hexdigest()) == FILES
    with refused(ChecksumError, "mine", "some.zip: wrong content", "SHA-256", "0" * 64):
        take(path, tmp_path, sha256="0" * 64)


@pytest.mark.parametrize("fault", [500, "cut", "short", "wrong"], ids="fault {}".format)
def test_an_archive_of_a_server_is_fetched_once(tmp_path: Path, fault: int | str) -> None:
    path = pack(tmp_path / "some.zip", "zip", FILES)
    web = Web({"data/some%20files.zip?x=1": path.read_bytes()})
    web.faults = {"data/some%20files.zip?x=1": [fault]}
    options = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "tries": 2}
    for number in (2, 2):
        assert take(f"{web.address}/data/some%20files.zip?x=1", tmp_path, **options) == FILES
        assert len(web.log) == number
    web.close()


def test_an_archive_of_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mirror/mine").mkdir(parents=True)
    path = pack(tmp_path / "mirror/mine/some files.zip", "zip", FILES)
    monkeypatch.setenv("FAIRTRIAL_MIRROR", str(tmp_path / "mirror"))
    address = "http://127.0.0.1:1/never/some%20files.zip"
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert take(address, tmp_path, sha256=sha256) == FILES


@pytest.mark.parametrize(
    ("settings", "facts"),
    [
        pytest.param(
            *({"archive": "https://example.org/a.zip"}, ["`sha256`", "https://example.org/a.zip"]),
            id="an address without a SHA-256",
        ),
        pytest.param(
            {"archive": "https://example.org/", "sha256": "0" * 64},
            ["`archive`", "no file"],
            id="an address of no file",
        ),
        pytest.param(
            {"archive": "a.zip", "sha256": "abc"}, ["sha256", "'abc'"], id="a short SHA-256"
        ),
        pytest.param(
            {"archive": "a.zip", "largest": 0}, ["largest", "greater than 0"], id="no size"
        ),
    ],
)
def test_settings_that_cannot_be_meant(settings: dict[str, object], facts: list[str]) -> None:
    with refused(ValidationError, *facts):
        archive.Settings.model_validate(settings)
