"""batch: the first batch of one run's training, with its augmentation; nothing is trained."""

from __future__ import annotations

from pathlib import Path

from fairtrial.data.seen_images import with_unchanged_images
from fairtrial.data.split_dataset import read_leak_free_dataset
from fairtrial.files.modelfile import write_model
from fairtrial.plugins import plugin
from fairtrial.settings.stages import TrainSettings
from fairtrial.stages.predict import device_name
from fairtrial.training.cached_training import backend_settings
from fairtrial.training.first_batch import kept


def batch(
    *,
    settings: TrainSettings,
    images: Path,
    annotations: Path,
    split: Path,
    threads: int,
    first: Path,
) -> None:
    """Load the first batch of a training, augmented as it was there.

    A job of its own goes the training's way up to the first step, with the same settings and seed;
    so the training itself is not touched.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        images: the folder of images
        annotations: the data set's annotations
        split: the data set's split certificate
        threads: CPU threads
        first: file to write: the images of the batch, with boxes or classes

    Raises:
        DataError: the split leaks, or an image was changed since `convert` wrote it
    """
    resolved = backend_settings(settings.backend, settings.settings)
    share = resolved.train_share
    data = with_unchanged_images(read_leak_free_dataset(annotations, split, images, share))
    seen = plugin("backends", settings.backend).first_batch(resolved, data, threads)
    write_model(first, kept(seen, device_name()))
