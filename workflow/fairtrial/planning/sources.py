"""Read config/sources/<name>.yaml: how raw files are fetched, and how they are converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairtrial import SettingsError
from fairtrial.files import checksums
from fairtrial.files.yamlfile import closed, nearest, read_yaml
from fairtrial.planning.config_files import config_file, plugin_settings
from fairtrial.settings.source import Cleaning


def read_source(name: Any, where: str = "`source`") -> dict[str, dict[str, Any]]:
    """config/sources/<name>.yaml: the settings of `download` and, unless it holds only other
    files (as checkpoints), of `convert`; `where` says where the source is named."""
    path = config_file("sources", name, where)
    content = read_yaml(path)
    kind, form = content.pop("kind", None), content.pop("format", None)
    options = content.pop("options", {})
    cleaning = {key: content.pop(key) for key in Cleaning.model_fields if key in content}
    source = closed(plugin_settings("sources", kind, f"{path}: `kind`"), content, str(path))
    found = {"download": {"name": name, "kind": kind, **source.model_dump(mode="json")}}
    if form is not None:
        found["convert"] = {
            "format": form,
            "options": _of_format(form, options, str(path)),
            **closed(Cleaning, cleaning, str(path)).model_dump(mode="json"),
        }
    return found


def _of_format(form: Any, options: Any, where: str) -> dict[str, Any]:
    """The options of a format, and of those in its parts."""
    model = plugin_settings("formats", form, f"{where}: `format`")
    found: dict[str, Any] = closed(model, options, f"{where}: options").model_dump(mode="json")
    for part in found.get("parts", []):
        inside = f"{where}: parts: {part['folder']}"
        part["options"] = _of_format(part["format"], part["options"], inside)
    return found


def formats_used(told: dict[str, Any]) -> list[str]:
    """The format that `convert` is told to read, and those of its parts."""
    parts = told["options"].get("parts", [])
    return sorted({told["format"], *(form for part in parts for form in formats_used(part))})


def refuse_unlisted(file: str, manifest: str | None, where: str) -> None:
    """Raise SettingsError if a manifest does not name a file; without one any may be there."""
    listed = list(checksums.read_manifest(Path(manifest))) if manifest else [file]
    if file not in listed:
        raise SettingsError(f"{where}: {manifest} names no `{file}`{nearest(file, listed)}")
