"""What each configuration costs: a table, and the Pareto fronts in words."""

from __future__ import annotations

from typing import Any

from fairtrial.report.answer import UNDEFINED, duration
from fairtrial.results.configuration import setting_text, shorten
from fairtrial.results.costs import Step, front, kinds, seconds
from fairtrial.results.experiment import ExperimentResults

PARTS = ("preprocess", "inference", "postprocess")  # as the table of speed names them in order
FRONTS = {  # cost → column of the table
    "Parameters, millions": "parameters",
    "GFLOPs": "gflops",
    "Time an image, ms": "time",
    "Training, minutes": "training",
}


def cost(trial: ExperimentResults, timings: bool) -> list[dict[str, Any]]:
    """A row a configuration: its size and, with `timings`, its times; `front` names the columns
    by which it is on the Pareto front."""
    fronts: dict[str, list[str]] = {}
    for comparison in trial.comparisons:
        for kind, read in kinds(timings).items():
            for step in front(comparison, read) if len(comparison.configurations) > 1 else []:
                fronts.setdefault(step.configuration.letter, []).append(FRONTS[kind])
    rows = []
    for c in trial.configurations:
        model, speed = c.first.record.get("model") or {}, c.first.speed or {}
        row = {"letter": c.letter, "about": shorten(c.short_label, 60)}
        row["parameters"] = _thousands(model.get("parameters"))
        row["gflops"] = UNDEFINED if model.get("gflops") is None else _gflops(model["gflops"])
        row["layers"] = (
            setting_text(model, "layers") if model.get("layers") is not None else UNDEFINED
        )
        if timings:
            row |= _speed(speed) | {"training": duration(seconds(c))}
        rows.append(row | {"front": fronts.get(c.letter, [])})
    return rows


def fronts(trial: ExperimentResults, timings: bool) -> list[dict[str, Any]]:
    """Of each comparison, a line a cost: the members of its front from cheap to dear."""
    return [
        {
            "names": comparison.names,
            "rule": comparison.ranking_rule.label,
            "split": comparison.split,
            "lines": [
                [kind.partition(",")[0], _in_words(steps)]
                for kind, read in kinds(timings).items()
                if (steps := front(comparison, read))
            ],
        }
        for comparison in trial.comparisons
        if len(comparison.configurations) > 1
    ]


def _in_words(steps: list[Step]) -> str:
    """`A → B (+0.021, within the spread) → C (+0.050)`."""
    said = []
    for step in steps:
        text = step.configuration.letter
        if step.gap is not None:
            doubt = "" if step.gap.apart else ", within the spread"
            text += f" (+{step.gap.gap:.3f}{', one seed' if step.gap.p is None else doubt})"
        said.append(text)
    return " → ".join(said)


def _thousands(count: int | None) -> str:
    return UNDEFINED if count is None else f"{count:,}".replace(",", "\u202f")


def _speed(speed: dict[str, Any]) -> dict[str, str]:
    if not speed:
        return dict.fromkeys(("time", "parts", "how"), UNDEFINED)
    timed = speed.get("parts") or {}
    parts = [f"{timed[name]:.1f}" for name in PARTS if name in timed]
    return {
        "time": f"{speed['median']:.1f} ({speed['q1']:.1f}–{speed['q3']:.1f})",
        "parts": " / ".join(parts) or UNDEFINED,
        "how": f"{speed['device']}, {speed['precision']}, {speed['threads']} threads, "
        f"{speed['imgsz']} px, {speed['images']} images",
    }


def _gflops(count: float) -> str:
    """Tenths; of a network so small that they would show nothing, two digits."""
    return f"{count:.1f}" if count >= 0.1 else f"{count:.2g}"
