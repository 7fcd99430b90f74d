"""The stage: a data set from a source, its certificate, and what it refuses."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.facts import missing_facts, refused

from fairtrial import DataError
from fairtrial.data.dataset import SPLITS, Annotation, Dataset, Image, read, write
from fairtrial.data.split_dataset import read_leak_free_dataset
from fairtrial.files.jsonfile import write_json
from fairtrial.settings.stages import SplitSettings
from fairtrial.stages.split import split


class Source:
    """A clean source and the sets made of it."""

    def __init__(self, root: Path, clean: Dataset, **duplicates: Any) -> None:
        self.root, self.clean = root, root / "clean/cells"
        write(clean.canonical(), self.clean / "annotations.json")
        empty: dict[str, list[Any]] = {"exact": [], "near": [], "doubtful": []}
        write_json(self.clean / "duplicates.json", empty | duplicates)

    def split(self, method: str = "random", **settings: Any) -> dict[str, Any]:
        """The certificate of a set made with these settings of its file."""
        rule = {"method": method} | settings.pop("split", {})
        split(
            settings=SplitSettings.model_validate({"split": rule} | settings),
            source=self.clean / "annotations.json",
            duplicates=self.clean / "duplicates.json",
            annotations=self.root / "set/annotations.json",
            certificate=self.root / "set/split.json",
        )
        certificate: dict[str, Any] = json.loads((self.root / "set/split.json").read_text())
        return certificate

    def edit(self, **changed: Any) -> None:
        """The certificate with other content, as by hand."""
        path = self.root / "set/split.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))

    def data(self) -> Any:
        for image in read(self.clean / "annotations.json").images:
            (self.root / "images").mkdir(exist_ok=True)
            (self.root / "images" / image.file_name).touch()
        folder = self.root / "set"
        return read_leak_free_dataset(
            folder / "annotations.json", folder / "split.json", self.root / "images"
        )


def cells(count: int = 40, group: int | None = None) -> Dataset:
    """Images with one object of `common`, every fourth with one of `rare` instead."""
    names = (f"{n:02}.png" for n in range(count))
    clean = Dataset(
        [
            Image(n, name, 9, 9, f"{n}", None if group is None else f"p{n % group}")
            for n, name in enumerate(names, 1)
        ],
        categories={1: "common", 2: "rare"},
    )
    clean.annotations = [
        Annotation(n, 2 if n % 4 == 0 else 1, (1.0, 1.0, 2.0, 2.0), 4.0)
        for n in range(1, count + 1)
    ]
    return clean


def test_the_certificate_says_how_and_what(tmp_path: Path) -> None:
    certificate = Source(tmp_path, cells()).split("stratified", split={"seed": 3, "val": 8})
    assert {name: len(certificate[name]) for name in SPLITS} == {"train": 24, "val": 8, "test": 8}
    assert (certificate["source"], certificate["method"], certificate["seed"]) == (
        "cells",
        "stratified",
        3,
    )
    assert certificate["asked"] == {"val": 8, "test": 0.2}
    assert certificate["class_map"] == {"common": "common", "rare": "rare"}
    assert certificate["summary"]["val"]["classes"]["rare"] == {"images": 2, "objects": 2}
    assert certificate["duplicates"] == {
        "exact": [],
        "near": [],
        "doubtful": 0,
        "doubtful_across": [],
    }
    assert (certificate["leaks"], certificate["without_split"], certificate["balance"]) == (
        {},
        0,
        None,
    )


def test_the_certificate_says_where_duplicates_went(tmp_path: Path) -> None:
    clean = cells()
    clean.images[1].sha256 = clean.images[0].sha256
    alike = {"distance": 4, "difference": 0.1}
    doubtful = [{"a": f"{n:02}.png", "b": f"{n + 1:02}.png"} | alike for n in range(10, 30)]
    near = [["00.png", "01.png"], ["02.png", "05.png", "30.png"]]
    certificate = Source(tmp_path, clean, exact=near[:1], near=near, doubtful=doubtful).split()
    split_of = {number: name for name in SPLITS for number in certificate[name]}
    assert certificate["duplicates"]["near"] == [
        {"images": [1, 2], "splits": [split_of[1]]},
        {"images": [3, 6, 31], "splits": [split_of[3]]},
    ]
    assert certificate["duplicates"]["exact"] == [{"images": [1, 2], "splits": [split_of[1]]}]
    assert (certificate["units"], certificate["unit_name"]) == ([[1, 2], [3, 6, 31]], "images")
    assert certificate["duplicates"]["doubtful"] == 20
    across = {tuple(pair["images"]) for pair in certificate["duplicates"]["doubtful_across"]}
    assert across == {(n, n + 1) for n in range(11, 31) if split_of[n] != split_of[n + 1]}


def test_the_certificate_counts_versions_and_decisions(tmp_path: Path) -> None:
    versions = [["00.png", "01.png"], ["02.png", "05.png", "30.png"]]
    pairs = [["07.png", "08.png"], ["08.png", "left out.png"]]
    source = Source(tmp_path, cells(), near=versions, versions=versions, different=pairs)
    duplicates = source.split()["duplicates"]
    assert (duplicates["versions"], duplicates["different"], duplicates.get("same")) == (2, 1, None)


def test_a_random_split_of_grouped_images_needs_the_exception(tmp_path: Path) -> None:
    source = Source(tmp_path, cells(group=5))
    facts = ["annotations.json", "leaks", "40 images", "one group", "two splits", "sets: 5"]
    with refused(DataError, *facts, "`grouped`", "`allow: [group]`"):
        source.split("random")
    with refused(DataError, *facts, "`grouped`", "`allow: [group]`"):
        source.split("stratified")
    certificate = source.split("random", allow=["group"])
    assert certificate["leaks"] == {"group": {"sets": 5, "images": 40}}
    assert source.split("grouped")["leaks"] == {}
    assert source.split("kfold", split={"folds": 5, "fold": 2})["leaks"] == {}


def test_given_counts_the_images_in_no_split(tmp_path: Path, capsys: Any) -> None:
    clean = cells()
    for image in clean.images:
        image.split = {0: "train", 1: "train", 2: "val", 3: "test", 4: None}[(image.id // 4) % 5]
    source = Source(tmp_path, clean)
    assert source.split("given")["without_split"] == 8
    assert "8 images are in no split and are not used" in capsys.readouterr().out


def test_copies_in_two_splits_of_a_given_split_need_the_exception(tmp_path: Path) -> None:
    clean = cells()
    for image in clean.images:
        image.split = SPLITS[image.id // 8 % 3]
    source = Source(tmp_path, clean, near=[["00.png", "10.png"], ["01.png", "02.png"]])
    with refused(
        DataError, "leaks", "2 images", "copies of one", "00.png in", "10.png in", "`allow: [near]`"
    ):
        source.split("given")
    assert source.split("given", allow=["near"])["leaks"] == {"near": {"sets": 1, "images": 2}}


@pytest.mark.parametrize("kind", ["content", "group", "near"])
def test_training_refuses_an_edited_certificate_that_leaks(tmp_path: Path, kind: str) -> None:
    clean = cells(group=40)
    if kind == "content":
        clean.images[1].sha256 = clean.images[0].sha256
    if kind == "group":
        clean.images[1].group = clean.images[0].group
    near = [["00.png", "01.png"]] if kind == "near" else []
    source = Source(tmp_path, clean, near=near)
    certificate = source.split("grouped")
    assert source.data().splits == {name: certificate[name] for name in SPLITS}
    other = min(name for name in SPLITS if 1 not in certificate[name])
    moved = {name: [number for number in certificate[name] if number != 2] for name in SPLITS}
    source.edit(**moved | {other: [*moved[other], 2]})
    with refused(DataError, "split.json", "leaks", "2 images", f"`allow: [{kind}]`"):
        source.data()
    source.edit(allow=[kind])
    source.data()


def test_a_test_without_an_object_is_refused(tmp_path: Path) -> None:
    """Every metric on it would be undefined."""
    clean = cells()
    for image in clean.images:
        image.split = "test" if image.id > 35 else "val" if image.id > 25 else "train"
    clean.annotations = [a for a in clean.annotations if a.image_id <= 35]
    with refused(DataError, "annotations.json", "no object in test", "5 images", "than `given`"):
        Source(tmp_path, clean).split("given")
    for image in clean.images[35:]:
        image.split = None
    assert Source(tmp_path, clean).split("given")["test"] == [], "without a test it goes"


def with_absent_classes(boxes: bool) -> Dataset:
    """Forty images in given splits: `absent` has no object, `late` none in train."""
    clean = cells()
    clean.categories |= {3: "absent", 4: "late"}
    for image in clean.images:
        image.split = "test" if image.id > 30 else "val" if image.id > 20 else "train"
    clean.annotations[-1].category_id = 4
    if not boxes:
        for annotation in clean.annotations:
            annotation.bbox = None
    return clean


@pytest.mark.parametrize("boxes", [True, False], ids=["boxes", "classes of images"])
def test_classes_that_train_lacks_can_be_left_out_at_once(tmp_path: Path, boxes: bool) -> None:
    source = Source(tmp_path, with_absent_classes(boxes))
    facts = ["absent, late", "1 of them have none in any split", "`classes: present`"]
    with refused(DataError, *facts):
        source.split("given")
    certificate = source.split("given", classes="present")
    kept = {"common": "common", "rare": "rare", "absent": None, "late": None}
    assert certificate["class_map"] == kept
    counts = {split: len(certificate[split]) for split in SPLITS}
    assert counts == {"train": 20, "val": 10, "test": 10 if boxes else 9}
    files = {image.id: image.file_name for image in read(tmp_path / "set/annotations.json").images}
    assert [files[number] for number in certificate["val"]] == [f"{n}.png" for n in range(20, 30)]


def test_present_keeps_all_classes_of_which_train_has_an_object(tmp_path: Path) -> None:
    source = Source(tmp_path, cells())
    assert source.split("stratified") == source.split("stratified", classes="present")


def test_images_without_a_group_are_counted_and_named(tmp_path: Path) -> None:
    clean = cells(group=4)
    for image in clean.images[:9]:
        image.group = None
    with refused(DataError, "9 of 40 images have no group", "00.png, 01.png", "`random`"):
        Source(tmp_path, clean).split("grouped")


def test_names_that_are_nearly_equal_stand_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clean = cells(group=4)
    clean.categories[2] = "Common"
    for image in clean.images[:2]:
        image.group = str(image.group).upper()
    Source(tmp_path, clean).split("random", allow=["group"])
    facts = ["classes that differ", "Common, common", "groups that differ", "P2, p2"]
    assert missing_facts(capsys.readouterr().out, *facts) == []


def test_balance_changes_train_alone_and_is_told(tmp_path: Path) -> None:
    source = Source(tmp_path, cells(80))
    plain = source.split("stratified")
    certificate = source.split("stratified", balance={"ratio": 1})
    assert (certificate["val"], certificate["test"]) == (plain["val"], plain["test"])
    assert set(certificate["train"]) < set(plain["train"])
    assert certificate["balance"]["left_out"] == sorted(
        set(plain["train"]) - set(certificate["train"])
    )
    assert certificate["balance"]["before"] == plain["summary"]["train"]
    assert certificate["balance"]["after"] == certificate["summary"]["train"]
    assert certificate["summary"]["train"]["classes"]["common"]["objects"] == 12
    assert certificate["summary"]["train"]["classes"]["rare"]["objects"] == 12
    assert certificate["without_split"] == 0


def test_classes_are_renamed_merged_and_the_map_is_printed(tmp_path: Path, capsys: Any) -> None:
    source = Source(tmp_path, cells())
    certificate = source.split(classes={"rare": "odd", "common": "usual"})
    assert certificate["class_map"] == {"common": "usual", "rare": "odd"}
    assert "class rare: odd" in capsys.readouterr().out
    assert read(tmp_path / "set/annotations.json").categories == {1: "odd", 2: "usual"}
    certificate = source.split(single_cls="cell")
    assert certificate["class_map"] == {"common": "cell", "rare": "cell"}
    dataset = read(tmp_path / "set/annotations.json")
    assert (dataset.categories, len(dataset.annotations)) == ({1: "cell"}, 40)


def cadica(folder: Path) -> Dataset:
    """CADICA's sample as `convert` would bring it: a frame an image, its patient as group."""
    clean = Dataset(categories={1: "lesion"})
    for path in sorted(folder.rglob("*.png")):
        number, patient = len(clean.images) + 1, path.parts[-4]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        clean.images.append(Image(number, path.name, 512, 512, digest, patient))
        boxes = path.parents[1] / "groundtruth" / f"{path.stem}.txt"
        for line in boxes.read_text().splitlines() if boxes.is_file() else []:
            x, y, w, h = map(float, line.split()[:4])
            clean.annotations.append(Annotation(number, 1, (x, y, w, h), w * h))
    return clean


