"""init: a new project that uses an installed fairtrial."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import fairtrial
from fairtrial import SettingsError
from fairtrial.files.folders import whole_file

SNAKEFILE = """\
# The workflow is that of the installed fairtrial. A job that runs in a Snakemake of its own takes
# the copy that its driver made.
import os
from importlib.util import find_spec
from pathlib import Path

driver = workflow.is_main_process
package = Path(find_spec("fairtrial").origin).parent if driver else None
folder = package / "project" if driver else os.environ["FAIRTRIAL_SNAPSHOT"]


include: os.path.join(folder, "workflow/Snakefile")


# What an included file says of the default target does not count.
workflow.default_target = "all"
"""


def init(*folder: Path) -> None:
    """Lay out a new project that uses the installed fairtrial.

    It gets params.yaml, config/ with the shipped experiments, profiles/, dvc.yaml and a Snakefile;
    `git init` and `dvc init` are done where needed. Nothing is overwritten, and a later version of
    fairtrial changes none of these files.

    Args:
        folder: where to; made if it is missing
    """
    if len(folder) != 1:
        raise SettingsError("names one folder: `fairtrial init FOLDER`")
    shipped = Path(fairtrial.__file__).parent / "project"
    if not shipped.is_dir():
        raise SettingsError(
            f"{shipped.parent} is part of a checkout, which is a project already; init lays out one"
            " for a fairtrial that pip has installed"
        )
    _lay_out(shipped, folder[0])
    print(f"{folder[0]}: a new project. Now:\n\n  cd {folder[0]}\n  snakemake -n\n  snakemake")


def _lay_out(shipped: Path, target: Path) -> None:
    """Write the project's files. Raises SettingsError where one of them exists."""
    files = [path.relative_to(shipped) for path in sorted(shipped.rglob("*")) if path.is_file()]
    files = [name for name in files if _is_the_users(name)]
    names = [*files, Path("Snakefile"), Path("slurm")]
    if there := [str(name) for name in names if (target / name).exists()]:
        some = ", ".join(there[:3]) + (", …" if len(there) > 3 else "")
        raise SettingsError(f"{target}: has files already, and none is overwritten: {some}")
    for name in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shipped / name, target / name)
    _write(target / "Snakefile", SNAKEFILE)
    _write(target / "dvc.yaml", dvc_yaml((shipped / "dvc.yaml").read_text(encoding="utf-8")))
    (target / "slurm").symlink_to("profiles/slurm")
    if not any(
        (parent / ".git").exists() for parent in (target.resolve(), *target.resolve().parents)
    ):
        subprocess.run(["git", "init", "--quiet"], cwd=target, check=True)


def _is_the_users(name: Path) -> bool:
    """Whether a file belongs to the project: all but the rules, what they and snakedeploy need, and
    Python of the wheel."""
    of_workflow = name.parts[0] == "workflow" and name.parts[1] != "schemas"
    other = name.as_posix() in ("config/config.yaml", "requirements.lock")
    return not of_workflow and not other and name.suffix not in (".py", ".pyc")


def dvc_yaml(text: str) -> str:
    """dvc.yaml for a project without code: DVC cannot see the package, so its stage always runs.
    Snakemake decides what there is to do."""
    kept = [line for line in text.splitlines() if line.strip() != "- workflow"]
    at = next(i for i, line in enumerate(kept) if line.startswith("    cmd: "))
    return "\n".join([*kept[: at + 1], "    always_changed: true", *kept[at + 1 :], ""])


def _write(path: Path, text: str) -> None:
    with whole_file(path) as file:
        file.write(text)
