"""Where raw files come from: one module a kind.

Each has `Settings` (a closed model of its part of config/sources/<name>.yaml) and
`fetch(settings, name, folder, partial)`, which fills the empty `folder` with the raw files
of the source `name`, or raises; what may speed up the next try stays in `partial`.
To add a kind, add a module.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from fairtrial import SettingsError


def kinds() -> list[str]:
    """The kinds of source there are: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def module(kind: str) -> Any:
    """The module of one kind. Raises SettingsError, listing the kinds, for an unknown one."""
    if kind not in kinds():
        raise SettingsError(f"kind: {kind!r} is not a source; there are {', '.join(kinds())}")
    return importlib.import_module(f"{__name__}.{kind}")
