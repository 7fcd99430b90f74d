"""Everything that the template prints, as plain data: strings, numbers, lists."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

from fairtrial.dataset import SIDES
from fairtrial.report import answer as answers
from fairtrial.report.answer import UNDEFINED, duration, number, spread
from fairtrial.report.cautions import cautions, differences, overlaps
from fairtrial.report.tables import caption, seconds
from fairtrial.results import NAMES, SHOWN, Run, View
from fairtrial.trial import ABSENT, Comparison, Configuration, Trial, in_words, shorten, value

ROOM = 30  # characters for the settings in the table of page one; more stand under each row
PARTS = ("preprocess", "inference", "postprocess")  # as the table of speed names them in order
TIMED = ("memory_gb",)  # of the hardware, besides the clock: differs between two looks


def content(
    trial: Trial, settings: dict[str, Any], figures: list[dict[str, Any]]
) -> dict[str, Any]:
    """`settings` of the stage; `figures` as in figures.json."""
    timings = bool(settings.get("timings", True))
    sections: dict[str, list[dict[str, Any]]] = {}
    for row in figures:
        sections.setdefault(row["section"], []).append(row)
    return {
        "experiment": settings["experiment"],
        "title": settings.get("title") or settings["experiment"],
        "question": settings.get("question") or "",
        "metric": trial.metric,
        "base": in_words(trial.base),
        "timings": timings,
        "cautions": cautions(trial),
        "comparisons": [_comparison(c, timings) for c in trial.comparisons],
        "figures": sections,
        "classes": [_classes(c) for c in trial.comparisons],
        "views": [_view(view) for view in trial.views.values()],
        "cost": _cost(trial, timings),
        "runs": [_run(run, c, timings) for c in trial.configurations for run in c.runs],
        "provenance": _provenance(trial, timings),
    }


def _comparison(comparison: Comparison, timings: bool) -> dict[str, Any]:
    found = answers.answer(comparison)
    ranked = comparison.ranked()
    named = any(c.named for c in ranked)
    rows = [[c.name] * named + list(c.differs.values()) for c in ranked]
    columns = ["configuration"] * named + list(ranked[0].differs)
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    needed = sum(width + 2 for width in widths)
    told = max(len(c.told) for c in ranked)
    layout = "columns" if columns and needed <= ROOM else "about" if told <= ROOM else "beneath"
    return {
        "names": comparison.names,
        "split": comparison.split,
        "caption": caption(comparison),
        "answer": vars(found),
        "layout": layout,  # of the settings: columns, one column in words, or under each row
        "columns": columns,
        "figures": [NAMES.get(m, m) for m in SHOWN],
        "rows": [
            _row(c, comparison.split, found, timings) | {"settings": row}
            for c, row in zip(ranked, rows, strict=True)
        ],
    }


def _row(c: Configuration, split: str, found: answers.Answer, timings: bool) -> dict[str, Any]:
    return {
        "letter": c.letter,
        "best": c.letter == found.best,
        "about": c.told,
        "seeds": len(c.runs),
        "figures": [spread(c.scores(split, m)) for m in SHOWN],
        "time": duration(seconds(c)) if timings else "",
        "mark": found.marks.get(c.letter, ""),
    }


def _classes(comparison: Comparison) -> dict[str, Any]:
    """AP of each class: a row a class, a column a configuration, the best eight on val."""
    shown = comparison.ranked()[:8]
    table = shown[0].first.per_class.get(comparison.split, {})
    rows = [
        [name, f"{row['objects']:.0f}", *(_class_ap(c, comparison.split, name) for c in shown)]
        for name, row in table.items()
        if row["objects"] > 0
    ]
    return {
        "names": comparison.names,
        "split": comparison.split,
        "letters": [c.letter for c in shown],
        "left_out": len(comparison.configurations) - len(shown),
        "empty": len(table) - len(rows),
        "rows": rows,
    }


def _class_ap(configuration: Configuration, split: str, name: str) -> str:
    tables = [run.per_class.get(split, {}) for run in configuration.runs]
    found = [table[name]["AP"] for table in tables if name in table]
    return spread([ap for ap in found if math.isfinite(ap)])


def _view(view: View) -> dict[str, Any]:
    split, quality = view.split, view.quality or {}
    summary = split.get("summary") or {}
    sides = [side for side in SIDES if side in summary]
    return {
        "name": view.name,
        "certificate": _certificate(split),
        "overlaps": overlaps(view),
        "sides": sides,
        "totals": [_totals(summary, sides, key) for key in ("images", "objects", "groups")],
        "classes": [
            [name, *_class_counts(summary, sides, name)]
            for name in view.objects.categories.values()
        ],
        "quality": {k: value(quality, k) for k in quality if isinstance(quality[k], int)},
        "defects": [
            [
                kind.replace("_", " "),
                str(found.get("count", "")),
                str(found.get("action", "")),
                str(found.get("explanation", "")),
            ]
            for kind, found in sorted((quality.get("defects") or {}).items())
        ],
    }


def _certificate(split: dict[str, Any]) -> dict[str, str]:
    """How the sides were made: all of split.json that is short, but the images themselves."""
    told = {k: value(split, k) for k in split if k not in (*SIDES, "summary")}
    return {k: text for k, text in told.items() if len(text) <= 120}


def _totals(summary: dict[str, Any], sides: list[str], key: str) -> list[str]:
    return [str(summary[side].get(key, UNDEFINED)) for side in sides]


def _class_counts(summary: dict[str, Any], sides: list[str], name: str) -> list[str]:
    found = []
    for side in sides:
        counts = (summary[side].get("classes") or {}).get(name) or {}
        found += [str(counts.get("images", 0)), str(counts.get("objects", 0))]
    return found


def _cost(trial: Trial, timings: bool) -> list[dict[str, Any]]:
    rows = []
    for c in trial.configurations:
        model, speed = c.first.record.get("model") or {}, c.first.speed or {}
        row = {"letter": c.letter, "about": shorten(c.about, 60)}
        row["parameters"] = _thousands(model.get("parameters"))
        row["gflops"] = UNDEFINED if model.get("gflops") is None else f"{model['gflops']:.1f}"
        row["layers"] = value(model, "layers") if model.get("layers") is not None else UNDEFINED
        if timings:
            row |= _speed(speed)
        rows.append(row)
    return rows


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


def _run(run: Run, configuration: Configuration, timings: bool) -> dict[str, Any]:
    record = run.record
    sides = [side for side in ("val", "test") if run.metrics.get(side)]
    return {
        "name": run.name,
        "letter": configuration.letter,
        "seed": str(run.seed),
        "epochs": f"{record.get('best_epoch') or UNDEFINED} / {record.get('epochs_run')}",
        "confidence": number(run.metrics.get("confidence")),
        "sides": [
            [side, *(number(run.score(side, m)) for m in (*SHOWN, "AP75"))] for side in sides
        ],
        "time": duration(record.get("seconds")) if timings else "",
    }


def _provenance(trial: Trial, timings: bool) -> dict[str, Any]:
    """Settings shared by all configurations once, then what differs; the same for versions
    and hardware; checksums of code and data."""
    shared, _ = differences([c.first.settings for c in trial.configurations])
    records = [run.record for run in trial.runs]
    versions, unequal = differences([r.get("versions") or {} for r in records])
    machines = [_hardware(r, timings) for r in records]
    hardware, _ = differences(machines)
    return {
        "shared": [[k, value(shared, k)] for k in shared],
        "own": [
            [c.letter, c.name, [[k, v] for k, v in c.differs.items() if v != ABSENT]]
            for c in trial.configurations
        ],
        "versions": [[k, str(v)] for k, v in versions.items()],
        "unequal": unequal,
        "hardware": [[k, value(hardware, k)] for k in hardware],
        "commits": sorted({str(r.get("commit") or "none") for r in records}),
        "code": sorted({str(r.get("code")) for r in records}),
        "data": [row for view in trial.views.values() for row in _sums(view)],
        "weights": _weights(trial),
    }


def _hardware(record: dict[str, Any], timings: bool) -> dict[str, Any]:
    found = record.get("hardware") or {}
    return found if timings else {k: v for k, v in found.items() if k not in TIMED}


def _sums(view: View) -> list[list[str]]:
    """The files that a data set was made from, with their sha256."""
    files = {
        f"data/raw/{view.source}.sha256": view.data / "raw" / f"{view.source}.sha256",
        f"data/sets/{view.name}/annotations.json": view.folder / "annotations.json",
        f"data/sets/{view.name}/split.json": view.folder / "split.json",
    }
    return [[name, _sha256(path)] for name, path in files.items()]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "not here"


def _weights(trial: Trial) -> list[list[str]]:
    found = [(run.record.get("inputs") or {}).get("weights") for run in trial.runs]
    named = {str(w["path"]): str(w["sha256"]) for w in found if w}
    return [list(pair) for pair in sorted(named.items())]
