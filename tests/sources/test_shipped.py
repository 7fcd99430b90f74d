"""The sources that are shipped: config/sources/*.yaml."""

from pathlib import Path

import pytest

from fairtrial.files import checksums
from fairtrial.planning.sources import read_source
from fairtrial.plugins import plugin

PROJECT = Path(__file__).parents[2]
SHIPPED = sorted((PROJECT / "config" / "sources").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_its_settings_are_valid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    source = read_source(path.stem)
    if source.convert:
        plugin("formats", source.convert.format).Settings(**source.convert.options)
    if source.manifest:
        assert checksums.read_manifest(PROJECT / source.manifest)


def test_each_manifest_belongs_to_a_source() -> None:
    manifests = {path.stem for path in (PROJECT / "config" / "sources").glob("*.sha256")}
    assert manifests <= {path.stem for path in SHIPPED}
