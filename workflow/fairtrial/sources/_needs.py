"""What `download` will ask for, so that it can be looked for before any job runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fairtrial.sources._fetching import Wanted


@dataclass(frozen=True)
class Needs:
    """Files of a server or its mirror, places on this machine, bytes of the raw files."""

    fetched: Sequence[Wanted] = ()
    places: Sequence[Path] = ()
    later: int = 0  # further files at most, of which the first ones tell the names
    size: int = 0  # about; 0: not known before they are there
