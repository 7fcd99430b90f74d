"""What a project lacks when Snakemake works in its folder for the first time.

snakedeploy copies config/ and profiles/, and no params.yaml and no link; a folder whose Snakefile
only says `module:` has nothing at all. The first `snakemake` writes what is missing, and nothing
later.

Only the standard library is imported: the Snakefile loads this file before any other of the
package.
"""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

FIRST = ".snakemake/fairtrial"  # is there when Snakemake has worked here before
SETTINGS = ("params.yaml", "config/sources", "config/datasets", "config/experiments")
SCHEMAS = "workflow/schemas"  # by which editors complete the settings
PROFILES = "profiles"
SLURM = "slurm"  # `snakemake --profile slurm` finds the profile by this link


def write_missing(project: Path, package: Path, profile_acts: bool) -> list[str]:
    """Write what a new project lacks, and return the names; nothing is overwritten.

    package: the folder of the package, with or below which the shipped files lie. profile_acts:
    whether Snakemake has found a profile that suits the workflow, so that none need be written.
    """
    installed = package / "project"
    shipped = installed if installed.is_dir() else package.parents[1]
    if (project / FIRST).exists() or shipped.resolve() == project.resolve():
        return []
    names = [*SETTINGS, SCHEMAS, *([] if profile_acts else [PROFILES])]
    missing = [name for name in names if not os.path.lexists(project / name)]
    for name in missing:
        _copy(shipped / name, project / name)
    profile = project / PROFILES / SLURM
    if profile.is_dir() and not os.path.lexists(project / SLURM):
        (project / SLURM).symlink_to(f"{PROFILES}/{SLURM}")
        missing.append(SLURM)
    return missing


def _copy(source: Path, target: Path) -> None:
    """Copy a file or folder, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}-{uuid.uuid4().hex}")
    if source.is_dir():
        shutil.copytree(source, new, ignore=shutil.ignore_patterns("__pycache__", "*.v9+.yaml"))
    else:
        shutil.copyfile(source, new)
    new.rename(target)
