"""report.html in a real browser."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import IN_A_BROWSER, browser, opened_from_disk
from tests.report.fake_results import Fake
from tests.report.scored_fake import page_with_images, scored

__all__ = ["browser"]

pytestmark = IN_A_BROWSER

HOSTILE = '"><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
CONFIGURATIONS = {f"momentum={m}": {"momentum": m, "model": HOSTILE} for m in (0.3, 0.6, 0.9)}
FILE = "<img src=x onerror=window.hacked=1>.png"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Fake:
    """Three configurations with two seeds, whose classes, groups and files have hostile names."""
    names = (HOSTILE, "</script>", "triangle")
    fake = scored(Fake(tmp_path_factory.mktemp("page"), CONFIGURATIONS, (0, 1), names, groups=3))
    annotations = fake.data / "sets/shapes/annotations.json"
    content = json.loads(annotations.read_text())
    image = next(image for image in content["images"] if image["split"] == "test")
    folder = fake.data / "clean/drawn/images"
    (folder / image["file_name"]).rename(folder / FILE)
    image["file_name"] = FILE
    annotations.write_text(json.dumps(content))
    page_with_images(fake)
    return fake


@pytest.fixture
def page(fake: Fake, browser: Any) -> Iterator[Any]:
    with opened_from_disk(browser, fake.results / "report.html") as opened:
        yield opened


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def column(page: Any, key: str, attribute: str = "data-v") -> list[str]:
    """The values of a column of the comparison, of the rows that are seen, from top to bottom."""
    script = """([key, attribute]) => {
      const table = document.querySelector("#comparison-1");
      const place = table.querySelector(`th[data-key="${key}"]`).cellIndex;
      return [...table.tBodies[0].rows].filter((row) => !row.hidden)
        .map((row) => row.cells[place].getAttribute(attribute));
    }"""
    values: list[str] = page.evaluate(script, [key, attribute])
    return values


def test_the_table_has_the_numbers_of_comparison_csv_sorted_and_filtered(
    page: Any, fake: Fake
) -> None:
    rows = rows_of(fake.results / "comparison.csv")
    of_file = [row["test/AP"] for row in rows]
    assert column(page, "test/AP") == of_file
    heading = page.locator('#comparison-1 th[data-key="test/AP"] .sort')
    heading.click()
    assert column(page, "test/AP") == sorted(of_file, key=float, reverse=True)
    heading.click()
    assert column(page, "test/AP") == sorted(of_file, key=float)
    page.get_by_role("button", name="filter", exact=True).first.click()
    middle = sorted(map(float, of_file))[1]
    number = page.locator('#comparison-1 th[data-key="test/AP"]').evaluate("c => c.cellIndex")
    page.locator("#comparison-1 .filters th").nth(number).locator("input").fill(f">= {middle!r}")
    assert column(page, "test/AP") == sorted(of_file, key=float)[1:]


def counts(page: Any, name: str) -> list[int]:
    """Found, not found and false alarms of a row of the browser's counts."""
    cells = page.locator(f'tr[data-counts="{name}"] td').all_inner_texts()
    return [int(text) for text in cells[:3]]


def test_the_slider_counts_as_the_scorer_does(page: Any, fake: Fake) -> None:
    run = page.locator(".browser-controls select").first.evaluate("s => s.selectedOptions[0].text")
    seed = run.rpartition(" ")[2]
    best = rows_of(fake.results / "comparison.csv")[0]["configuration"]
    folder = fake.results / "runs" / f"{best}-s{seed}"
    per_class = {r["class"]: r for r in rows_of(folder / "per_class.csv") if r["split"] == "test"}
    curves = [r for r in rows_of(folder / "class_curves.csv") if r["split"] == "test"]
    for confidence in (0.3, 0.5, 0.7, 0.9):
        script = "(s, v) => { s.value = v; s.dispatchEvent(new Event('input')); }"
        page.locator(".slider input").evaluate(script, round((confidence - 0.05) * 100))
        assert page.locator(".slider output").inner_text() == f"{confidence:.2f}"[1:]
        found = missed = false = 0
        for row in (r for r in curves if float(r["confidence"]) == confidence):
            objects = int(per_class[row["class"]]["objects"])
            right = round(float(row["recall"]) * objects)
            found, missed = found + right, missed + objects - right
            assert right, "without a hit the precision does not tell the false alarms"
            false += round(right / float(row["precision"])) - right
        assert counts(page, "split-0") == [found, missed, false]
        assert counts(page, "shown-0") == [found, missed, false], "all images are in the page"


