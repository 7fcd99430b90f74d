"""The memory and time of each stage, from the records that Snakemake keeps beside the logs.

    python benchmarks/memory.py [experiment]

Prints the largest resident memory (MiB) and the longest run (seconds) of each stage.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

DATA = ("download", "convert", "split")


def main() -> None:
    experiment = sys.argv[1] if len(sys.argv) > 1 else "quickstart"
    rows = []
    for path in sorted(Path("logs").rglob("*.tsv")):
        parts = path.relative_to("logs").parts
        stage = parts[0] if parts[0] in DATA else Path(parts[1]).stem
        if parts[0] in (*DATA, experiment):
            rows.append(pd.read_csv(path, sep="\t")[["max_rss", "s"]].assign(stage=stage))
    if not rows:
        sys.exit("logs/ holds no records: run `make demo` first")
    print(pd.concat(rows).groupby("stage", sort=False).max().to_string())


if __name__ == "__main__":
    main()
