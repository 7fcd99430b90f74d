"""The page of the data report in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairtrial.figures.data_pictures import data_pictures
from fairtrial.report.data_page import compile_data_page
from fairtrial.report.data_report import data_report
from fairtrial.results.dataset import DatasetDescription, DescribedDatasets
from tests.browser import IN_A_BROWSER, browser, opened_from_disk
from tests.report.fake_results import Fake, load

__all__ = ["browser"]

pytestmark = IN_A_BROWSER

HOSTILE = '"><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
NAMES = (HOSTILE, "square", "triangle")


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Fake:
    """A data set with groups, defects and a doubtful pair, whose first class has a hostile name."""
    root = tmp_path_factory.mktemp("data_page")
    fake = Fake(root, {"a": {}}, (0,), NAMES, motley=True, groups=3).build()
    quality = load(fake.data / "clean/drawn/quality.json")
    quality["defects"]["box_beyond_image"]["cases"] = ["001.png: object 2", "003.png"]
    (fake.data / "clean/drawn/quality.json").write_text(json.dumps(quality))
    sets = DescribedDatasets({"shapes": DatasetDescription("shapes", fake.data)})
    (description,) = sets.datasets.values()
    pictures = {"shapes": data_pictures(description, 1e7)}
    page = compile_data_page(data_report(sets, []), [description], pictures)
    (root / "data.html").write_bytes(page)
    return fake


@pytest.fixture
def page(fake: Fake, browser: Any) -> Iterator[Any]:
    with opened_from_disk(browser, fake.root / "data.html") as opened:
        yield opened


def images(fake: Fake) -> dict[str, dict[str, Any]]:
    """The images by file name, with their classes."""
    content = load(fake.data / "sets/shapes/annotations.json")
    names = {c["id"]: c["name"] for c in content["categories"]}
    found = {i["id"]: i | {"classes": []} for i in content["images"]}
    for annotation in content["annotations"]:
        found[annotation["image_id"]]["classes"].append(names[annotation["category_id"]])
    return {image["file_name"]: image for image in found.values()}


def shown(page: Any) -> list[str]:
    names: list[str] = page.locator(".thumbnail").evaluate_all("all => all.map((one) => one.title)")
    return names


def choose(page: Any, label: str, option: str) -> None:
    labels = page.locator(".browser-choice label")
    found = labels.filter(has_text=re.compile(rf"^{label}")).locator("select")
    found.select_option(label=option)


def test_filters_show_the_images_that_pass_them(page: Any, fake: Fake) -> None:
    every = images(fake)
    assert set(shown(page)) == set(every)
    choose(page, "split", "val")
    val = {name for name, image in every.items() if image["split"] == "val"}
    assert set(shown(page)) == val
    choose(page, "class", HOSTILE)
    wanted = {name for name in val if HOSTILE in every[name]["classes"]}
    assert set(shown(page)) == wanted != val
    objects = sum(len(every[name]["classes"]) for name in wanted)
    text = page.locator(".browser-counts").inner_text()
    assert text == f"{len(wanted)} of {len(every)} images, {objects} objects in them."
    choose(page, "split", "all")
    choose(page, "class", "all")
    choose(page, "defect", "box_beyond_image")
    assert set(shown(page)) == {"001.png", "003.png"}
    choose(page, "order", "most objects first")
    counts = [len(every[name]["classes"]) for name in shown(page)]
    assert counts == sorted(counts, reverse=True)


def test_an_image_has_its_boxes(page: Any, fake: Fake) -> None:
    every = images(fake)
    name = page.locator(".viewer-bar code").inner_text()
    boxes = page.locator("svg.picture rect.mark-truth")
    assert boxes.count() == len(every[name]["classes"])
    page.keyboard.press("ArrowRight")
    other = page.locator(".viewer-bar code").inner_text()
    assert other != name
    assert boxes.count() == len(every[other]["classes"])


def test_a_doubtful_pair_stands_side_by_side(page: Any, fake: Fake) -> None:
    (pair,) = load(fake.data / "sets/shapes/split.json")["duplicates"]["doubtful_across"]
    by_id = {image["id"]: name for name, image in images(fake).items()}
    page.locator("button[data-pair]").click()
    titles = page.locator(".panel figcaption").all_inner_texts()
    assert [text.splitlines()[0] for text in titles] == [by_id[i] for i in pair["images"]]
    page.get_by_label("Next image").click()
    assert page.locator(".panel").count() == 1


def test_a_narrow_screen_is_not_wider_than_itself(page: Any) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_room_decides_how_many_images_are_in_it(fake: Fake) -> None:
    description = DatasetDescription("shapes", Path(fake.data))
    (pair,) = description.certificate.duplicates.doubtful_across
    every = data_pictures(description, 1e7)
    assert len(every) == 36
    some = data_pictures(description, sum(len(every[i]) for i in pair.images) + 2000.0)
    assert list(some)[:2] == list(pair.images), "those of pairs come first"
    assert len(some) < 36