def test_boxes_are_those_above_the_slider(page: Any) -> None:
    slider = page.locator(".slider input")
    script = "(s, v) => { s.value = v; s.dispatchEvent(new Event('input')); }"
    drawn = []
    for step in (0, 94):
        slider.evaluate(script, step)
        drawn.append(page.locator(".panel:nth-child(2) rect.mark:not(.mark-not-found)").count())
    assert drawn[0] > drawn[1]


def test_keys_move_and_zoom(page: Any) -> None:
    page.locator(".browser-viewer").scroll_into_view_if_needed()
    name = page.locator(".viewer-bar code")
    first = name.inner_text()
    page.keyboard.press("ArrowRight")
    assert name.inner_text() != first
    page.keyboard.press("ArrowLeft")
    assert name.inner_text() == first
    whole = page.locator("svg.picture").first.get_attribute("viewBox").split()
    page.keyboard.press("+")
    closer = page.locator("svg.picture").first.get_attribute("viewBox").split()
    assert float(closer[2]) < float(whole[2])
    page.keyboard.press("0")
    assert page.locator("svg.picture").first.get_attribute("viewBox").split() == whole


def test_a_cell_of_the_confusion_matrix_shows_its_images(page: Any) -> None:
    cell = page.locator(".matrix .diagonal button").first
    number = int(cell.inner_text())
    cell.click()
    shown = page.locator(".browser-strip .thumbnail").count()
    assert 0 < shown <= number
    page.get_by_role("button", name="taken for", exact=False).first.click()
    assert page.locator(".browser-strip .thumbnail").count() == 12


def test_a_class_shows_its_images(page: Any) -> None:
    page.locator("th[data-class] button").first.click()
    chosen = page.locator(".browser-choice select").first
    assert (
        chosen.evaluate("s => s.selectedOptions[0].text")
        == page.locator("th[data-class] button").first.inner_text()
    )


def test_hostile_names_are_text(page: Any) -> None:
    page.locator(".browser-choice select").last.select_option("name")
    names = page.locator(".thumbnail").evaluate_all("all => all.map((one) => one.title)")
    assert FILE in names
    page.locator(f'.thumbnail[title="{FILE}"]').click()
    assert page.locator(".viewer-bar code").inner_text() == FILE
    assert page.locator(".browser-viewer img").count() == 0
    labels = page.locator(".picture .label").all_text_contents()
    assert labels and max(map(len, labels)) <= 24, "a long name would cover the picture"


def test_curves_are_drawn_and_configurations_switched_off(page: Any) -> None:
    plot = page.locator("#curves .plot").first
    plot.scroll_into_view_if_needed()
    plot.wait_for(state="visible")
    page.wait_for_selector('#curves .plot[data-drawn="true"]', timeout=20_000)
    lines = "() => document.querySelector('#curves .plot').data.length"
    before = page.evaluate(lines)
    assert before == 9, "of three configurations two seeds each, and their mean"
    page.locator(".chip").first.click()
    page.wait_for_function(f"({lines})() === 6")


def test_light_and_dark_have_contrast(page: Any) -> None:
    """WCAG asks for 4.5 of text and its ground."""
    script = """() => {
      const light = (name) => {
        const probe = document.body.appendChild(document.createElement("i"));
        probe.style.color = `var(--${name})`;
        const [r, g, b] = getComputedStyle(probe).color.match(/[\\d.]+/g).map((v) => v / 255)
          .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        probe.remove();
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const pairs = [["ink", "paper"], ["muted", "paper"], ["muted", "card"], ["accent", "paper"],
        ["warn", "warn-soft"], ["ink", "warn-soft"], ["ink", "soft"]];
      return pairs.map(([one, other]) => [one, other, ratio(light(one), light(other))])
        .filter(([, , found]) => found < 4.5);
    }"""
    assert page.evaluate(script) == []
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    assert page.evaluate(script) == []


def test_everything_has_a_name_for_screen_readers(page: Any) -> None:
    script = """() => [...document.querySelectorAll("button, select, input, img, svg[role=img]")]
      .filter((one) => !(one.hidden || one.ariaLabel || one.alt || one.textContent.trim()
        || one.title || one.labels?.[0]?.textContent.trim()))
      .map((one) => one.outerHTML.slice(0, 80))"""
    assert page.evaluate(script) == []


def test_a_narrow_screen_is_not_wider_than_itself(page: Any) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