def test_frames_of_a_patient_stay_in_one_split(real_data: Path, tmp_path: Path) -> None:
    """Of CADICA's 43 frames a random split would show the model every patient it is tested on."""
    source = Source(tmp_path, cadica(real_data / "cadica_sample"))
    with refused(DataError, "leaks", "43 images", "one group", "two splits", "`grouped`"):
        source.split("random")
    # One of the four patients has no lesion: with seed 0 that one would be the test.
    certificate = source.split("grouped", split={"val": 0.25, "test": 0.25, "seed": 1})
    assert [certificate["summary"][name]["groups"] for name in SPLITS] == [2, 1, 1]
    assert sum(certificate["summary"][name]["images"] for name in SPLITS) == 43


def given(count: int = 40, val: bool = False, **more: Any) -> Dataset:
    """Images of which every fourth is test, the others train or, every second of them, val."""
    clean = cells(count, **more)
    for image in clean.images:
        image.split = (
            "test" if image.id % 4 == 1 else "val" if val and image.id % 4 == 3 else "train"
        )
    return clean


def test_val_is_drawn_from_train_where_the_source_gives_none(tmp_path: Path, capsys: Any) -> None:
    near = [["01.png", "05.png", "09.png"]]
    certificate = Source(tmp_path, given(), near=near).split("given", split={"val": 6, "seed": 3})
    assert certificate["test"] == [n for n in range(1, 41) if n % 4 == 1]
    assert abs(len(certificate["val"]) - 6) <= 1, "as near as the copies allow"
    every = [n for name in SPLITS for n in certificate[name]]
    assert sorted(every) == list(range(1, 41))
    assert len({2, 6, 10} & set(certificate["val"])) in {0, 3}, "copies stay together"
    assert (certificate["asked"], certificate["seed"]) == ({"val": 6}, 3)
    assert "val: drawn from train" in capsys.readouterr().out


