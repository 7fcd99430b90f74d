"""A folder of contributions: a folder for each person, in formats that differ."""

from __future__ import annotations

from collections.abc import Callable

from fairtrial.formats._recognition import SURENESS, Likeness, Listing

Recognise = Callable[[Listing], dict[str, Likeness]]


def contributions(listing: Listing, recognise: Recognise) -> Likeness | None:
    """What the format `contributors` sees in a folder: each folder in it is labelled in one format,
    and not all in the same. None where that is not so."""
    tops = sorted({image.partition("/")[0] for image in listing.images if "/" in image})
    found = {top: _surest(recognise(Listing(listing.folder / top))) for top in tops}
    parts = {top: chosen for top, chosen in found.items() if chosen is not None}
    if len(parts) < len(found) or len({name for name, _ in parts.values()}) < 2:
        return None
    named = ", ".join(f"{top} ({name})" for top, (name, _) in parts.items())
    return Likeness(
        "certain",
        f"a folder for each of {len(parts)} contributors: {named}",
        {
            "parts": [
                {"folder": top, "format": name, "options": dict(likeness.options)}
                for top, (name, likeness) in parts.items()
            ]
        },
        tuple(f"{top}: {note}" for top, (_, like) in parts.items() for note in like.notes),
    )


def _surest(found: dict[str, Likeness]) -> tuple[str, Likeness] | None:
    """The only format that is surest and more than possible."""
    best = min((SURENESS.index(like.sure) for like in found.values()), default=len(SURENESS))
    surest = [(name, like) for name, like in found.items() if SURENESS.index(like.sure) == best]
    return surest[0] if len(surest) == 1 and best < SURENESS.index("possible") else None
