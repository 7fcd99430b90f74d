"""The table of page one to paste: Markdown for a README, LaTeX with booktabs for a paper.

The best value of each metric is bold, and a sign at each other one tells whether it can be told
from that of the best configuration on val.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from fairtrial.files.folders import whole_file
from fairtrial.report.answer import Answer, answer, intervals_text, legend
from fairtrial.report.signs import signs_of
from fairtrial.report.tables import caption
from fairtrial.report.wording import gap_text, listed, spread, time_text
from fairtrial.results.costs import seconds
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.scoring.task_metrics import LOWER_IS_BETTER

# As wide as its content, or as the text where that is less.
FITTED = r"\resizebox{\ifdim\width>\linewidth \linewidth\else\width\fi}{!}{%"
FIRST_OTHER_SCRIPT = 0x180  # the Latin letters before it are known to every LaTeX
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "_": r"\_", "%": r"\%", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "–": "--", "≈": r"$\approx$", "↓": r"$\downarrow$", "↑": r"$\uparrow$",
    "−": "$-$", "×": r"$\times$", "·": r"$\cdot$", "≤": r"$\leq$", "≥": r"$\geq$",
    "→": r"$\rightarrow$", "µ": r"$\mu$", "μ": r"$\mu$", "…": r"\dots{}", "—": "---",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''", "’": "'",
    "‘": "`", "“": "``", "”": "''", "„": ",,", "\u200b": "",
}  # fmt: skip


class PaperCell(NamedTuple):
    """A text, and whether it is the best of its column."""

    text: str
    best: bool = False


def cells(comparison: Comparison, timings: bool) -> list[list[PaperCell]]:
    """A heading, then a row for each configuration, the best on val first."""
    metrics, outcome = comparison.table_metrics, answer(comparison)
    ranked = comparison.ranked()
    named = not ranked[0].differs or any(c.named for c in ranked)
    heading = ["", *(["configuration"] if named else []), *ranked[0].differs]
    heading += [comparison.repeated, *(METRIC_NAMES.get(m, m) for m in metrics)]
    heading += [f"{outcome.best} above it (95 %)"] if outcome.gaps else []
    heading += ["training"] if timings else []
    columns = [_metric_column(comparison, metric, outcome) for metric in metrics]
    rows = [[PaperCell(text) for text in heading]]
    for place, c in enumerate(ranked):
        texts = [c.letter, *([c.name] if named else []), *c.differs.values(), str(len(c.repeats))]
        gap = [gap_text(outcome.gaps.get(c.letter))] if outcome.gaps else []
        after = gap + ([time_text(seconds(c))] if timings else [])
        values = [column[place] for column in columns]
        rows.append([*map(PaperCell, texts), *values, *map(PaperCell, after)])
    return rows


def _metric_column(comparison: Comparison, metric: str, outcome: Answer) -> list[PaperCell]:
    """A metric of each configuration: mean and spread, and the sign that compares it with the
    best on val."""
    split, ranked = comparison.split, comparison.ranked()
    means = [c.mean(split, metric) for c in ranked]
    defined = [mean for mean in means if mean is not None]
    best = (min if metric in LOWER_IS_BETTER else max)(defined, default=None)
    signs = signs_of(comparison, metric, outcome)
    return [
        PaperCell(
            f"{spread(c.scores(split, metric))} {signs.get(c.letter, '')}".strip(),
            len(ranked) > 1 and mean is not None and mean == best,
        )
        for c, mean in zip(ranked, means, strict=True)
    ]


def _note(comparison: Comparison) -> str:
    """The caption, the number of seeds, what the signs mean and which test they rest on, and what
    is bold."""
    outcome = answer(comparison)
    signs = legend(outcome, [signs_of(comparison, m, outcome) for m in comparison.table_metrics])
    if len(comparison.configurations) == 1:
        return caption(comparison) + _defined(comparison)
    told = f" At each metric: {signs}." if signs else ""
    tested = f" {intervals_text(comparison)}" if outcome.gaps else ""
    first = f"{caption(comparison)}{_repeats(comparison)}"
    return f"{first}{_defined(comparison)}{told}{tested} Bold: the best mean of a metric."


def _defined(comparison: Comparison) -> str:
    """At which confidence and overlap detections count, where a metric of the table asks for it."""
    asking = {"precision", "recall", "f1"} & set(comparison.table_metrics)
    if comparison.task != "detect" or not asking:
        return ""
    named = listed([METRIC_NAMES[m] for m in comparison.table_metrics if m in asking])
    return f" {named}: at IoU {comparison.iou} and the confidence that gives the best F1 on val."


def _repeats(comparison: Comparison) -> str:
    """How many seeds or folds a mean has, where it has several."""
    numbers = {len(c.repeats) for c in comparison.configurations}
    if numbers == {1}:
        return ""
    least, most = min(numbers), max(numbers)
    text = f"{most}" if least == most else f"{least} to {most}"
    return f" n = {text} {comparison.repeated}."


def write(experiment: ExperimentResults, timings: bool, as_markdown: Path, as_latex: Path) -> None:
    """Write comparison.md and comparison.tex."""
    with whole_file(as_markdown) as file:
        file.write(markdown(experiment, timings))
    with whole_file(as_latex) as file:
        file.write(latex(experiment))


def markdown(experiment: ExperimentResults, timings: bool) -> str:
    """A table for each comparison, as Markdown."""
    parts = []
    for comparison in experiment.comparisons:
        rows = cells(comparison, timings)
        lines = ["| " + " | ".join(map(_markdown_cell, row)) + " |" for row in rows]
        lines.insert(1, "|" + "".join(f" {_rule(text)} |" for text in _sides(comparison, rows)))
        parts.append("\n".join([*lines, "", _markdown(_note(comparison)), ""]))
    return "\n".join(parts)


def latex(experiment: ExperimentResults) -> str:
    """A table for each comparison, with caption and label; it needs the packages booktabs and
    graphicx."""
    label = re.sub(r"[^A-Za-z0-9-]+", "-", experiment.results.name)
    parts = []
    for number, comparison in enumerate(experiment.comparisons, 1):
        rows = cells(comparison, timings=False)  # a wall time says nothing of the method
        lines = [" & ".join(map(_latex_cell, row)) + r" \\" for row in rows]
        lines.insert(1, r"\midrule")
        name = label if len(experiment.comparisons) == 1 else f"{label}-{number}"
        parts.append(
            "\n".join(
                [
                    r"% needs \usepackage{booktabs} and \usepackage{graphicx}" + _engine(rows),
                    r"\begin{table}",
                    r"\centering",
                    r"\footnotesize",
                    r"\setlength{\tabcolsep}{3pt}",
                    rf"\caption{{{_latex(_note(comparison))}}}",
                    rf"\label{{tab:{name}}}",
                    FITTED,
                    rf"\begin{{tabular}}{{{''.join(_sides(comparison, rows))}}}",
                    r"\toprule",
                    *lines,
                    r"\bottomrule",
                    r"\end{tabular}}",
                    r"\end{table}",
                    "",
                ]
            )
        )
    return "\n".join(parts)


def _engine(rows: list[list[PaperCell]]) -> str:
    """For names in scripts of which pdfLaTeX knows nothing."""
    texts = "".join(cell.text for row in rows for cell in row)
    is_plain = all(ord(c) < FIRST_OTHER_SCRIPT or c in SPECIAL for c in texts)
    return "" if is_plain else ", and for these names XeLaTeX or LuaLaTeX"


def _sides(comparison: Comparison, rows: list[list[PaperCell]]) -> list[str]:
    """`l` or `r` for each column: numbers stand at the right."""
    heading = [cell.text for cell in rows[0]]
    left = heading.index(comparison.repeated)
    return ["l"] * left + ["r"] * (len(heading) - left)


def _rule(side: str) -> str:
    return "---:" if side == "r" else "---"


def _markdown_cell(cell: PaperCell) -> str:
    text = _markdown(cell.text)
    return f"**{text}**" if cell.best else text


def _latex_cell(cell: PaperCell) -> str:
    text = _latex(cell.text)
    return rf"\textbf{{{text}}}" if cell.best else text


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|$~])", r"\\\1", " ".join(text.split()))


def _latex(text: str) -> str:
    return "".join(SPECIAL.get(character, character) for character in " ".join(text.split()))
