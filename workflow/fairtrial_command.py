"""The command `fairtrial`: runs the code of the project in which it is called.

The nearest `workflow/fairtrial` in the working directory or above wins over any installation, so
that copies of a project that share one environment, and DVC's temporary copies, run their own code.
Jobs of a workflow run the copy of it that their driver made, whatever was edited meanwhile.
This module imports nothing of fairtrial before it has chosen, and nothing else imports it.
"""

import importlib.util
import os
import runpy
import sys
from pathlib import Path


def nearest_code(folder: Path) -> Path | None:
    """The `workflow` folder of the project that holds `folder`; None outside of any project."""
    folders = (parent / "workflow" for parent in (folder, *folder.parents))
    return next((f for f in folders if (f / "fairtrial/__main__.py").is_file()), None)


def snapshot_code(project: Path | None) -> Path | None:
    """The copy of the code that a driver made for this job; None in any other process.

    project: its folder `workflow`; None where the project has no code of its own. SystemExit where
    the copy is gone or was changed.
    """
    snapshot = Path(os.environ.get("FAIRTRIAL_SNAPSHOT", ""))
    folder = project.parent if project else Path.cwd()
    if folder.resolve() not in snapshot.parents:
        return None
    code = snapshot / "workflow"
    file = code / "fairtrial/files/snapshot.py"
    problem = f"{snapshot}: the code that this job was planned with is gone"
    if file.is_file():
        problem = runpy.run_path(str(file))["problem"](snapshot)
    if problem:
        sys.exit(f"fairtrial: {problem}; start the workflow again")
    return code


def main() -> int:
    """Run the chosen code's command line, also in processes that it starts; its exit status."""
    project = nearest_code(Path.cwd())
    code = snapshot_code(project) or project
    if code:
        sys.path.insert(0, str(code))
        others = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(code), *([others] if others else [])])
    elif importlib.util.find_spec("fairtrial") is None:
        print(
            f"fairtrial: {Path.cwd()} is not in a project (a folder with workflow/fairtrial),"
            " and fairtrial is not installed; call it in the project's folder",
            file=sys.stderr,
        )
        return 1
    # All that an older copy of this file has to know of newer code.
    runpy.run_module("fairtrial", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
