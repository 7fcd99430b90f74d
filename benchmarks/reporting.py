"""How long the figures and the report of 12 runs take, each as a process of its own.

    python benchmarks/reporting.py

The results are made up by tests/report/fake_results.py: 4 configurations × 3 seeds.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path[:0] = [str(PROJECT / "workflow"), str(PROJECT)]

from tests.report.fake_results import Fake  # noqa: E402


def seconds(*command: object) -> float:
    launcher = PROJECT / "workflow/fairtrial_command.py"
    start = time.monotonic()
    subprocess.run([sys.executable, launcher, *map(str, command)], check=True)
    return time.monotonic() - start


def main() -> None:
    momenta = (0.6, 0.7, 0.8, 0.9)
    fake = Fake(Path(tempfile.mkdtemp()), {f"m{m}": {"momentum": m} for m in momenta}).build()
    common_settings = {"runs": fake.runs, "timings": True, "rank_by": "AP"}
    plot_settings = json.dumps(common_settings | {"gallery": 4})
    figures, manifest = fake.results / "figures", fake.results / "figures.json"
    images: tuple[object, ...] = ("--pictures", fake.results / "pictures.json")
    common = ("--results", fake.results, "--data", fake.data, "--figures")
    flags: tuple[object, ...] = ("--settings", plot_settings, *common, figures, *images)
    print(f"plot, 12 runs: {seconds('plot', *flags, '--manifest', manifest):.1f} s")
    texts = {"experiment": "trial", "title": "Which momentum?", "question": ""}
    report_settings = json.dumps(common_settings | texts)
    outputs = [
        part
        for name in ("pdf", "html", "metrics", "comparison", "runs", "markdown", "latex", "answer")
        for part in (f"--{name}", fake.results / f"out.{name}")
    ]
    flags = ("--settings", report_settings, *common, manifest, *images, *outputs)
    print(f"report, 12 runs: {seconds('report', *flags):.1f} s")


if __name__ == "__main__":
    main()
