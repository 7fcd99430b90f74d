"""Which GPU of this machine each job of this folder has, or that it waits for one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fairtrial.commands._run_states import Row
from fairtrial.devices import cards, claims
from fairtrial.devices.claims import Claim


def note_cards(experiment: str, rows: Iterable[Row]) -> None:
    """Note it in the rows of an experiment."""
    found = {claim.job: claim for claim in claims.seen() if claim.folder == str(Path.cwd())}
    if not found:
        return
    names = {card.uuid: str(card) for card in cards.all_cards()}
    for row in rows:
        claim = found.get(f"{row.stage} {experiment}/{row.run}")
        if claim is not None:
            row.gpu = _place(claim, names)
            row.note = row.note or ("" if claim.taken else "waits for a GPU")


def _place(claim: Claim, names: dict[str, str]) -> str | None:
    return ", ".join(names.get(uuid, uuid) for uuid in claim.taken) or None
