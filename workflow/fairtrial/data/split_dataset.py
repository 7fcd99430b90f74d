"""A data set read from its files: annotations, the certificate of its split, its images."""

from __future__ import annotations

from pathlib import Path

from fairtrial.data.certificate import read_certificate
from fairtrial.data.dataset import SplitDataset, read, with_splits
from fairtrial.data.leaks import find_leaks, refuse_leaks


def read_split_dataset(annotations: Path, certificate: Path, images: Path) -> SplitDataset:
    """A data set with its splits and the folder of its images.

    Raises DataError where the files do not belong together: an image of a split is not in the
    annotations or not in the folder.
    """
    splits = read_certificate(certificate).splits
    return with_splits(read(annotations), splits, images, str(certificate))


def read_leak_free_dataset(annotations: Path, certificate: Path, images: Path) -> SplitDataset:
    """A data set for training. Raises DataError, beside what `read_split_dataset` refuses, for
    a leak that is not allowed, since metrics of a model trained on it would be too good."""
    content = read_certificate(certificate)
    data = with_splits(read(annotations), content.splits, images, str(certificate))
    leaks = find_leaks(data.dataset.images, data.splits, content.near)
    refuse_leaks(leaks, content.allow, str(certificate))
    return data
