"""What the Snakefile does before its jobs and after them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def own_records(folder: Path = Path(".snakemake/metadata")) -> None:
    """Make Snakemake's records files of their own where DVC linked them into its cache.

    Snakemake writes its records in place; through a hard or symbolic link that would change
    what DVC has stored. With `cache.type` reflink or copy, as committed, there is none.
    """
    for path in folder.rglob("*"):
        if path.is_symlink() or (path.is_file() and path.stat().st_nlink > 1):
            own = path.with_name(path.name + ".own")
            shutil.copyfile(path, own)
            own.replace(path)


def reminder(experiment: str) -> str:
    """Where the report is, and what to do with it if DVC did not start this; empty without one."""
    path = Path("results", experiment, "report.pdf")
    if not path.exists():
        return ""
    if "DVC_STAGE" in os.environ or not Path(".dvc").is_dir():
        return f"Report: {path}"
    return (
        f"Report: {path}\nRecord it with `dvc repro` (no finished job runs again) "
        "before the next `dvc exp run`."
    )
