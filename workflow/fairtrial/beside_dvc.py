"""What the workflow does because DVC stands around it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from fairtrial.yamlfile import read_yaml_text


def params_before() -> dict[str, Any] | None:
    """params.yaml as it was before `dvc exp run -S …` changed it; None outside of such a call."""
    revision = os.environ.get("DVC_EXP_BASELINE_REV")
    if not revision:
        return None
    asked = subprocess.run(
        ["git", "show", f"{revision}:params.yaml"], capture_output=True, text=True, check=False
    )
    return read_yaml_text(asked.stdout, revision) if asked.returncode == 0 else None


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
