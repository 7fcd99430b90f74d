"""The fonts that `report.fonts` names, as files of the project."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fairtrial import SettingsError
from fairtrial.files.checksums import sha256
from fairtrial.settings.stages import FontFile

SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")


def font_files(paths: Iterable[str]) -> tuple[FontFile, ...]:
    """The fonts by path and content. Raises SettingsError for all that are none."""
    wrong = [path for path in paths if Path(path).suffix.lower() not in SUFFIXES]
    missing = [path for path in paths if path not in wrong and not Path(path).is_file()]
    problems = [f"{path} is no {' or '.join(SUFFIXES)} file" for path in wrong]
    problems += [f"there is no file {path}" for path in missing]
    if problems:
        raise SettingsError(f"params.yaml: report.fonts: {'; '.join(problems)}")
    return tuple(FontFile(path=path, sha256=sha256(Path(path))) for path in paths)
