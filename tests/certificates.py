"""A split.json for tests that are about something else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fairtrial.data.certificate import PlacedCluster, PlacedDuplicates, SplitCertificate
from fairtrial.files.modelfile import write_model


def certificate(
    train: Sequence[int] = (),
    val: Sequence[int] = (),
    test: Sequence[int] = (),
    *,
    source: str = "cells",
    allow: Sequence[str] = (),
    near: Sequence[list[int]] = (),
) -> SplitCertificate:
    """A certificate that says of the images only in which split they are."""
    clusters = [PlacedCluster(images=ids, splits=[]) for ids in near]
    return SplitCertificate(
        source=source,
        method="given",
        seed=0,
        asked={},
        allow=list(allow),
        class_map={},
        summary={},
        duplicates=PlacedDuplicates(exact=[], near=clusters, doubtful=0, doubtful_across=[]),
        leaks={},
        without_split=0,
        balance=None,
        train=list(train),
        val=list(val),
        test=list(test),
    )


def write_certificate(
    path: Path, train: Sequence[int] = (), val: Sequence[int] = (), test: Sequence[int] = ()
) -> None:
    """Write a split.json with these images in the splits."""
    write_model(path, certificate(train, val, test))
