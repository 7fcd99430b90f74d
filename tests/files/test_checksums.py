import hashlib
import subprocess
from pathlib import Path

import pytest

from fairtrial import ChecksumError, DataError
from fairtrial.files import checksums
from tests.facts import refused


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_manifest_is_sorted_and_sha256sum_reads_it(tmp_path: Path) -> None:
    for name in ("b", "a c"):
        (tmp_path / name).write_text(name)
    manifest = tmp_path / "m.sha256"
    checksums.write_manifest(checksums.sha256_of(tmp_path, ["b", "a c"]), manifest)
    assert manifest.read_text() == f"{digest('a c')}  a c\n{digest('b')}  b\n"
    assert checksums.verify(tmp_path, manifest) == {"a c": digest("a c"), "b": digest("b")}
    subprocess.run(["sha256sum", "--check", "--quiet", manifest], cwd=tmp_path, check=True)


def test_comments_and_binary_marks_are_understood(tmp_path: Path) -> None:
    manifest = tmp_path / "m"
    manifest.write_text(f"# from elsewhere\n\n{digest('x').upper()} *x/y\n")
    assert checksums.read_manifest(manifest) == {"x/y": digest("x")}


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        pytest.param("abc  file\n", [":1", "`<sha256>  <path>`", "'abc  file'"], id="no SHA-256"),
        pytest.param(f"{digest('')}  a\n{digest('')}  a\n", [":2: a ", "twice"], id="a file twice"),
        pytest.param(f"{digest('')}  ../a\n", [":1", "'../a'", "not a path"], id="a file above"),
        pytest.param(f"{digest('')}  /a\n", [":1", "'/a'", "not a path"], id="an absolute path"),
    ],
)
def test_a_manifest_that_is_refused(tmp_path: Path, text: str, facts: list[str]) -> None:
    (tmp_path / "files.sha256").write_text(text)
    with refused(DataError, "files.sha256", *facts):
        checksums.read_manifest(tmp_path / "files.sha256")


def test_every_difference_is_listed(tmp_path: Path) -> None:
    (tmp_path / "changed").write_text("now")
    sums = {"changed": digest("then"), "gone": digest(""), "deep/gone": digest("")}
    checksums.write_manifest(sums, tmp_path / "m")
    with pytest.raises(ChecksumError) as error:
        checksums.verify(tmp_path, tmp_path / "m")
    lines = str(error.value).splitlines()[1:]
    assert lines == ["  deep/gone: missing", "  gone: missing", "  changed: changed"]
