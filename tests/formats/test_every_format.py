"""What every format of boxes promises. test_every_labelling.py has those of classes, and sees
that none is left out."""

import subprocess
import sys
from pathlib import Path

import pytest
from contract import OfEveryFormat
from tests.facts import refused
from written import BROKEN, WRITERS, Scene

from fairtrial import SettingsError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import Defect
from fairtrial.files import checksums, folders
from fairtrial.plugins import plugin, plugins

HEAVY = {"torch", "ultralytics", "numpy", "pandas", "PIL", "httpx", "tqdm", "defusedxml"}


def seen(dataset: Dataset, scene: Scene) -> set[tuple[object, ...]]:
    """Objects as (image, class, box in pixels): without the format's own numbers and units."""
    result = set()
    images = {image.id: image for image in dataset.images}
    for a in dataset.annotations:
        image = images[a.image_id]
        stem = Path(image.file_name).stem
        unit = scene.images[stem] if image.relative else (1, 1)
        box = tuple(round(v * unit[at % 2], 6) for at, v in enumerate(a.bbox or ()))
        result.add((stem, dataset.categories[a.category_id], box))
    return result


def read_written(name: str, scene: Scene, folder: Path) -> tuple[Dataset, list[Defect]]:
    """What a format's reader makes of a scene that its writer has written into `folder`."""
    module = plugin("formats", name)
    options = module.Settings(**WRITERS[name].write(scene, folder))
    read: tuple[Dataset, list[Defect]] = module.read(folder, options)
    return read


@pytest.mark.parametrize("name", WRITERS)
class TestEveryFormat(OfEveryFormat):
    def test_reads_what_was_written(self, name: str, tmp_path: Path) -> None:
        scene, writer = Scene(), WRITERS[name]
        dataset, defects = read_written(name, scene, tmp_path / "raw")
        assert {type(defect) for defect in defects} <= writer.reports
        assert seen(dataset, scene) == set(scene.objects)
        assert sorted(dataset.canonical().categories.items()) == list(enumerate(scene.classes, 1))
        stems = {Path(image.file_name).stem: image for image in dataset.images}
        splits = {stem: image.split for stem, image in stems.items() if image.split}
        assert splits == (scene.splits if writer.splits else {})
        stated = {s: (i.width, i.height) for s, i in stems.items() if i.width}
        assert stated.items() <= scene.images.items()
        for image in dataset.images:
            assert (tmp_path / "raw" / image.file_name).is_file()

    def test_leaves_the_raw_folder_alone(self, name: str, tmp_path: Path) -> None:
        module = plugin("formats", name)
        options = module.Settings(**WRITERS[name].write(Scene(), tmp_path))
        before = checksums.sha256_of(tmp_path, folders.files_below(tmp_path))
        module.read(tmp_path, options)
        assert checksums.sha256_of(tmp_path, folders.files_below(tmp_path)) == before

    def test_broken_boxes_come_through_as_written(self, name: str, tmp_path: Path) -> None:
        boxes = [BROKEN[kind] for kind in BROKEN if kind in WRITERS[name].broken]
        scene = Scene(objects=[("a", "cat", box) for box in boxes])
        assert seen(read_written(name, scene, tmp_path)[0], scene) == set(scene.objects)

    def test_says_what_it_is(self, name: str) -> None:
        module = plugin("formats", name)
        assert module.__doc__ and module.read.__doc__ and module.Settings.__doc__

    def test_is_imported_without_anything_heavy(self, name: str) -> None:
        code = f"import sys, fairtrial.formats.{name}; print(*sys.modules)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert not HEAVY & set(done.stdout.split())


def test_an_unknown_format_is_refused_with_the_formats_there_are() -> None:
    with refused(SettingsError, "`csv`", *plugins("formats")):
        plugin("formats", "csv")
