"""What a training reads, by content: part of its key in the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fairtrial import ChecksumError
from fairtrial.data.dataset import Splits
from fairtrial.files import checksums
from fairtrial.store import keys


@dataclass(frozen=True)
class TrainingInputs:
    """What a training reads, whatever the files are called.

    annotations: SHA-256 of annotations.json; split: a key of the splits; pretrained: SHA-256 of the
    pretrained checkpoint, None from scratch; continues: the store's key of the training that
    this one goes on from, or None.
    """

    annotations: str
    split: str
    pretrained: str | None = None
    continues: str | None = None


def inputs_of(
    annotations: Path, splits: Splits, pretrained: Path | None, continues: str | None = None
) -> TrainingInputs:
    """The inputs of a training on these files and splits. Reads all files.

    Raises ChecksumError for a checkpoint that is not the one of its source's manifest.
    """
    return TrainingInputs(
        annotations=checksums.sha256(annotations),
        split=keys.key(splits),
        pretrained=_checked(pretrained) if pretrained else None,
        continues=continues,
    )


def _checked(pretrained: Path) -> str:
    """The SHA-256 of a checkpoint. Raises ChecksumError where the manifest of its source, which
    stands beside the folder, has another one."""
    found = checksums.sha256(pretrained)
    for folder in pretrained.parents:
        manifest = folder.parent / f"{folder.name}.sha256"
        if manifest.is_file():
            name = pretrained.relative_to(folder).as_posix()
            if checksums.read_manifest(manifest).get(name) != found:
                raise ChecksumError(
                    f"{pretrained}: changed; it is not the file of {manifest}. "
                    f"`snakemake --forcerun {manifest}` obtains it again"
                )
    return found
