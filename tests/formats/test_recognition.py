"""Every format recognises what is written in it, and no other format is as sure."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labelled import IMAGES, LABELLERS, draw
from PIL import Image
from test_every_format import seen
from written import WRITERS, Scene

from fairtrial.data.dataset import Dataset
from fairtrial.formats._recognition import (
    SURENESS,
    Likeness,
    Listing,
    augmented_group,
    by_split,
    common_folder,
    split_of_path,
)
from fairtrial.plugins import plugin, plugins

RECOGNISED = [name for name in plugins("formats") if name != "contributors"]
BOXES = [name for name in WRITERS if name in RECOGNISED]
# the option `classes` cannot be recognised, for a class without object leaves no trace
UNSEEN = {"classes"}


def likenesses(folder: Path) -> dict[str, Likeness]:
    listing = Listing(folder)
    found = {name: plugin("formats", name).recognise(listing) for name in RECOGNISED}
    return {name: likeness for name, likeness in found.items() if likeness is not None}


def surest(folder: Path) -> tuple[str, Likeness]:
    """The one format that is surer than all others."""
    found = likenesses(folder)
    order = sorted(found, key=lambda name: SURENESS.index(found[name].sure))
    assert order, "nothing is recognised"
    assert len(order) == 1 or found[order[0]].sure != found[order[1]].sure, found
    return order[0], found[order[0]]


def read(name: str, folder: Path, options: Any) -> Dataset:
    module = plugin("formats", name)
    dataset: Dataset = module.read(folder, module.Settings(**options))[0]
    return dataset


@pytest.mark.parametrize("inside", ["", "export (1)/data"], ids=["at the top", "further in"])
@pytest.mark.parametrize("name", BOXES)
def test_a_format_of_boxes_reads_what_it_recognised(name: str, inside: str, tmp_path: Path) -> None:
    scene = Scene()
    if name == "cadica":  # has classes of its own
        scene = Scene(classes=("p0_20",))
        scene.objects = [(image, "p0_20", box) for image, _, box in scene.objects]
    (tmp_path / inside).mkdir(parents=True, exist_ok=True)
    written = read(name, tmp_path / inside, WRITERS[name].write(scene, tmp_path / inside))
    found, likeness = surest(tmp_path)
    assert found == name
    assert not UNSEEN & set(likeness.options)
    options = dict(likeness.options)
    if name == "voc":  # no box begins at 0 or at a fraction: files cannot tell, and a note says so
        assert "cannot be told" in likeness.notes[0]
        options["coordinates"] = "pixels"
    again = read(name, tmp_path, options)
    assert seen(again, scene) == seen(written, scene) == set(scene.objects)
    assert sorted(i.split or "" for i in again.images) == sorted(
        i.split or "" for i in written.images
    )


@pytest.mark.parametrize("name", LABELLERS)
def test_a_format_of_classes_reads_what_it_recognised(name: str, tmp_path: Path) -> None:
    written = read(name, tmp_path, LABELLERS[name].write(tmp_path))
    found, likeness = surest(tmp_path)
    assert found == name
    if name == "cifar10":  # its batches have names of their own here
        assert likeness.options == {"folder": "cifar-10-batches-py"}
        return
    again = read(name, tmp_path, likeness.options)
    assert labels(again) == labels(written)
    assert len(again.images) == len(IMAGES)


def labels(dataset: Dataset) -> set[tuple[str, str, str | None]]:
    images = {image.id: image for image in dataset.images}
    return {
        (images[a.image_id].file_name, dataset.categories[a.category_id], images[a.image_id].split)
        for a in dataset.annotations
    }


def roboflow_coco(folder: Path) -> None:
    for split in ("train", "valid", "test"):
        scene = Scene(splits={"a": "train", "b": "val", "c": "train"})
        WRITERS["coco"].write(scene, folder / split)
        (folder / split / "val.json").unlink()
        text = (folder / split / "train.json").read_text()
        parent = '"categories": [{"id": 0, "name": "animals", "supercategory": "none"}, '
        text = text.replace('"categories": [', parent).replace(
            '"name": "cat"', '"name": "cat", "supercategory": "animals"'
        )
        (folder / split / "train.json").unlink()
        (folder / split / "_annotations.coco.json").write_text(text)
        for image in (folder / split / "train2017").iterdir():
            image.rename(folder / split / image.name)


def test_roboflows_coco(tmp_path: Path) -> None:
    roboflow_coco(tmp_path)
    name, likeness = surest(tmp_path)
    assert (name, likeness.options["parents"]) == ("coco", "drop")
    dataset = read(name, tmp_path, likeness.options)
    assert sorted(dataset.categories.values()) == ["cat", "dog", "owl"]
    assert {(i.file_name.split("/")[0], i.split) for i in dataset.images} == {
        ("train", "train"),
        ("valid", "val"),
        ("test", "test"),
    }


def test_roboflows_yolo_whose_paths_lead_out(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        for number in (1, 2):
            stem = f"a{number}_jpg.rf.{number:032x}"
            path = tmp_path / split / "images" / f"{stem}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((60, 80, 3), 9, np.uint8)).save(path)
            (tmp_path / split / "labels").mkdir(exist_ok=True)
            (tmp_path / split / "labels" / f"{stem}.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    text = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n"
    (tmp_path / "data.yaml").write_text(text + "nc: 1\nnames: ['cat']\n")
    name, likeness = surest(tmp_path)
    assert name == "yolo"
    dataset = read(name, tmp_path, likeness.options)
    assert sorted(i.split or "" for i in dataset.images) == ["train", "train", "val", "val"]
    assert len(dataset.annotations) == 4
    assert {i.group for i in dataset.images} == {"a1_jpg", "a2_jpg"}, "versions of a photograph"


def test_roboflows_voc_beside_the_images_of_each_split(tmp_path: Path) -> None:
    scene = Scene()
    for split, names in (("train", "ac"), ("valid", "b")):
        part = Scene({name: scene.images[name] for name in names})
        WRITERS["voc"].write(part, tmp_path / "all")
        for kind in ("Annotations", "JPEGImages"):
            for path in (tmp_path / "all" / kind).iterdir():
                (tmp_path / split).mkdir(exist_ok=True)
                path.rename(tmp_path / split / path.name)
        shutil.rmtree(tmp_path / "all")
    name, likeness = surest(tmp_path)
    assert name == "voc"
    dataset = read(name, tmp_path, likeness.options)
    assert {i.file_name: i.split for i in dataset.images} == {
        "train/a.png": "train",
        "train/c.png": "train",
        "valid/b.png": "val",
    }


def test_cvats_yolo_without_a_yaml(tmp_path: Path) -> None:
    (tmp_path / "obj.names").write_text("cat\ndog\n")
    (tmp_path / "obj.data").write_text("classes = 2\ntrain = data/train.txt\n")
    (tmp_path / "train.txt").write_text("data/obj_train_data/a.png\n")
    draw("a", tmp_path / "obj_train_data/a.png")
    (tmp_path / "obj_train_data/a.txt").write_text("1 0.5 0.5 0.1 0.1\n")
    draw("b", tmp_path / "obj_Validation_data/b.png")
    (tmp_path / "obj_Validation_data/b.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    name, likeness = surest(tmp_path)
    assert name == "yolo"
    dataset = read(name, tmp_path, likeness.options)
    assert [(i.file_name, i.split) for i in dataset.images] == [
        ("obj_train_data/a.png", "train"),
        ("obj_Validation_data/b.png", "val"),
    ]
    assert [dataset.categories[a.category_id] for a in dataset.annotations] == ["dog", "cat"]


def test_captions_of_the_same_images_are_left_to_the_file_of_boxes(tmp_path: Path) -> None:
    WRITERS["coco"].write(Scene(), tmp_path)
    for split in ("train", "val"):
        text = (tmp_path / f"{split}.json").read_text()
        (tmp_path / f"captions_{split}.json").write_text(text.replace('"bbox"', '"caption"'))
    likeness = likenesses(tmp_path)["coco"]
    assert [file["annotations"] for file in likeness.options["files"]] == ["train.json", "val.json"]
    assert any("captions_val.json" in note for note in likeness.notes)


def test_a_coco_file_without_annotations_is_in_no_split(tmp_path: Path) -> None:
    """As test, it would be refused: nothing can be scored there."""
    WRITERS["coco"].write(Scene(), tmp_path)
    content = json.loads((tmp_path / "val.json").read_text())
    content["annotations"] = []
    content["images"] = [{"id": 1, "file_name": "d.png"}]
    (tmp_path / "test.json").write_text(json.dumps(content))
    draw("d", tmp_path / "test2017" / "d.png")
    name, likeness = surest(tmp_path)
    dataset = read(name, tmp_path, likeness.options)
    splits = {image.file_name: image.split for image in dataset.images}
    assert splits["test2017/d.png"] is None
    assert set(splits.values()) == {"train", "val", None}
    assert any("submission --images test2017" in note for note in likeness.notes)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        pytest.param(["cat/a", "dog/b"], ("likely", {"images": "."}), id="two classes"),
        pytest.param(["train/a", "test/b"], None, id="splits alone"),
        pytest.param(["images/a", "other/b"], None, id="a folder called images"),
        pytest.param(["cat/a", "b"], None, id="an image beside the folders"),
        pytest.param(["x/cat/a", "dog/b"], None, id="two levels"),
        pytest.param(
            ["train/cat/a", "train/dog/b", "valid/cat/c"],
            ("likely", {"splits": {"train": "train", "val": "valid"}}),
            id="classes within splits",
        ),
    ],
)
def test_folders_are_classes_only_where_they_can_be(
    tree: list[str], expected: tuple[str, dict[str, Any]] | None, tmp_path: Path
) -> None:
    for place in tree:
        draw(place[-1], tmp_path / f"{place}.png")
    found = likenesses(tmp_path).get("class_folders")
    assert (found and (found.sure, found.options)) == expected


def test_folders_with_other_files_may_be_anything(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        draw(name[0], tmp_path / name / "x.png")
    (tmp_path / "cat" / "LICENSE").touch()
    assert likenesses(tmp_path)["class_folders"].sure == "possible"


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("annotations/instances_train2017.json", "train"),
        ("valid", "val"),
        ("obj_Validation_data", "val"),
        ("images/test-1", "test"),
        ("trainer", None),
        ("latest", None),
        ("intervals/2", None),
    ],
)
def test_the_split_that_a_path_names(text: str, split: str | None) -> None:
    assert split_of_path(text) == split


def test_folders_are_splits_only_where_each_is_one_of_its_own() -> None:
    assert by_split(["a/test", "a/train"]) == {"train": "a/train", "test": "a/test"}
    assert by_split(["a/train", "b/train"]) is None
    assert by_split(["a/train", "a/more"]) is None


def test_the_deepest_common_folder() -> None:
    assert common_folder(["a/b/c.txt", "a/b/d/e.txt", "a/bc/f.txt"]) == "a"
    assert common_folder(["a/b/c.txt", "a/b/d.txt"]) == "a/b"
    assert common_folder(["a.txt", "b/c.txt"]) == "."


def test_versions_of_a_photograph_are_a_group_only_where_there_are_some() -> None:
    one, other = (f"a_jpg.rf.{number:032x}.jpg" for number in (1, 2))
    assert augmented_group([one, f"b_jpg.rf.{3:032x}.jpg"]) is None
    assert augmented_group([one, other]) == r"([^/]*)\.rf\.[0-9a-f]{32}"


def test_a_unit_of_a_table_is_recognised(tmp_path: Path) -> None:
    draw("a", tmp_path / "a.png")
    for text, expected in (("0.1,0.2,0.5,0.9", "shares"), ("0,2,5,9", "edges")):
        (tmp_path / "t.csv").write_text(f"filename,class,xmin,ymin,xmax,ymax\na.png,cat,{text}\n")
        assert likenesses(tmp_path)["box_csv"].options["coordinates"] == expected
