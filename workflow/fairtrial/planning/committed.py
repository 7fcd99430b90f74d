"""params.yaml as it is in git: what the present one departs from."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from fairtrial.files import snapshot
from fairtrial.files.yamlfile import read_yaml, read_yaml_text
from fairtrial.planning.config_files import PARAMS

ABSENT = "absent"


def departures() -> list[str]:
    """The parameters of params.yaml whose values differ from those of the last commit, such as
    `lr0: 0.0001 (0.002 in the last commit)`; none where no commit has the file."""
    committed = _params_of("HEAD")
    if committed is None:
        return []
    now = _flat(read_yaml(snapshot.root() / PARAMS, PARAMS))
    before = _flat(committed)
    return [
        f"{name}: {now.get(name, ABSENT)} ({before.get(name, ABSENT)} in the last commit)"
        for name in dict.fromkeys([*now, *before])
        if now.get(name) != before.get(name)
    ]


def params_before_dvc() -> dict[str, Any] | None:
    """params.yaml as it was before `dvc exp run -S …` changed it; None outside of such a call."""
    revision = os.environ.get("DVC_EXP_BASELINE_REV")
    return _params_of(revision) if revision else None


def _flat(params: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """`section.key` → the value as JSON."""
    flat: dict[str, str] = {}
    for key, value in params.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = json.dumps(value, default=str)
    return flat


def _params_of(revision: str) -> dict[str, Any] | None:
    """params.yaml of a git revision; None where that has none, or there is no git."""
    command = ["git", "show", f"{revision}:./{PARAMS}"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return read_yaml_text(answer.stdout, revision) if answer.returncode == 0 else None
