import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fairtrial.sources import shapes


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("shapes")
    shapes.fetch(shapes.Settings(images=120), "shapes", folder, folder)
    return folder, json.loads((folder / "annotations.json").read_text())


def test_classes_are_clearly_unbalanced(drawn: tuple[Path, dict[str, Any]]) -> None:
    content = drawn[1]
    counts = Counter(a["category_id"] for a in content["annotations"])
    assert len(counts) == len(content["categories"]) == 5
    assert max(counts.values()) > 4 * min(counts.values())


def test_objects_come_in_all_three_sizes_of_coco(drawn: tuple[Path, dict[str, Any]]) -> None:
    areas = [a["area"] for a in drawn[1]["annotations"]]
    small, large = sum(a < 32**2 for a in areas), sum(a > 96**2 for a in areas)
    assert small > 0.1 * len(areas)
    assert large > 0.03 * len(areas)
    assert len(areas) - small - large > 0.3 * len(areas)


def test_a_scene_is_ten_images_with_one_background(drawn: tuple[Path, dict[str, Any]]) -> None:
    folder, content = drawn
    groups = Counter(image["group"] for image in content["images"])
    assert set(groups.values()) == {10}
    pixels = {
        image["id"]: np.asarray(Image.open(folder / "images" / image["file_name"]), float)
        for image in content["images"][:20]
    }
    medians = {number: np.median(array, axis=(0, 1)) for number, array in pixels.items()}
    within = np.abs(medians[1] - medians[2]).mean()
    between = np.abs(medians[1] - medians[11]).mean()
    assert within < between


def test_boxes_overlap_and_stay_inside(drawn: tuple[Path, dict[str, Any]]) -> None:
    boxes: dict[int, list[Any]] = {}
    for a in drawn[1]["annotations"]:
        x, y, w, h = a["bbox"]
        assert 0 <= x < x + w <= 160
        assert 0 <= y < y + h <= 160
        boxes.setdefault(a["image_id"], []).append(a["bbox"])
    shares = [
        shapes._overlap(a, b)
        for placed in boxes.values()
        for a, b in itertools.permutations(placed, 2)
    ]
    assert 0 < max(shares) <= 0.5


@pytest.mark.parametrize("kind", range(5), ids="shape {}".format)
@pytest.mark.parametrize("turn", [0, 17, 45, 200], ids="turned by {}".format)
def test_a_box_is_tight_around_its_shape(kind: int, turn: int) -> None:
    stencil = shapes._stencil(kind, 40, turn)
    left, top, right, bottom = shapes._extent(stencil)
    covered = np.asarray(stencil) > 127
    assert covered.any(0).nonzero()[0][[0, -1]].tolist() == [left, right - 1]
    assert covered.any(1).nonzero()[0][[0, -1]].tolist() == [top, bottom - 1]


def test_an_image_depends_on_its_number_not_on_how_many_there_are(tmp_path: Path) -> None:
    for number in (2, 4):
        (tmp_path / str(number)).mkdir()
        shapes.fetch(shapes.Settings(images=number), "s", tmp_path / str(number), tmp_path)
    for name in ("00001.jpg", "00002.jpg"):
        few, many = (tmp_path / n / "images" / name for n in "24")
        assert few.read_bytes() == many.read_bytes()


def test_another_seed_gives_other_images(tmp_path: Path) -> None:
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        settings = shapes.Settings(images=1, seed=seed, file_type="png")
        shapes.fetch(settings, "s", tmp_path / str(seed), tmp_path)
    first, second = (tmp_path / str(seed) / "images" / "00001.png" for seed in (0, 1))
    assert first.read_bytes() != second.read_bytes()
