"""The page of `fairtrial serve` in a real browser: Debian's Chromium, driven by Playwright.

Skipped, with the reason, where one of them is missing; `.ci/run` installs both.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.serving.running import Running, running, tiny_detector
from tests.use.films import film

playwright = pytest.importorskip("playwright.sync_api", reason="no browser: Playwright is missing")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.use,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium"),
]

HOSTILE = "<img src=x onerror=window.hacked=1>"
# Drops the file of the hidden input on the page, as a person would from a folder.
DROP = """() => {
  const files = new DataTransfer();
  files.items.add(window.given);
  const options = {dataTransfer: files, bubbles: true, cancelable: true};
  document.getElementById("drop").dispatchEvent(new DragEvent("drop", options));
}"""
# The colour of a pixel of the picture.
PIXEL = """([x, y]) => [...document.querySelector("canvas").getContext("2d")
  .getImageData(x, y, 1, 1).data].slice(0, 3)"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A model with a hostile class, behind a token."""
    model = replace(tiny_detector(tmp_path_factory.mktemp("model")), classes=("cat", HOSTILE))
    with running(model, token="secret") as started:
        yield started


@pytest.fixture
def page(server: Running) -> Iterator[Any]:
    """The page, opened. Afterwards: nothing was asked of other servers, no text became code."""
    with playwright.sync_playwright() as started:
        options = ["--no-sandbox", "--disable-background-networking"]
        browser = started.chromium.launch(executable_path=CHROMIUM, args=options)
        opened = browser.new_page()
        opened.set_default_timeout(30_000)
        problems: list[str] = []
        opened.on("pageerror", lambda error: problems.append(str(error)))
        own = (server.address, "blob:", "data:")
        opened.on("request", lambda r: r.url.startswith(own) or problems.append(r.url))
        opened.goto(server.address)
        opened.wait_for_selector("html[data-ready]")
        yield opened
        assert problems == []
        assert opened.evaluate("window.hacked") is None
        browser.close()


def give_token(page: Any) -> None:
    """It asks for one, in a field that was hidden."""
    page.locator("#token").fill("secret")
    page.locator("#token").press("Enter")
    page.get_by_text("This model finds: cat").wait_for()


def test_an_image_is_dropped_and_its_boxes_are_seen(page: Any, tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), (200, 200, 200)).save(tmp_path / "in.png")
    give_token(page)
    page.evaluate("""() => document.getElementById("file").addEventListener("change", (event) => {
      window.given = event.target.files[0]; event.stopImmediatePropagation();
    }, {capture: true})""")
    page.locator("#file").set_input_files(tmp_path / "in.png")
    page.evaluate(DROP)
    page.get_by_text("1 found").wait_for()
    cells = page.locator("#objects tbody td").all_inner_texts()
    assert cells == [HOSTILE, "0.90", "20", "24", "30", "16"]
    assert page.evaluate(PIXEL, [60, 45]) == [200, 200, 200], "beside the box"
    red, _, blue = page.evaluate(PIXEL, [35, 40])
    assert red - blue > 90, "its lower edge is orange"
    page.locator("#confidence").fill("0.1")
    page.get_by_text("2 found").wait_for()


def test_a_video_is_shown_with_its_boxes(page: Any, tmp_path: Path) -> None:
    give_token(page)
    page.locator("#file").set_input_files(film(tmp_path / "in.mp4"))
    video = page.locator("video")
    video.wait_for()
    video.evaluate("(v) => new Promise((done) => v.readyState ? done() : v.onloadeddata = done)")
    assert video.evaluate("(v) => [v.videoWidth, v.videoHeight]") == [64, 48]


def test_what_cannot_be_read_is_said(page: Any, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no picture")
    give_token(page)
    page.locator("#file").set_input_files(tmp_path / "note.txt")
    page.get_by_text("neither an image nor a video").wait_for()


def test_the_description_is_read_in_a_browser(page: Any, server: Running) -> None:
    page.get_by_text("For programs").click()
    page.get_by_role("heading", name="POST /detect").wait_for()
