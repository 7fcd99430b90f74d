"""The three files that `new` writes."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fairtrial import SettingsError
from fairtrial.commands._new_reading import Reading
from fairtrial.commands._new_split import SplitChoice, split_choice
from fairtrial.data.dataset import Task
from fairtrial.files.folders import whole_file
from fairtrial.files.yamlfile import NAME
from fairtrial.formats._recognition import Likeness, Listing

CONFIG = Path("config")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./ -]*[A-Za-z0-9_/.-]|[A-Za-z_]")
_WORDS = {"true", "false", "null", "True", "False", "Null", "TRUE", "FALSE", "NULL"}


@dataclass(frozen=True)
class NewExperiment:
    """What the three files say."""

    name: str
    source: Mapping[str, object]  # where the files come from
    format: str
    likeness: Likeness
    split: SplitChoice
    task: Task
    imgsz: int
    defects: Mapping[str, str]

    @classmethod
    def of(
        cls,
        name: str,
        place: Path,
        folder: Path,
        format: str,
        likeness: Likeness,
        reading: Reading,
    ) -> NewExperiment:
        """An experiment on what lies at `place`, which was read from `folder`."""
        total = len(reading.dataset.images) + reading.without_image
        defects = {}
        if reading.without_image > 0.05 * total:
            defects["label_without_image"] = "keep"
        task, path = reading.dataset.task, _in_project(place)
        return cls(
            name,
            {"kind": "local", "path": path}
            if place.is_dir()
            else {"kind": "archive", "archive": path},
            format,
            likeness,
            split_choice(reading.dataset),
            task,
            _image_size(folder, reading, task),
            defects,
        )


def file_name(place: Path) -> str:
    """A name for files, from that of a folder or archive."""
    stem = (
        re.sub(r"(\.tar)?\.\w{1,4}$", "", place.name) if place.is_file() else place.resolve().name
    )
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-")[:60]
    if not plain:
        raise SettingsError(f"{place}: gives no name for files; choose one by --name")
    return plain


def refuse_existing(name: str) -> None:
    """Raise SettingsError where one of the files is there already, or the name cannot be theirs."""
    if not re.match(NAME, name):
        raise SettingsError(f"--name: {name!r} may hold only letters, digits and ._-")
    if not CONFIG.is_dir():
        raise SettingsError("there is no folder config/ here; call it in the folder of the project")
    if there := [str(path) for path in _paths(name) if path.exists()]:
        raise SettingsError(f"{', '.join(there)}: exists; choose another name by --name")


def write_files(experiment: NewExperiment) -> list[Path]:
    """Write the files. Returns their paths."""
    paths = _paths(experiment.name)
    texts = (_source(experiment), _dataset(experiment), _experiment(experiment))
    for path, text in zip(paths, texts, strict=True):
        schema = f"../../workflow/schemas/{path.parent.name.removesuffix('s')}.json"
        with whole_file(path) as file:
            file.write(f"# yaml-language-server: $schema={schema}\n{text}")
    return paths


def _paths(name: str) -> list[Path]:
    return [CONFIG / kind / f"{name}.yaml" for kind in ("sources", "datasets", "experiments")]


def _in_project(place: Path) -> str:
    """The path of a folder: as in the project where it lies below it, else absolute."""
    absolute = place.absolute()
    if absolute.is_relative_to(Path.cwd()):
        return absolute.relative_to(Path.cwd()).as_posix()
    return absolute.as_posix()


def _image_size(folder: Path, reading: Reading, task: Task) -> int:
    """The side to which images are scaled: a multiple of 32 about their own, but not large."""
    names = [image.file_name for image in reading.dataset.images]
    step = max(1, len(names) // 50)
    listing = Listing(folder)
    sizes = [size for name in names[::step] if (size := listing.size_of(name)) is not None]
    if task == "detect":
        side = statistics.median(map(max, sizes)) if sizes else 640
        return int(min(640, max(96, -(-side // 32) * 32)))
    return int(min(224, max(32, statistics.median(map(min, sizes)) if sizes else 32)))


# --------------------------------------------------------------------------- texts


def _source(new: NewExperiment) -> str:
    lines = [
        f"# {new.name}: written by `fairtrial new`. It was recognised as {new.format}",
        f"# ({new.likeness.sure}): {new.likeness.seen}.",
        "# All keys are in config/README.md. The files are only read.",
        *(f"{key}: {_flow(value)}" for key, value in new.source.items()),
        "",
        f"format: {new.format}",
    ]
    options = dict(new.likeness.options)
    if splits := options.pop("splits", None):
        lines.append(f"splits: {_flow(splits)}")
    lines.append("options:" if options else "options: {}")
    lines += [f"  # check: {note}" for note in new.likeness.notes]
    for key, value in options.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"  {key}:", *(f"    - {_flow(row)}" for row in value)]
        else:
            lines.append(f"  {key}: {_flow(value)}")
    if new.defects:
        lines += ["", "# what is done about defects, instead of their defaults", "defects:"]
        lines += [f"  {kind}: {action}" for kind, action in new.defects.items()]
    return "\n".join([*lines, ""])


def _dataset(new: NewExperiment) -> str:
    lines = [f"# The classes and splits of {new.name}.", f"source: {_flow(new.name)}"]
    if new.split.left_out:
        lines.append(f"# left out, for train has no object of it: {', '.join(new.split.left_out)}")
    if new.split.classes is not None:
        lines += ["classes:", *(f"  - {_flow(name)}" for name in new.split.classes)]
    lines += [*(f"# {line}" for line in new.split.why), "split:"]
    lines += [f"  {key}: {_flow(value)}" for key, value in new.split.rule.items()]
    return "\n".join([*lines, ""])


def _experiment(new: NewExperiment) -> str:
    base: dict[str, object] = {"dataset": new.name}
    if new.task == "detect":
        base |= {"backend": "ultralytics", "imgsz": new.imgsz, "epochs": 50, "batch": 16}
        runs = {"small": {"model": "yolov8n"}, "large": {"model": "yolov8s"}}
        question = "Two sizes of YOLOv8 from scratch, each trained with three seeds."
    else:
        base |= {"backend": "networks", "imgsz": new.imgsz, "epochs": 30, "batch": 32, "lr0": 0.001}
        runs = {"cnn": {"model": "cnn"}, "resnet18": {"model": "resnet18"}}
        question = "A small network and a ResNet from scratch, each trained with three seeds."
    lines = [
        "# A first comparison, to be edited: `base` holds for all runs; what a run changes is the",
        "# question. Every other setting is that of params.yaml.",
        f"title: {_flow(f'Does a larger network help on {new.name}?')}",
        "question: >-",
        f"  {question}",
        "base:",
        *(f"  {key}: {_flow(value)}" for key, value in base.items()),
        "runs:",
        *(f"  {run}: {_flow(settings)}" for run, settings in runs.items()),
        "seeds: [0, 1, 2]",
        "",
        "# Only as far as the splits, and a report on the data:",
        f"#   snakemake data/sets/{new.name}/split.json --config experiment={new.name}",
        f"#   fairtrial data {new.name}",
    ]
    return "\n".join([*lines, ""])


def _flow(value: object) -> str:
    """A value as YAML in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
