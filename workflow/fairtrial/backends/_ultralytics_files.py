"""Ultralytics' layout of a data set, its temporary folder, and its checkpoints."""

from __future__ import annotations

import copy
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from fairtrial import BackendError
from fairtrial.data.boxes import Box, shares
from fairtrial.data.dataset import Image, SplitDataset
from fairtrial.files.folders import whole_file
from fairtrial.training.unpickling import UnlistedError, unpickled

if TYPE_CHECKING:
    import torch
    from ultralytics import YOLO


def write_dataset(data: SplitDataset, place: Path) -> Path:
    """Write train and val in Ultralytics' layout: links to the images, a text file of boxes for
    each image. Returns data.yaml.

    Ultralytics writes caches beside the labels, so this lies in the job's temporary folder.
    Crowd regions are left out: they mark where there are too many objects to box.
    """
    folder = data.folder.resolve()
    for split in ("train", "val"):
        images = place / "images" / split
        images.mkdir(parents=True)
        for image in data.split(split):
            source = folder / image.file_name
            (images / (_stem(image) + source.suffix.lower())).symlink_to(source)
        write_labels(data, split, place / "labels" / split)
    names = dict(enumerate(name for _, name in sorted(data.dataset.categories.items())))
    description = {"path": str(place), "train": "images/train", "val": "images/val", "names": names}
    (place / "data.yaml").write_text(json.dumps(description), encoding="utf-8")
    return place / "data.yaml"


def write_labels(data: SplitDataset, split: str, folder: Path) -> None:
    """A text file of boxes for each image of a split, in a new folder."""
    folder.mkdir(parents=True)
    annotations = data.dataset.by_image()
    classes = {number: index for index, number in enumerate(sorted(data.dataset.categories))}
    for image in data.split(split):
        lines = [
            f"{classes[a.category_id]} {box_text(a.bbox, image)}\n"
            for a in annotations[image.id]
            if a.bbox and not a.iscrowd
        ]
        (folder / f"{_stem(image)}.txt").write_text("".join(lines), encoding="utf-8")


def _stem(image: Image) -> str:
    return f"{image.id:09d}"


def box_text(bbox: Box, image: Image) -> str:
    """Centre and size of a box as shares of the image: `x y w h`."""
    return " ".join(map(str, shares(bbox, (image.width, image.height))))


@contextmanager
def workplace() -> Iterator[Path]:
    """A temporary folder with settings and fonts for Ultralytics, to which it also writes.

    Sets environment variables of this process, so that Ultralytics neither installs nor downloads.
    Every checkpoint that Ultralytics opens meanwhile is opened by `unpickled`.
    """
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as name:
        place = Path(name)
        os.environ.update(
            YOLO_OFFLINE="1", YOLO_AUTOINSTALL="false", YOLO_CONFIG_DIR=name, YOLO_VERBOSE="true"
        )
        import matplotlib

        font = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")
        (place / "Ultralytics").mkdir()
        for font_name in ("Arial.ttf", "Arial.Unicode.ttf"):  # else it downloads them
            shutil.copy(font, place / "Ultralytics" / font_name)
        from ultralytics import settings

        settings.update({"sync": False, "dvc": False})
        from ultralytics.nn import tasks

        with mock.patch.object(tasks, "torch_safe_load", _opened):
            yield place


def _opened(weight: str | Path, safe_only: bool | None = None) -> tuple[dict[str, Any], str]:
    """A checkpoint's content and path, in place of Ultralytics' own function."""
    content = unpickled(Path(weight))
    if not isinstance(content, dict):
        raise TypeError("it holds no model by name")
    return content, str(weight)


def load(checkpoint: Path | None) -> YOLO:
    """A checkpoint as a YOLO model. Runs no code that is in it; called in a `workplace`."""
    from ultralytics import YOLO

    if checkpoint is None or not checkpoint.is_file():
        raise BackendError(f"{checkpoint}: no such checkpoint")
    try:
        return YOLO(str(checkpoint), task="detect")
    except UnlistedError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise BackendError(f"{checkpoint}: not an Ultralytics checkpoint ({reason})") from error


def save_weights(model: torch.nn.Module, path: Path) -> None:
    """Write the model alone, in half precision, without the dates and folders of a checkpoint of
    Ultralytics. `model` is not changed."""
    import torch

    model = copy.deepcopy(model).half()
    model.args = {}
    for name in ("criterion", "pt_path", "loss"):
        if name in vars(model):
            delattr(model, name)
    content = io.BytesIO()  # written by torch itself, a full disk would give an unclear error
    torch.save({"epoch": -1, "model": model, "train_args": {}}, content)
    with whole_file(path, "wb") as file:
        file.write(content.getbuffer())
