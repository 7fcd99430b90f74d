"""How long the figures and the report of 12 runs take, each as a process of its own.

    python benchmarks/reporting.py

The results are drawn by the tests' builder: 4 configurations × 3 seeds.
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
    asked = {"runs": fake.runs, "gallery": 4, "timings": True, "rank_by": "AP"}
    figures, manifest = fake.results / "figures", fake.results / "figures.json"
    common = ("--results", fake.results, "--data", fake.data, "--figures")
    own = ("--settings", json.dumps(asked), *common, figures, "--manifest", manifest)
    print(f"plot, 12 runs: {seconds('plot', *own):.1f} s")
    asked |= {"experiment": "trial", "title": "Which momentum?", "question": ""}
    outputs = [
        part
        for name in ("pdf", "metrics", "comparison", "runs", "markdown", "latex")
        for part in (f"--{name}", fake.results / f"out.{name}")
    ]
    own = ("--settings", json.dumps(asked), *common, manifest, *outputs)
    print(f"report, 12 runs: {seconds('report', *own):.1f} s")


if __name__ == "__main__":
    main()