def test_val_is_drawn_by_whole_groups(tmp_path: Path) -> None:
    clean = given()
    for image in clean.images:
        image.group = f"p{image.id // 8}" if image.split == "train" else f"q{image.id // 8}"
    certificate = Source(tmp_path, clean).split("given")
    groups = {name: {clean.images[n - 1].group for n in certificate[name]} for name in SPLITS}
    assert groups["val"]
    assert not groups["val"] & groups["train"]
    assert certificate["leaks"] == {}


def test_a_val_that_the_source_gives_is_taken(tmp_path: Path) -> None:
    certificate = Source(tmp_path, given(val=True)).split("given", split={"val": 6})
    assert certificate["val"] == [n for n in range(1, 41) if n % 4 == 3]
    assert certificate["asked"] == {}


@pytest.mark.parametrize(
    ("groups", "rule", "facts"),
    [
        pytest.param(
            4,
            {"method": "kfold", "folds": 5},
            ["5 folds", "groups", "are 4", "`folds: 4`"],
            id="folds",
        ),
        pytest.param(
            2, {"method": "kfold", "folds": 3}, ["3 folds", "are 2", "`grouped`"], id="two groups"
        ),
        pytest.param(2, {"method": "grouped"}, ["3 splits", "are 2", "`test: 0`"], id="grouped"),
        pytest.param(
            1, {"method": "grouped", "test": 0}, ["2 splits", "are 1", "`allow: [group]`"], id="one"
        ),
    ],
)
def test_too_few_groups_are_refused_with_what_would_do(
    tmp_path: Path, groups: int, rule: dict[str, Any], facts: list[str]
) -> None:
    with refused(DataError, "annotations.json", *facts):
        Source(tmp_path, cells(group=groups)).split(rule["method"], split=rule)


