"""export-data: a data set with its splits, in a format that other tools read."""

from __future__ import annotations

import json
from pathlib import Path

from fairtrial import DataError, SettingsError
from fairtrial.data.certificate import read_certificate
from fairtrial.data.dataset import SPLITS, SplitDataset
from fairtrial.data.split_dataset import read_split_dataset
from fairtrial.data.unlabelled import labelled_part
from fairtrial.files import folders
from fairtrial.plugins import plugin, plugins


def export_data(*, set: str, format: str, to: Path) -> None:
    """Write a data set in a format that other tools read.

    Images are copied, so that changing the copies changes nothing here; those without labels are
    left out. Prints the settings that read the folder as a source again.

    Args:
        set: a data set, a file in config/datasets/
        format: coco, voc or yolo for boxes; class_folders for classes of whole images
        to: the folder to write; it must be empty or not exist
    """
    tasks = {name: getattr(plugin("formats", name), "WRITES", None) for name in plugins("formats")}
    if tasks.get(format) is None:
        writers = ", ".join(name for name in tasks if tasks[name])
        raise SettingsError(f"--format: `{format}` cannot be written; {writers} can")
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise DataError(f"--to: {to} exists and is not an empty folder")
    module, data = plugin("formats", format), _read(set)
    if (task := data.dataset.task) != module.WRITES:
        has = {"detect": "boxes", "classify": "classes of whole images"}[task]
        fitting = ", ".join(name for name in tasks if tasks[name] == task)
        raise DataError(f"--set: {set} has {has}, which {format} cannot hold; {fitting} can")
    with folders.whole_folder(to) as folder:
        options = module.write(data, folder)
    _print_summary(data, module.LOSES)
    print(f"To read it again:\n\nkind: local\npath: {to}\nformat: {format}")
    if splits := options.pop("splits", None):
        print(f"splits: {json.dumps(splits)}")
    print(f"options: {json.dumps(options, ensure_ascii=False)}")


def _read(name: str) -> SplitDataset:
    """A data set of this project, without images that have no labels.

    Raises DataError, with a list of all, where it does not exist.
    """
    files = Path("data/sets", name)
    certificate = files / "split.json"
    if not certificate.is_file():
        known = sorted(path.parent.name for path in Path("data/sets").glob("*/split.json"))
        others = f"; there are {', '.join(known)}" if known else ""
        raise DataError(f"--set: there is no {certificate}: run `snakemake {certificate}`{others}")
    source = read_certificate(certificate).source
    images = Path("data/clean", source, "images")
    data = read_split_dataset(files / "annotations.json", certificate, images)
    labelled = read_certificate(certificate).labelled
    return SplitDataset(labelled_part(data.dataset), labelled, data.folder)


def _print_summary(data: SplitDataset, loses: str) -> None:
    """Print what has been exported, and what the format cannot hold (`loses`)."""
    counts = {split: len(data.splits[split]) for split in SPLITS}
    used = {number for ids in data.splits.values() for number in ids}
    objects = [a for a in data.dataset.annotations if a.image_id in used]
    crowds = sum(a.iscrowd for a in objects)
    print(", ".join(f"{count} images in {split}" for split, count in counts.items()))
    print(f"{len(objects)} objects" + (f", {crowds} of them crowd regions" if crowds else ""))
    if loses:
        print(f"Not in this format: {loses}")
