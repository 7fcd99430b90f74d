"""What is said when an experiment ends: its answer, where the report is, and how DVC records it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from fairtrial.lineage import guard

BEGAN = time.time()  # of this process, which imports this module when it reads the Snakefile


def ending(experiment: str, since: float = BEGAN) -> str:
    """The answer and the report's place; "" where the report was not written since then."""
    folder = Path("results", experiment)
    report, answer = folder / "report.pdf", folder / "answer.txt"
    if not report.exists() or report.stat().st_mtime < since:
        return ""
    parts = [answer.read_text(encoding="utf-8")] if answer.exists() else []
    parts += _damaged(folder)
    page = report.with_suffix(".html")
    parts.append(f"Report: {report}" + (f", {page}" if page.exists() else ""))
    if "DVC_STAGE" not in os.environ and Path(".dvc").is_dir():
        parts.append(
            "Record it with `dvc repro` (no finished job runs again) before the next `dvc exp run`."
        )
    return "\n".join(parts)


def _damaged(folder: Path) -> list[str]:
    """What of the figures and of the report was changed since it was made: after that no job reads
    these files, so that none would say so. Weights are left to `verify`."""
    records, _ = guard.read_records(
        path.as_posix()
        for path in (folder / "made/plot.json", folder / "made/report.json")
        if path.exists()
    )
    problems = guard.changed_files(records, weights_too=False)
    if not problems:
        return []
    mend = f"`fairtrial repair {folder.name}` and the same command again make it whole"
    return [f"Not as it was made:\n{guard.listed(problems)}\n{mend}."]


def say_ending(experiment: str, targets: object) -> None:
    """Print the answer again where nothing was to be done, unless other files were asked for."""
    if not targets and (text := ending(experiment, since=0.0)):
        print(text, flush=True)