def test_a_class_of_crowds_alone_is_refused(tmp_path: Path) -> None:
    clean = cells()
    for annotation in clean.annotations:
        annotation.iscrowd = annotation.category_id == 2
    with refused(DataError, "no object of rare (10 crowd regions", "neither way", "in train"):
        Source(tmp_path, clean).split()
    assert Source(tmp_path, clean).split(classes=["common"])["summary"]["train"]["objects"] > 0


def with_new_images(**more: Any) -> Dataset:
    """Forty labelled images, and five without labels, one of which copies a labelled one."""
    clean = cells(**more)
    new = [Image(41 + n, f"new{n}.png", 9, 9, f"new{n}", unlabelled=True) for n in range(5)]
    new[0].sha256 = clean.images[0].sha256
    clean.images += new
    return clean


def test_images_without_labels_are_in_no_split_unless_asked(tmp_path: Path) -> None:
    certificate = Source(tmp_path, with_new_images()).split("kfold")
    assert certificate["without_split"] == 5
    assert "predict_only" not in certificate
    used = [number for name in SPLITS for number in certificate[name]]
    assert sorted(used) == list(range(1, 41))


@pytest.mark.parametrize("method", ["random", "stratified", "grouped"])
def test_images_without_labels_are_test_where_they_are_only_predicted(
    tmp_path: Path, method: str, capsys: Any
) -> None:
    """A copy of one of train is no leak: nothing is scored on it."""
    clean = with_new_images(group=5)
    source = Source(tmp_path, clean, near=[["00.png", "new0.png"], ["01.png", "02.png"]])
    allow = {} if method == "grouped" else {"allow": ["group"]}
    certificate = source.split(method, split={"test": 0}, predict_only=True, **allow)
    assert certificate["predict_only"] is True
    assert (certificate["test"], certificate["without_split"]) == ([41, 42, 43, 44, 45], 0)
    assert certificate["summary"]["test"]["images"] == 5
    assert "content" not in certificate["leaks"]
    assert "without labels, which are predicted and not scored" in capsys.readouterr().out
    assert source.data().splits["test"] == certificate["test"]


