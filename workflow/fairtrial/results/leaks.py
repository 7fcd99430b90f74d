"""Configurations that learned from val, as `augment_val_leak` has them do."""

from __future__ import annotations

from collections.abc import Iterable

from fairtrial.results.configuration import Configuration
from fairtrial.settings.choice import LEAK


def leaking(configurations: Iterable[Configuration]) -> list[Configuration]:
    """Those that were trained on augmented images of val, or continue one that was."""
    found: dict[str, Configuration] = {}
    everyone = list(configurations)
    for _ in everyone:  # one that continues another may stand before it
        for c in everyone:
            leaks = any(run.record.settings.get(LEAK) for run in c.runs)
            if leaks or c.first.settings.get("continues") in found:
                found.setdefault(c.name, c)
    return [c for c in everyone if c.name in found]
