"""Reports of every size, made up: processor seconds that they take, and how white pages are.

    python benchmarks/report_pages.py FOLDER [CASE…] [--dpi 80]

Leaves PDF and page and, with poppler's `pdftoppm`, a PNG of each page below FOLDER/CASE.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT)]

from tests.report.sized_reports import CASES  # noqa: E402
from tests.report.white_pages import white_share  # noqa: E402
from tests.report.written import plotted, reported  # noqa: E402


def main() -> None:
    """Write, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--dpi", type=int, default=80)
    asked = parser.parse_args()
    for name in asked.cases:
        folder = asked.folder / name
        fake, settings = CASES[name](folder)
        start = time.process_time()
        plotted(fake, **settings)
        drawn = time.process_time() - start
        pdf = reported(fake, **settings)
        total = time.process_time() - start
        for old in folder.glob("page-*.png"):
            old.unlink()
        command = ["pdftoppm", "-r", str(asked.dpi), "-png", pdf, folder / "page"]
        subprocess.run(command, check=True)
        shares = [white_share(page.read_bytes()) for page in sorted(folder.glob("page-*.png"))]
        white = [f"{n}: {share:.0%}" for n, share in enumerate(shares, 1) if share > 1 / 3]
        print(
            f"{name}: {len(fake.runs)} runs, {len(shares)} pages, figures {drawn:.1f} s, report "
            f"{total - drawn:.1f} s; white: {', '.join(white) or 'none'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