def test_classes_of_whole_images_keep_images_without_labels(tmp_path: Path) -> None:
    clean = with_new_images()
    for annotation in clean.annotations:
        annotation.bbox, annotation.area = None, 0.0
    source = Source(tmp_path, clean)
    certificate = source.split("stratified", split={"test": 0}, predict_only=True)
    assert len(certificate["test"]) == 5
    classes = source.split("stratified", split={"test": 0}, predict_only=True, classes=["common"])
    assert len(classes["test"]) == 5
    assert classes["summary"]["test"]["objects"] == 0


def test_a_given_test_with_labels_cannot_be_only_predicted(tmp_path: Path) -> None:
    clean = with_new_images()
    for image in clean.images[:40]:
        image.split = "train" if image.id < 35 else "test"
    with refused(DataError, "predict_only", "5 images without labels", "6 with labels"):
        Source(tmp_path, clean).split("given", predict_only=True)


@pytest.mark.parametrize(
    ("split", "facts"),
    [
        pytest.param({"method": "kfold"}, ["test", "fold"], id="kfold"),
        pytest.param({"method": "random"}, ["`test: 0`"], id="a share of test"),
    ],
)
def test_a_split_with_a_test_of_its_own_is_not_only_predicted(
    split: dict[str, Any], facts: list[str]
) -> None:
    with refused(ValueError, "predict_only", *facts):
        SplitSettings.model_validate({"split": split, "predict_only": True})


def test_a_data_set_decides_on_pairs_of_its_own(tmp_path: Path) -> None:
    """`same` joins two clusters; `different` parts a pair, and a doubtful one is shown no more."""
    alike = {"distance": 4, "difference": 0.1}
    doubtful = [{"a": "10.png", "b": "11.png"} | alike, {"a": "12.png", "b": "13.png"} | alike]
    near = [["00.png", "01.png"], ["02.png", "03.png"], ["04.png", "05.png"]]
    source = Source(tmp_path, cells(), near=near, doubtful=doubtful)
    pairs = {
        "same": [("00.png", "02.png"), ("13.png", "12.png")],
        "different": [("05.png", "04.png"), ("10.png", "11.png")],
    }
    duplicates = source.split(**pairs)["duplicates"]
    clusters = [cluster["images"] for cluster in duplicates["near"]]
    assert clusters == [[1, 2, 3, 4], [13, 14]]
    assert all(len(cluster["splits"]) == 1 for cluster in duplicates["near"])
    assert (duplicates["doubtful"], duplicates["same"], duplicates["different"]) == (0, 2, 2)


@pytest.mark.parametrize(
    ("pairs", "facts"),
    [
        pytest.param({"same": [("00.png", "x.png")]}, ["no image", "x.png"], id="an unknown file"),
        pytest.param(
            {"different": [("00.png", "01.png")]},
            ["00.png and 01.png", "in the source"],
            id="copies of a third one",
        ),
    ],
)
def test_pairs_that_cannot_be_decided_here(
    tmp_path: Path, pairs: dict[str, Any], facts: list[str]
) -> None:
    source = Source(tmp_path, cells(), near=[["00.png", "01.png", "02.png"]])
    with refused(DataError, *facts):
        source.split(**pairs)


def test_groups_have_the_name_of_their_key(tmp_path: Path) -> None:
    source = Source(tmp_path, cells(group=5))
    assert source.split("grouped")["unit_name"] == "groups"
    assert source.split("grouped", group_name="patients")["unit_name"] == "patients"
    assert Source(tmp_path, cells()).split(group_name="patients")["unit_name"] == "images"
