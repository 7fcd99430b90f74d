"""The folders of the package in which one module is one plugin: backends, formats, sources,
trackers."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

from fairtrial import SettingsError


@cache
def plugins(kind: str) -> tuple[str, ...]:
    """The modules of one folder: backends, formats, sources or trackers.

    A leading underscore marks a module that serves others.
    """
    folder = Path(__file__).parent / kind
    return tuple(sorted(p.stem for p in folder.glob("*.py") if not p.stem.startswith("_")))


def plugin(kind: str, name: str) -> Any:
    """One module of a folder. Raises SettingsError, listing them, where there is none such."""
    if name not in plugins(kind):
        raise SettingsError(f"no such {kind[:-1]}: `{name}`; known: {', '.join(plugins(kind))}")
    return importlib.import_module(f"fairtrial.{kind}.{name}")
