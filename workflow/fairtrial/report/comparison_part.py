"""The table of page one as plain data: configurations with their metrics, signs and gaps."""

from __future__ import annotations

from typing import TypedDict

from fairtrial.report import answer as answers
from fairtrial.report.answer import Answer
from fairtrial.report.signs import signs_of
from fairtrial.report.tables import caption
from fairtrial.report.wording import gap_text, spread
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.run import METRIC_NAMES
from fairtrial.scoring.task_metrics import DETECTION_TABLE_METRICS

# Characters that the table of page one has for settings; fewer where metrics have a spread. Longer
# settings are printed below each row.
ROOM, ROOM_WITH_SPREAD = 34, 27
COLUMN, COLUMN_WITH_SPREAD = 7, 14  # characters of a column of metrics
FRONT, TOP = 8, 6  # with more configurations than the first, the best of them are on page one


class ComparisonRow(TypedDict):
    """One configuration in the table of page one; `signs`: one for each of `metrics`."""

    letter: str
    best: bool
    label: str
    settings: list[str]
    repeats: int
    metrics: list[str]
    signs: list[str]
    gap: str
    mark: str


class ComparisonPart(TypedDict):
    """The answer and the table of one comparison.

    `front`: how many of its rows stand on page one.
    `layout` of the settings: `columns` (one for each setting), `label` (one column), or `below`
    each row.
    """

    datasets: str
    split: str
    caption: str
    headline: str
    details: str
    best: str
    legend: str
    layout: str
    columns: list[str]
    repeated: str
    metrics: list[str]
    rows: list[ComparisonRow]
    front: int


def comparison_part(comparison: Comparison) -> ComparisonPart:
    """The table of a comparison, whole; page one shows its first rows."""
    answer = answers.answer(comparison)
    ranked = comparison.ranked()
    signs = [signs_of(comparison, metric, answer) for metric in comparison.table_metrics]
    columns = _as_named(ranked[0])
    settings = [[c.differs[key] for key in columns] for c in ranked]
    if any(c.named for c in ranked):
        columns = ["configuration", *columns]
        settings = [[c.name, *values] for c, values in zip(ranked, settings, strict=True)]
    return {
        "datasets": comparison.names,
        "split": comparison.split,
        "caption": caption(comparison),
        "headline": answer.headline,
        "details": answer.details,
        "best": answer.best,
        "legend": answers.legend(answer, signs),
        "layout": _layout(comparison, columns, settings),
        "columns": columns,
        "repeated": comparison.repeated,
        "metrics": [METRIC_NAMES.get(m, m) for m in comparison.table_metrics],
        "rows": [
            _row(
                c, values, comparison, answer, [of_metric.get(c.letter, "") for of_metric in signs]
            )
            for c, values in zip(ranked, settings, strict=True)
        ],
        "front": len(ranked) if len(ranked) <= FRONT else TOP,
    }


def _as_named(c: Configuration) -> list[str]:
    """The settings that differ, in the order of names and labels, which is that of the experiment's
    file."""
    places = {key: f"+{c.name}".find(f"+{key}=") for key in c.differs}
    return sorted(c.differs, key=lambda key: places[key] if places[key] >= 0 else len(c.name))


def _layout(comparison: Comparison, columns: list[str], settings: list[list[str]]) -> str:
    """The layout of the settings, by the room that they need; see ComparisonPart.

    settings: for each row the texts of `columns`.
    """
    widths = [max(map(len, column)) for column in zip(columns, *settings, strict=True)]
    longest_label = max(len(c.full_label) for c in comparison.configurations)
    with_spread = max(len(c.repeats) for c in comparison.configurations) > 1
    room, column = (ROOM_WITH_SPREAD, COLUMN_WITH_SPREAD) if with_spread else (ROOM, COLUMN)
    room -= column * (len(comparison.table_metrics) - len(DETECTION_TABLE_METRICS))
    if columns and sum(width + 2 for width in widths) <= room:
        return "columns"
    return "label" if longest_label <= room else "below"


def _row(
    c: Configuration,
    settings: list[str],
    comparison: Comparison,
    answer: Answer,
    signs: list[str],
) -> ComparisonRow:
    return {
        "letter": c.letter,
        "best": c.letter == answer.best,
        "label": c.full_label,
        "settings": settings,
        "repeats": len(c.repeats),
        "metrics": [spread(c.scores(comparison.split, m)) for m in comparison.table_metrics],
        "signs": signs,
        "gap": gap_text(answer.gaps.get(c.letter)),
        "mark": answer.marks.get(c.letter, ""),
    }
