"""The section on costs as plain data: a table of sizes and times, and Pareto fronts as text."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from fairtrial.plugins import plugin
from fairtrial.report.wording import UNDEFINED, Verdict, time_text, verdict
from fairtrial.results import costs
from fairtrial.results.configuration import Configuration, shorten
from fairtrial.results.costs import Step, front, kinds, seconds
from fairtrial.results.experiment import ExperimentResults
from fairtrial.training.speed import Speed

DOUBTS: dict[Verdict, str] = {
    "not told apart": ", not told apart",
    "not tested": ", not tested",
}
PARTS = ("preprocess", "inference", "postprocess")  # of the time of an image, in printed order
COLUMNS = {  # cost → column of the table
    "Parameters, millions": "parameters",
    "GFLOPs": "gflops",
    "Time per image, ms": "time",
}


class SpeedTexts(TypedDict):
    """The time of one image: median and quartiles, its parts, and how it was measured."""

    time: str
    parts: str
    method: str


class CostRow(TypedDict):
    """The costs of one configuration. The last three are there only with times.

    `front`: the columns of the costs by which it is on the Pareto front.
    """

    letter: str
    label: str
    parameters: str
    gflops: str
    layers: str
    front: list[str]
    speed: NotRequired[SpeedTexts]
    time: NotRequired[str]
    training: NotRequired[str]


class FrontPart(TypedDict):
    """The Pareto fronts of one comparison: pairs of a cost and its front as text."""

    datasets: str
    rule: str
    split: str
    fronts: list[list[str]]


def cost(experiment: ExperimentResults, timings: bool) -> list[CostRow]:
    """A row for each configuration: the size of its model and, with `timings`, its times."""
    columns = _front_columns(experiment, timings)
    return [_row(c, columns.get(c.letter, []), timings) for c in experiment.configurations]


def size_notes(experiment: ExperimentResults) -> list[str]:
    """What backends say of the sizes of their models, with the configurations: `… (A, B).`; of all
    of several without them."""
    letters: dict[str, list[str]] = {}
    for c in experiment.configurations:
        record = c.first.record
        if not record.elsewhere:
            note = getattr(plugin("backends", record.backend), "size_note", None)
            letters.setdefault(note(record.settings) if note else "", []).append(c.letter)
    if len(letters) == 1 < len(experiment.configurations):
        return [f"{text}." for text in letters if text]
    return [f"{text} ({', '.join(of)})." for text, of in sorted(letters.items()) if text]


def _front_columns(experiment: ExperimentResults, timings: bool) -> dict[str, list[str]]:
    """Letter → the columns of the costs by which a configuration is on the Pareto front."""
    columns: dict[str, list[str]] = {}
    for comparison in experiment.comparisons:
        if len(comparison.configurations) == 1:
            continue
        for kind, read in kinds(timings).items():
            for step in front(comparison, read):
                columns.setdefault(step.configuration.letter, []).append(COLUMNS[kind])
    return columns


def _row(c: Configuration, front_columns: list[str], timings: bool) -> CostRow:
    model, gflops = c.first.record.model, costs.gflops(c)
    row = CostRow(
        letter=c.letter,
        label=shorten(c.short_label, 60),
        parameters=UNDEFINED if model is None else _thousands(model.parameters),
        gflops=UNDEFINED if gflops is None else _gflops(gflops),
        layers=UNDEFINED if model is None or model.layers is None else str(model.layers),
        front=front_columns,
    )
    if timings:
        row["speed"] = _speed(c.first.speed)
        row["time"] = row["speed"]["time"]
        row["training"] = time_text(seconds(c))
    return row


def fronts(experiment: ExperimentResults, timings: bool) -> list[FrontPart]:
    """A part for each comparison of several configurations; fronts go from cheap to expensive."""
    return [
        {
            "datasets": comparison.names,
            "rule": comparison.ranking_rule.label,
            "split": comparison.split,
            "fronts": [
                [kind.partition(",")[0], _front_text(steps)]
                for kind, read in kinds(timings).items()
                if (steps := front(comparison, read))
            ],
        }
        for comparison in experiment.comparisons
        if len(comparison.configurations) > 1
    ]


def _front_text(steps: list[Step]) -> str:
    """`A → B (+0.021, not told apart) → C (+0.050)`."""
    texts = []
    for step in steps:
        text = step.configuration.letter
        if step.gap is not None:
            doubt = DOUBTS.get(verdict(step.gap), "")
            text += f" (+{step.gap.gap:.3f}{doubt})"
        texts.append(text)
    return " → ".join(texts)


def _thousands(count: int) -> str:
    return f"{count:,}".replace(",", "\u202f")


def _speed(speed: Speed | None) -> SpeedTexts:
    """All times in milliseconds; dashes where the speed was not measured."""
    if speed is None:
        return {"time": UNDEFINED, "parts": UNDEFINED, "method": UNDEFINED}
    milliseconds = speed.parts
    parts = [f"{milliseconds[name]:.1f}" for name in PARTS if name in milliseconds]
    return {
        "time": f"{speed.median:.1f} ({speed.q1:.1f}–{speed.q3:.1f})",
        "parts": " / ".join(parts) or UNDEFINED,
        "method": f"{speed.device}, {speed.precision}, {speed.threads} threads, "
        f"{speed.imgsz} px, {speed.images} images",
    }


def _gflops(count: float) -> str:
    """One decimal; two significant digits below 0.1."""
    return f"{count:.1f}" if count >= 0.1 else f"{count:.2g}"
