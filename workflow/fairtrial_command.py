"""The command `fairtrial`: runs the code of the project in which it is called.

The nearest `workflow/fairtrial` in the working directory or above wins over any installation, so
that copies of a project that share one environment, and DVC's temporary copies, run their own code.
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


def main() -> int:
    """Run the chosen code's command line, also in processes that it starts; its exit status."""
    code = nearest_code(Path.cwd())
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
