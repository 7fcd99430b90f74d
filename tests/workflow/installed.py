"""The package as pip installs it, and projects that hold none of its code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from project import (
    CHECKOUT,
    QUICK,
    QUICK_EXPERIMENT,
    QUICK_SOURCE,
    QUICK_STUBS,
    STAGES,
    STUBS,
    Project,
)

BUILT = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "params.yaml", "dvc.yaml")
BUILT += ("requirements.lock", ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore")
BUILT += (".dvc/plots/runs.json",)
FOLDERS = ("workflow", "config", "profiles")


def checkout_at(folder: Path) -> Path:
    """What is built, and deployed from git, of this checkout."""
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "*.v9+.yaml")
        shutil.copytree(CHECKOUT / name, folder / name, ignore=ignored)
    for name in BUILT:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CHECKOUT / name, folder / name)
    return folder


def install(folder: Path) -> Path:
    """A folder into which `pip install .` has installed; the command is in its `bin`."""
    site = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    pip += ["--no-build-isolation", "--disable-pip-version-check", "--target", str(site), "."]
    subprocess.run(pip, cwd=checkout_at(folder / "source"), check=True, capture_output=True)
    return site


class InstalledProject(Project):
    """A project whose code is the package in `site`."""

    def __init__(self, root: Path, site: Path, stubs: tuple[str, ...] = STAGES) -> None:
        super().__init__(root, stubs)
        self.site = site
        folders = (site / "bin", Path(sys.executable).parent)
        self.env["PATH"] = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
        self.env["PYTHONPATH"] = f"{STUBS}{os.pathsep}{site}"

    def init(self) -> None:
        """Lay it out as `fairtrial init` does."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(exist_ok=True)
        self.run("fairtrial", "init", ".")

    def copy(self, root: Path) -> InstalledProject:
        subprocess.run(["cp", "-a", self.root, root], check=True)
        return InstalledProject(root, self.site, tuple(self.env["STUB_STAGES"].split(",")))

    def snakemake(self, *arguments: str, check: bool = True, **env: str) -> str:
        done = self.run("snakemake", *arguments, check=check, **env)
        return done.stdout + done.stderr

    def choose(self, experiment: str) -> None:
        """Write an experiment, and choose it."""
        self.write("config/experiments/compare.yaml", experiment)
        self.edit("params.yaml", "experiment: quickstart", "experiment: compare")


def quick_project(root: Path, site: Path) -> InstalledProject:
    """A project of `fairtrial init` whose runs are trained by quick_backend.py."""
    shutil.copy(QUICK, site / "fairtrial/backends/quick.py")
    project = InstalledProject(root, site, QUICK_STUBS)
    project.init()
    project.choose(QUICK_EXPERIMENT)
    project.write("config/sources/shapes.yaml", QUICK_SOURCE)
    return project
