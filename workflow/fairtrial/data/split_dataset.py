"""A data set read from its files: annotations, the certificate of its split, its images."""

from __future__ import annotations

from pathlib import Path

from fairtrial.data.certificate import read_certificate
from fairtrial.data.dataset import SplitDataset, Splits, read, with_splits
from fairtrial.data.leaks import find_leaks, refuse_leaks
from fairtrial.data.train_share import with_train_share


def read_split_dataset(annotations: Path, certificate: Path, images: Path) -> SplitDataset:
    """A data set with its splits and the folder of its images.

    Raises DataError where the files do not belong together: an image of a split is not in the
    annotations or not in the folder.
    """
    splits = read_certificate(certificate).splits
    return with_splits(read(annotations), splits, images, str(certificate))


def read_training_splits(annotations: Path, certificate: Path, train_share: float) -> Splits:
    """The splits of a data set with a share of the images in train. Reads the annotations only
    where the share is below 1. Raises DataError where it leaves no object."""
    content = read_certificate(certificate)
    if train_share == 1:
        return content.splits
    return with_train_share(read(annotations), content, train_share, str(certificate))


def read_leak_free_dataset(
    annotations: Path, certificate: Path, images: Path, train_share: float = 1.0
) -> SplitDataset:
    """A data set for training, with a share of the images in train. Raises DataError, beside what
    `read_split_dataset` and `read_training_splits` refuse, for a leak that is not allowed, since
    metrics of a model trained on it would be too good."""
    content, dataset = read_certificate(certificate), read(annotations)
    leaks = find_leaks(dataset.images, content.labelled, content.near)
    refuse_leaks(leaks, content.allow, str(certificate))
    splits = with_train_share(dataset, content, train_share, str(certificate))
    return with_splits(dataset, splits, images, str(certificate))
