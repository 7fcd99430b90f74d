"""The sources that are shipped: config/sources/*.yaml."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from fairtrial.files import checksums
from fairtrial.plugins import plugin
from fairtrial.settings.stages import ConvertSettings

PROJECT = Path(__file__).parents[2]
SHIPPED = sorted((PROJECT / "config" / "sources").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_its_settings_are_valid(path: Path) -> None:
    content: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text())
    convert = {key: content.pop(key) for key in ConvertSettings.model_fields if key in content}
    settings = plugin("sources", content.pop("kind")).Settings(**content)
    if convert:
        conversion = ConvertSettings(**convert)
        plugin("formats", conversion.format).Settings(**conversion.options)
    if getattr(settings, "manifest", None):
        assert checksums.read_manifest(PROJECT / settings.manifest)


def test_each_manifest_belongs_to_a_source() -> None:
    manifests = {path.stem for path in (PROJECT / "config" / "sources").glob("*.sha256")}
    assert manifests <= {path.stem for path in SHIPPED}
