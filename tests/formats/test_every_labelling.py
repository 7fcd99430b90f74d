"""What every format of classes promises, from its files to the interchange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract import OfEveryFormat
from labelled import CLASSES, IMAGES, LABELLERS, picture
from written import WRITERS

from fairtrial.data import dataset, imagefile
from fairtrial.data.split_dataset import read_split_dataset
from fairtrial.files import checksums, folders
from fairtrial.plugins import plugin, plugins
from fairtrial.settings.split_rule import SplitRule
from fairtrial.settings.stages import ConvertSettings, DownloadSettings, SplitSettings
from fairtrial.stages.convert import convert
from fairtrial.stages.download import download
from fairtrial.stages.split import split


def test_every_format_has_a_writer() -> None:
    """Of boxes (test_every_format.py) or of classes (here)."""
    assert sorted([*WRITERS, *LABELLERS]) == list(plugins("formats"))


@pytest.mark.parametrize("name", LABELLERS)
class TestEveryLabelling(OfEveryFormat):
    def test_an_image_has_its_pixels_its_class_and_its_split(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        options = LABELLERS[name].write(tmp_path / "own")
        clean = through(name, options)
        assert clean.task == "classify"
        assert clean.categories == dict(enumerate(CLASSES, 1))
        classes = {a.image_id: clean.categories[a.category_id] for a in clean.annotations}
        assert len(classes) == len(clean.annotations) == len(IMAGES)
        for image in clean.images:
            pixels = imagefile.pixels(Path("clean/images"), image.file_name)
            (name_drawn,) = [drawn for drawn in IMAGES if np.array_equal(pixels, picture(drawn))]
            label, split = IMAGES[name_drawn]
            assert classes[image.id] == label
            assert image.split == (split if LABELLERS[name].splits else None)
            assert (image.width, image.height) == (32, 32)

    def test_its_set_can_be_split_as_given(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if not LABELLERS[name].splits:
            pytest.skip("the format gives no splits")
        monkeypatch.chdir(tmp_path)
        through(name, LABELLERS[name].write(tmp_path / "own"))
        split(
            settings=SplitSettings(classes=["cat", "dog"], split=SplitRule(method="given")),
            source=Path("clean/annotations.json"),
            duplicates=Path("clean/duplicates.json"),
            annotations=Path("set.json"),
            certificate=Path("split.json"),
        )
        data = read_split_dataset(Path("set.json"), Path("split.json"), Path("clean/images"))
        assert [len(data.split(split)) for split in dataset.SPLITS] == [2, 1, 1]

    def test_leaves_the_raw_folder_alone(self, name: str, tmp_path: Path) -> None:
        module = plugin("formats", name)
        options = module.Settings(**LABELLERS[name].write(tmp_path))
        before = checksums.sha256_of(tmp_path, folders.files_below(tmp_path))
        module.read(tmp_path, options)
        assert checksums.sha256_of(tmp_path, folders.files_below(tmp_path)) == before


def through(name: str, options: dict[str, Any]) -> dataset.Dataset:
    """From the folder `own` to clean images and their annotations."""
    raw, manifest = Path("raw"), Path("raw.sha256")
    source = DownloadSettings(name="x", kind="local", settings={"path": "own"})
    download(settings=source, raw=raw, manifest=manifest)
    files = {
        key: Path("clean", f"{key}.json")
        for key in ("annotations", "quality", "duplicates", "source_ids")
    }
    convert(
        settings=ConvertSettings(format=name, options=options),
        raw=raw,
        manifest=manifest,
        images=Path("clean/images"),
        **files,
    )
    return dataset.read(files["annotations"])
