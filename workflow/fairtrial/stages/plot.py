"""plot: the figures of one experiment, as SVG, and a manifest that lists them in order."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fairtrial.files.jsonfile import write_json


def plot(
    *, settings: dict[str, Any], results: Path, data: Path, figures: Path, manifest: Path
) -> None:
    """Draw every figure that has something to show.

    `settings`: `runs` (names), `gallery` (how many images), `timings` (False leaves out what
    depends on the clock), `rank_by` (as for report), `style` (one of seaborn's). `results` is
    results/<experiment>, `data` the data folder; SVG files go to the folder `figures`, their
    list to `manifest`. Raises DataError where a run lacks one of its files.
    """
    from fairtrial.figures import base, makers
    from fairtrial.results.experiment import load_experiment

    trial = load_experiment(results, data, settings["runs"], settings.get("rank_by") or "AP")
    figures.mkdir(parents=True, exist_ok=True)
    for old in figures.glob("*.svg"):  # of configurations that are no longer in the experiment
        old.unlink()
    rows = []
    with base.style(settings.get("style") or "whitegrid"):
        for maker in makers():
            for drawn in maker.draw(trial, settings):
                path = figures / f"{drawn.name}.svg"
                base.save(drawn.figure, path)
                rows.append(
                    {
                        "file": path.relative_to(manifest.parent).as_posix(),
                        "section": maker.section,
                        "title": drawn.title,
                        "caption": drawn.caption,
                        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                    }
                )
    write_json(manifest, rows)
