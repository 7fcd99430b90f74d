"""report.html of many runs: how long it takes to write, to open, and to answer the slider.

    python benchmarks/page.py [--runs 20] [--images 1000]

Results are made up; Chromium opens the page without a window.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT)]

from playwright.sync_api import sync_playwright  # noqa: E402
from tests.report.fake_results import Fake  # noqa: E402

from fairtrial.figures.page_pictures import page_pictures  # noqa: E402
from fairtrial.report.content import content  # noqa: E402
from fairtrial.report.html import compile_html  # noqa: E402
from fairtrial.results.experiment import load_experiment  # noqa: E402
from fairtrial.results.manifest import FigureManifest  # noqa: E402
from fairtrial.settings.stages import ReportSettings  # noqa: E402

SLIDE = """() => {
  const slider = document.querySelector(".slider input");
  const times = [];
  for (let step = 10; step < 90; step += 8) {
    const start = performance.now();
    slider.value = step;
    slider.dispatchEvent(new Event("input"));
    document.body.getBoundingClientRect();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
}"""


def written(root: Path, runs: int, images: int) -> Path:
    """The page of an experiment that is made up; prints how long each part takes."""
    configurations = {f"m{number}": {"momentum": number / 100} for number in range(runs)}
    splits = {"train": 2, "val": 20, "test": images}
    fake = Fake(root, configurations, seeds=(0,), images=splits, objects=12).build()
    settings = ReportSettings(runs=tuple(fake.runs), experiment="compare", title="Which one?")
    start = time.process_time()
    experiment = load_experiment(fake.results, fake.data, fake.runs)
    pictures = page_pictures(experiment, settings.html_mb)
    print(f"images made small: {time.process_time() - start:.1f} processor seconds")
    said = content(experiment, settings, FigureManifest(()))
    start = time.process_time()
    page = compile_html(experiment, said, settings, pictures)
    print(f"page: {time.process_time() - start:.1f} processor seconds, {len(page) / 1e6:.1f} MB")
    path = root / "report.html"
    path.write_bytes(page)
    return path


def opened(path: Path) -> None:
    """Opens the page and moves its slider; prints both times."""
    with sync_playwright() as started:
        options = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}
        browser = started.chromium.launch(**options)
        page = browser.new_page()
        tools = page.context.new_cdp_session(page)
        tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        start = time.perf_counter()
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        print(f"opened: {time.perf_counter() - start:.2f} s", end=", ")
        found = {
            one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]
        }
        print(f"{found['TaskDuration']:.2f} processor seconds of its main thread")
        print(f"slider: {page.evaluate(SLIDE):.0f} ms, the median of ten steps")
        browser.close()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--images", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        opened(written(Path(folder), asked.runs, asked.images))


if __name__ == "__main__":
    main()
