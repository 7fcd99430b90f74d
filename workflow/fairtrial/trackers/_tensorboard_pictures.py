"""Images of the test set with truth and detections, for TensorBoard."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image, ImageDraw

from fairtrial.files.modelfile import read_model
from fairtrial.report.browser_parts import BrowserImage, BrowserRun
from fairtrial.report.image_browser import browser
from fairtrial.results.page_pictures import PagePictures
from fairtrial.trackers._contract import TrackedReport

MOST = 8  # images of each comparison: those that tell most
TRUTH, RIGHT, WRONG = (46, 204, 113), (52, 152, 219), (231, 76, 60)
BOX = 8  # entries of a box in a run's marks
ROOM = 1e12  # bytes: `MOST` alone bounds them


def pictures(report: TrackedReport) -> dict[str, dict[str, bytes]]:
    """Run → tag → PNG, of the images that the page shows first."""
    made = read_model(Path(report.results.results, "pictures.json"), PagePictures)
    drawn: dict[str, dict[str, bytes]] = {}
    for number, comparison in enumerate(report.results.comparisons):
        shown = made.of(number)[:MOST]
        if not shown:
            continue
        part, jpegs = browser(comparison, report.results, report.settings, shown, ROOM)
        for run in part["runs"]:
            tags = drawn.setdefault(run["name"], {})
            for place, image in enumerate(part["images"]):
                if run["marks"][place] is not None:
                    tags[f"{part['split']}/{image['file']}"] = _drawn(
                        jpegs[place], image, run, place
                    )
    return drawn


def _drawn(jpeg: str, image: BrowserImage, run: BrowserRun, place: int) -> bytes:
    """An image with boxes: truth green, right detections blue, others red; of classifiers alone."""
    with Image.open(io.BytesIO(base64.b64decode(jpeg))) as opened:
        picture = opened.convert("RGB")
    pen, scale = ImageDraw.Draw(picture), picture.width / image["width"]
    for truth in image["truth"]:
        if len(truth) > 1:
            _box(pen, truth[1:5], scale, TRUTH)
    marks, lowest = run["marks"][place] or [], run["confidence"]
    for start in range(0, len(marks) if lowest is not None else 0, BOX):
        _, kind, _, confidence, *box = marks[start : start + BOX]
        if lowest is not None and confidence >= lowest:
            _box(pen, box, scale, RIGHT if kind < 0 else WRONG)
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()


def _box(
    pen: ImageDraw.ImageDraw, box: list[float], scale: float, colour: tuple[int, int, int]
) -> None:
    x, y, width, height = (value * scale for value in box)
    pen.rectangle([x, y, x + width, y + height], outline=colour, width=2)
