"""A real browser for tests of pages: Debian's Chromium, driven by Playwright.

A module that imports this is skipped, with the reason, where one of them is missing; `.ci/run`
installs both.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="no browser: Playwright is missing")
CHROMIUM = shutil.which("chromium")
IN_A_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium"),
]


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser, without a window."""
    with playwright.sync_playwright() as started:
        options = ["--no-sandbox", "--enable-unsafe-swiftshader"]
        launched = started.chromium.launch(executable_path=CHROMIUM, args=options)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as launched:
        yield launched


@contextmanager
def opened_from_disk(browser: Any, file: Path) -> Iterator[Any]:
    """A page once its scripts are ready. Afterwards: no error, nothing was asked of the network,
    and no text of the page was run (hostile names set `window.hacked`)."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console", lambda said: said.type == "error" and problems.append(f"console: {said.text}")
    )
    address = file.as_uri()
    page.on(
        "request",
        lambda r: r.url.startswith(("data:", "blob:", address)) or problems.append(r.url),
    )
    page.goto(address)
    page.wait_for_selector("html[data-ready]", timeout=20_000)
    yield page
    assert problems == []
    assert page.evaluate("window.hacked") is None
    page.close()
