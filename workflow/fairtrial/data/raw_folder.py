"""The raw folder of a source, checked against its manifest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fairtrial.data.raw_files import FileIndex, has_image_suffix
from fairtrial.files import checksums


@dataclass(frozen=True)
class RawFolder:
    """The raw folder of a source, and the SHA-256 of each file that its manifest names."""

    folder: Path
    manifest: Path
    sha256: dict[str, str]

    @classmethod
    def verified(cls, folder: Path, manifest: Path) -> RawFolder:
        """Raise ChecksumError unless the files are those of the manifest.

        Of images only their presence is checked here, their content when they are cleaned: so
        each is read once.
        """
        expected = checksums.read_manifest(manifest)
        images = {name for name in expected if has_image_suffix(name)}
        others = [name for name in expected if name not in images]
        wrong = checksums.changed(folder, expected, others)
        wrong += [n for n in expected if n in images and not (folder / n).is_file()]
        raw = cls(folder, manifest, expected)
        raw.refuse(wrong)
        return raw

    def meant(self, names: Iterable[str]) -> dict[str, str]:
        """What is there instead of each of the files that are not there."""
        missing = [name for name in names if name not in self.sha256]
        index = FileIndex(self.sha256) if missing else None
        there = {name: index.meant(name) if index else [] for name in missing}
        return {name: f"there is {', '.join(f[:3])}" if f else "" for name, f in there.items()}

    def refuse(self, wrong: list[str]) -> None:
        """Raise ChecksumError if any of the files is wrong."""
        checksums.refuse_changed(self.folder, self.manifest, wrong, len(self.sha256))
