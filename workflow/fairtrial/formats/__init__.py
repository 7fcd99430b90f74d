"""How annotations are written: one module a format.

Each has `Settings` (a closed model of `options:` in config/sources/<name>.yaml) and
`read(folder, options) -> (Dataset, defects)`: every image that the annotations name, with
`file_name` relative to `folder`, the width and height that they state (0 if they state
none) and boxes as written, however broken; and the defects that only the reader sees, each
with the `file_name` of its image. `convert` checks all of these against the image files, so
that every format is repaired by the same code.
A format may have `write(view, folder)`, the opposite: it fills an empty folder and returns
the options with which `read` reads it.
To add a format, add a module; a leading underscore marks one that serves others.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from fairtrial import SettingsError


def names() -> list[str]:
    """The formats there are: the modules of this folder."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if not name.startswith("_"))


def module(name: str) -> Any:
    """The module of one format. Raises SettingsError, listing them, for an unknown one."""
    if name not in names():
        raise SettingsError(f"format: {name!r} is unknown; there are {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")
