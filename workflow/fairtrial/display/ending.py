"""What is said when an experiment ends: its answer, where the report is, and how DVC records it."""

from __future__ import annotations

import os
import time
from pathlib import Path

BEGAN = time.time()  # of this process, which imports this module when it reads the Snakefile


def ending(experiment: str, since: float = BEGAN) -> str:
    """The answer and the report's place; "" where the report was not written since then."""
    folder = Path("results", experiment)
    report, answer = folder / "report.pdf", folder / "answer.txt"
    if not report.exists() or report.stat().st_mtime < since:
        return ""
    parts = [answer.read_text(encoding="utf-8")] if answer.exists() else []
    page = report.with_suffix(".html")
    parts.append(f"Report: {report}" + (f", {page}" if page.exists() else ""))
    if "DVC_STAGE" not in os.environ and Path(".dvc").is_dir():
        parts.append(
            "Record it with `dvc repro` (no finished job runs again) before the next `dvc exp run`."
        )
    return "\n".join(parts)


def say_ending(experiment: str, targets: object) -> None:
    """Print the answer again where nothing was to be done, unless other files were asked for."""
    if not targets and (text := ending(experiment, since=0.0)):
        print(text, flush=True)
