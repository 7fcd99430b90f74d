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

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        results: results/<experiment>
        data: the folder data/
        figures: folder to write: the figures, as SVG
        manifest: file to write: the list of figures, with captions

    Raises:
        DataError: a run lacks one of its files
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
