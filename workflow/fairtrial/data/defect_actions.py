"""The action that one source takes for each kind of defect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fairtrial import DataError
from fairtrial.data.defects import Defect

_MOST_LISTED = 20  # cases in one error message


class Actions:
    """The action for each kind of defect: that of the source's settings, or the kind's default."""

    def __init__(self, chosen: Mapping[str, str] | None = None) -> None:
        self._chosen = dict(chosen or {})

    def of(self, kind: type[Defect]) -> str:
        """The action for a kind."""
        return self._chosen.get(kind.name) or next(iter(kind.actions))

    def drops(self, kind: type[Defect]) -> bool:
        """Whether an image with such a defect cannot stay."""
        return self.of(kind) in {"drop_image", "refuse"}

    def refuse(self, defects: Iterable[Defect], where: str) -> None:
        """Raise DataError that lists the cases of all kinds whose action is `refuse`, if any."""
        kinds: dict[type[Defect], list[Defect]] = {}
        for case in sorted((d for d in defects if self.of(type(d)) == "refuse"), key=order):
            kinds.setdefault(type(case), []).append(case)
        if kinds:
            parts = (_refusal(kind, cases) for kind, cases in kinds.items())
            raise DataError(f"{where}: " + "\n".join(parts))


def _refusal(kind: type[Defect], cases: list[Defect]) -> str:
    """What is wrong, where, and what can be set, for the cases of one kind."""
    others = ", ".join(f"`{action}`" for action in kind.actions if action != "refuse")
    return (
        f"{kind.name}, {len(cases)} times. {kind.explanation}\n"
        f"{listed(map(str, cases))}\n"
        "If the data are meant to be so, set "
        f"`defects: {{{kind.name}: …}}` in the source's YAML; possible actions: {others}"
    )


def order(defect: Defect) -> tuple[str, str, str]:
    """The key by which defects are sorted: kind, file, and what was seen."""
    return defect.name, defect.where, defect.seen


def listed(cases: Iterable[str]) -> str:
    """Lines for an error message: the first cases, and how many more there are."""
    lines = [f"  {case}" for case in cases]
    if len(lines) > _MOST_LISTED:
        lines[_MOST_LISTED:] = [f"  … and {len(lines) - _MOST_LISTED} more"]
    return "\n".join(lines)
