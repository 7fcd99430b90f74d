"""config/sources/<name>.yaml: where raw files come from, and how they are converted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from fairtrial import SettingsError
from fairtrial.data.defects import KINDS
from fairtrial.files import checksums
from fairtrial.files.yamlfile import Closed, closed, nearest, read_yaml
from fairtrial.planning.settings import config_file, plugin_settings


class Cleaning(Closed):
    """The part of config/sources/<name>.yaml that belongs to every format."""

    max_dropped: Annotated[float, Field(ge=0, le=1)] = 0.05  # share of unusable images borne
    defects: dict[str, str] = Field(default_factory=dict)  # another action than a kind's own
    # On which pixels boxes of images that EXIF turns were drawn, where no size tells.
    drawn_on: Literal["shown", "stored"] | None = None

    @field_validator("defects")
    @classmethod
    def _possible(cls, defects: dict[str, str]) -> dict[str, str]:
        for kind, action in defects.items():
            if kind not in KINDS:
                raise ValueError(f"`{kind}` is no kind of defect{nearest(kind, list(KINDS))}")
            if action not in KINDS[kind].actions:
                possible = list(KINDS[kind].actions)
                raise ValueError(f"{kind}: cannot `{action}`{nearest(action, possible)}")
        return defects


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
