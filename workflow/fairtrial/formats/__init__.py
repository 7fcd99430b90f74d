"""How annotations are written: one module a format.

Each has `Settings` (a closed model of `options:` in config/sources/<name>.yaml) and
`read(folder, options) -> (Dataset, defects)`: every image that the annotations name, with
`file_name` relative to `folder`, the width and height that they state (0 if they state
none) and boxes as written, however broken. `convert` checks all of these against the
image files, so that every format is repaired by the same code.
To add a format, add a module.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from fairtrial import SettingsError


def names() -> list[str]:
    """The formats there are: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def module(name: str) -> Any:
    """The module of one format. Raises SettingsError, listing them, for an unknown one."""
    if name not in names():
        raise SettingsError(f"format: {name!r} is unknown; there are {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")
