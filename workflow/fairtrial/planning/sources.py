"""Read config/sources/<name>.yaml: how raw files are fetched, and how they are converted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairtrial import SettingsError
from fairtrial.files import checksums, snapshot
from fairtrial.files.yamlfile import closed, nearest, read_yaml
from fairtrial.planning.config_files import config_file, plugin_settings
from fairtrial.settings.source import SourceTerms, TrustedCheckpoint
from fairtrial.settings.stages import ConvertSettings, DownloadSettings


@dataclass(frozen=True)
class Source:
    """config/sources/<name>.yaml: the settings of `download` and of `convert`.

    convert: None for a source without images, such as one of checkpoints; trusted: the SHA-256 of
    checkpoints that may hold anything, by file; terms: on which its images are used.
    """

    download: DownloadSettings
    convert: ConvertSettings | None
    trusted: dict[str, str] = field(default_factory=dict)
    terms: SourceTerms = field(default_factory=SourceTerms)

    @property
    def manifest(self) -> str | None:
        """The tracked manifest that its files are checked against, if it has one."""
        manifest: str | None = self.download.settings.get("manifest")
        return manifest

    @property
    def listed(self) -> list[str]:
        """The manifest as inputs of `download`: one file, or none."""
        return [self.manifest] if self.manifest else []


def read_source(name: Any, where: str = "`source`") -> Source:
    """config/sources/<name>.yaml; `where` says where the source is named."""
    path = config_file("sources", name, where)
    content = read_yaml(snapshot.root() / path, str(path))
    kind = content.pop("kind", None)
    trusted = _trusted(content.pop("checkpoints", {}), content.get("manifest"), str(path))
    terms = {key: content.pop(key) for key in SourceTerms.model_fields if key in content}
    agreed = closed(SourceTerms, terms, str(path))
    annotations = {key: content.pop(key) for key in ConvertSettings.model_fields if key in content}
    model = plugin_settings("sources", kind, f"{path}: `kind`")
    if "exclude" in annotations and "exclude" in model.model_fields:
        content["exclude"] = annotations["exclude"]  # such files are not even fetched
    settings = closed(model, content, str(path)).model_dump(mode="json")
    download = DownloadSettings(name=name, kind=kind, settings=settings)
    if annotations.get("format") is None:
        return Source(download, None, trusted, agreed)
    options = _of_format(annotations["format"], annotations.get("options", {}), str(path))
    convert = closed(ConvertSettings, annotations | {"options": options}, str(path))
    return Source(download, convert, trusted, agreed)


def may_share(name: str) -> bool:
    """Whether the images of a source may be handed on; not those of one that is not here."""
    if not (snapshot.root() / "config/sources" / f"{name}.yaml").is_file():
        return False
    return read_source(name).terms.share


def _trusted(checkpoints: Any, manifest: str | None, path: str) -> dict[str, str]:
    """The SHA-256 of trusted checkpoints by file, from the key `checkpoints` of a source."""
    where = f"{path}: `checkpoints`"
    if not isinstance(checkpoints, dict):
        raise SettingsError(f"{where}: must be a mapping of files, each to `sha256` and `trust`")
    for file in checkpoints:
        refuse_unlisted(str(file), manifest, where)
    return {
        file: closed(TrustedCheckpoint, entry, f"{where}: {file}").sha256
        for file, entry in checkpoints.items()
    }


def _of_format(form: Any, options: Any, where: str) -> dict[str, Any]:
    """The checked options of a format, and in its `parts` those of their formats."""
    model = plugin_settings("formats", form, f"{where}: `format`")
    if isinstance(options, dict) and "splits" in options and "splits" in model.model_fields:
        raise SettingsError(
            f"{where}: options: `splits` is a key of every format: write it beside `format`"
        )
    checked = closed(model, options, f"{where}: options").model_dump(mode="json")
    for part in checked.get("parts", []):
        inside = f"{where}: parts: {part['folder']}"
        part["options"] = _of_format(part["format"], part["options"], inside)
    return checked


def formats_used(form: str, options: dict[str, Any]) -> list[str]:
    """A format, and those of its parts."""
    parts = options.get("parts", [])
    inner = [name for part in parts for name in formats_used(part["format"], part["options"])]
    return sorted({form, *inner})


def refuse_unlisted(file: str, manifest: str | None, where: str) -> None:
    """Raise SettingsError if there is a manifest and it does not name `file`, or files below it."""
    listed = list(checksums.read_manifest(Path(manifest))) if manifest else [file]
    if file not in listed and not any(name.startswith(f"{file}/") for name in listed):
        raise SettingsError(f"{where}: {manifest} names no `{file}`{nearest(file, listed)}")
