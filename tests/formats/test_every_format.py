"""What every format of boxes promises. test_every_labelling.py has those of classes, and sees
that none is left out."""

import subprocess
import sys
from pathlib import Path

import pytest
from contract import OfEveryFormat
from tests.facts import refused
from written import BROKEN, WRITERS, Scene

from fairtrial import DataError, SettingsError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import Defect, UnannotatedImage
from fairtrial.files import checksums, folders
from fairtrial.formats._split_sources import read_in_splits
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
        given = scene.splits if writer.splits else {}
        if UnannotatedImage in writer.reports:  # what no row names is in no split
            named = {stem for stem in stems if any(o[0] == stem for o in scene.objects)}
            given = {stem: split for stem, split in given.items() if stem in named}
        assert {stem: i.split for stem, i in stems.items() if i.split} == given
        stated = {s: (i.width, i.height) for s, i in stems.items() if i.width}
        assert stated.items() <= scene.images.items()
        for image in dataset.images:
            assert (tmp_path / "raw" / image.file_name).is_file()

    def test_reads_a_folder_for_each_split(self, name: str, tmp_path: Path) -> None:
        """Whatever splits the format itself gives; classes of one name are one class."""
        scenes = {
            "train": Scene(),
            "test": Scene(objects=[("b", "dog", (10.0, 25.0, 5.0, 50.0))]),
        }
        form, places = plugin("formats", name), {"train": "train", "test": "Test set"}
        options = [WRITERS[name].write(s, tmp_path / places[k]) for k, s in scenes.items()]
        if options[0] != options[1]:
            pytest.skip("the options name the classes, which differ")
        dataset, _ = read_in_splits(form, tmp_path, options[0], places)
        for split, scene in scenes.items():
            images = [image for image in dataset.images if image.split == split]
            assert all(i.file_name.startswith(f"{places[split]}/") for i in images)
            assert {Path(i.file_name).stem for i in images} == set(scene.images)
            assert all((tmp_path / image.file_name).is_file() for image in images)
            ids = {image.id for image in images}
            objects = [a for a in dataset.annotations if a.image_id in ids]
            part = Dataset(images, objects, dataset.categories)
            assert seen(part, scene) == set(scene.objects)

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


@pytest.mark.parametrize("name", [name for name, writer in WRITERS.items() if writer.crowds])
def test_crowd_regions_are_crowds(name: str, tmp_path: Path) -> None:
    scene = Scene(crowds=frozenset({1, 3}))
    dataset = read_written(name, scene, tmp_path)[0]
    crowds = Dataset(dataset.images, [a for a in dataset.annotations if a.iscrowd])
    crowds.categories = dataset.categories
    assert seen(crowds, scene) == {scene.objects[1], scene.objects[3]}
    assert len(dataset.annotations) == len(scene.objects)


# the option belongs to the formats of the contributors
@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"contributors"}))
def test_an_ignored_class_is_a_crowd_region_of_each_other(name: str, tmp_path: Path) -> None:
    module = plugin("formats", name)
    scene, written = Scene(), WRITERS[name].write(Scene(), tmp_path)
    dataset, _ = module.read(tmp_path, module.Settings(**written, ignore=["cat"]))
    assert sorted(dataset.categories.values()) == ["dog", "owl"]
    ignored = [(image, box) for image, kind, box in scene.objects if kind == "cat"]
    rest = [placed for placed in scene.objects if placed[1] != "cat"]
    both = [(image, kind, box) for image, box in ignored for kind in ("dog", "owl")]
    assert seen(dataset, scene) == {*rest, *both}
    assert [a.iscrowd for a in dataset.annotations].count(True) == len(both)
    with refused(DataError, "`cot`", "cat, dog, owl"):
        module.read(tmp_path, module.Settings(**written, ignore=["cot"]))


def test_an_unknown_format_is_refused_with_the_formats_there_are() -> None:
    with refused(SettingsError, "`csv`", *plugins("formats")):
        plugin("formats", "csv")
