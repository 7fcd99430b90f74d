"""Page one as plain text: what Snakemake shows when an experiment ends."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill, shorten

from fairtrial.report.comparison_part import ComparisonPart, ComparisonRow
from fairtrial.report.content import Content

WIDTH = 100  # characters of a line of prose
LABEL = 44  # characters of a configuration's label at most
BEST = "*"  # marks the best on val


def answer_text(content: Content) -> str:
    """The answer, the table and its caption for each comparison; then what to beware of."""
    parts = [_comparison(part) for part in content["comparisons"]]
    if cautions := content["cautions"]:
        parts.append("\n".join(["Beware:", *(_item(caution) for caution in cautions)]))
    return "\n\n".join([_prose(content["title"]), *parts]) + "\n"


def _comparison(part: ComparisonPart) -> str:
    headings = ["", "", "configuration", part["repeated"], *part["metrics"]]
    rows = [_cells(row) for row in part["rows"]]
    marks = f"{BEST} the best on val" + (f", {part['legend']}" if part["legend"] else "")
    gap = f"gap: how far {part['best']} lies above it, and its 95 % interval"
    if any(row["gap"] for row in part["rows"]):
        headings, marks = [*headings, "gap"], f"{marks}; {gap}"
    prose = [text for text in (part["headline"], part["details"]) if text]
    notes = [part["caption"], *([f"{marks}."] if part["best"] else [])]
    return "\n\n".join(
        [*map(_prose, prose), _table([headings, *rows]), "\n".join(map(_prose, notes))]
    )


def _cells(row: ComparisonRow) -> list[str]:
    label = shorten(" ".join(row["label"].split()), LABEL, placeholder=" …")
    mark = BEST if row["best"] else row["mark"]
    return [mark, row["letter"], label, str(row["repeats"]), *row["metrics"], row["gap"]]


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their longest text; of a text that no heading has, nothing is shown."""
    columns = len(rows[0])
    widths = [max(len(row[i]) for row in rows) for i in range(columns)]
    lines = (
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    )
    return "\n".join(lines)


def _prose(text: str) -> str:
    return fill(" ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False)


def _item(text: str) -> str:
    lines = fill(
        " ".join(text.split()), WIDTH - 2, break_long_words=False, break_on_hyphens=False
    ).split("\n")
    return "- " + "\n  ".join(lines)
