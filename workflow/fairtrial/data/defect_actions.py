"""What is done about each kind of defect in one source, and how that is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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
        cases = sorted((d for d in defects if self.of(type(d)) == "refuse"), key=_order)
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

    def summary(self, defects: Iterable[Defect]) -> dict[str, dict[str, Any]]:
        """Defects by kind, as quality.json shows them: explanation, action, count, cases."""
        kinds: dict[type[Defect], list[Defect]] = {}
        for defect in sorted(defects, key=_order):
            kinds.setdefault(type(defect), []).append(defect)
        return {
            kind.name: {
                "explanation": kind.explanation,
                "rule": self.of(kind),
                "action": kind.actions[self.of(kind)],
                "count": len(cases),
                "cases": [str(case) for case in cases],
            }
            for kind, cases in kinds.items()
        }


def _order(defect: Defect) -> tuple[str, str, str]:
    return defect.name, defect.where, defect.seen


def listed(cases: Iterable[str]) -> str:
    """Lines for an error message: the first cases, and how many more there are."""
    lines = [f"  {case}" for case in cases]
    if len(lines) > _SHOWN:
        lines[_SHOWN:] = [f"  … and {len(lines) - _SHOWN} more"]
    return "\n".join(lines)
