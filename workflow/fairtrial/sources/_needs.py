"""What `download` needs, so that `doctor` can check it before any job runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fairtrial.sources._fetching import RemoteFile


@dataclass(frozen=True)
class Needs:
    """Files of a server or its mirror, paths on this machine, and bytes of the raw files."""

    fetched: Sequence[RemoteFile] = ()
    places: Sequence[Path] = ()
    later: int = 0  # at most so many further files, whose names are in the first ones
    size: int = 0  # approximately; 0 where it is unknown before the download
