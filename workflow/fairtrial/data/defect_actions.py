"""What is done about each kind of defect in one source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fairtrial import DataError
from fairtrial.data.defects import Defect

_SHOWN = 20  # cases in one error


class Actions:
    """What is done about each kind: its default, or what the source's settings say instead."""

    def __init__(self, chosen: Mapping[str, str] | None = None) -> None:
        self._chosen = dict(chosen or {})

    def of(self, kind: type[Defect]) -> str:
        """The action for a kind."""
        return self._chosen.get(kind.name) or next(iter(kind.actions))

    def drops(self, kind: type[Defect]) -> bool:
        """Whether an image with such a defect cannot stay."""
        return self.of(kind) in {"drop_image", "refuse"}

    def refuse(self, defects: Iterable[Defect], where: str) -> None:
        """Raise DataError, listing the cases, where there is one of a kind to be refused."""
        cases = sorted((d for d in defects if self.of(type(d)) == "refuse"), key=order)
        if not cases:
            return
        kind = type(cases[0])
        cases = [case for case in cases if type(case) is kind]
        others = ", ".join(f"`{action}`" for action in kind.actions if action != "refuse")
        raise DataError(
            f"{where}: {kind.name}, {len(cases)} times. {kind.explanation}\n"
            f"{listed(map(str, cases))}\n"
            f"If that is right, say `defects: {{{kind.name}: …}}` in the source's YAML; "
            f"possible are {others}"
        )


def order(defect: Defect) -> tuple[str, str, str]:
    """What defects are sorted by: kind, file, and what was seen."""
    return defect.name, defect.where, defect.seen


def listed(cases: Iterable[str]) -> str:
    """Lines for an error message: the first cases, and how many more there are."""
    lines = [f"  {case}" for case in cases]
    if len(lines) > _SHOWN:
        lines[_SHOWN:] = [f"  … and {len(lines) - _SHOWN} more"]
    return "\n".join(lines)
