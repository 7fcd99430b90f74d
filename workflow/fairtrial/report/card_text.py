"""winner.md: the model card, with the front matter that Hugging Face's Hub reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fairtrial.data.units import IMAGES
from fairtrial.files.folders import whole_file
from fairtrial.files.modelfile import write_model
from fairtrial.report.card import CardMetric, ModelCard, model_card
from fairtrial.report.content import Content
from fairtrial.report.winner import winner_of, write_weights
from fairtrial.report.wording import UNDEFINED, number
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.settings.stages import ReportSettings

BLANK = "*not stated*"
PIPELINES = {"detect": "object-detection", "classify": "image-classification"}


def write_winner(
    experiment: ExperimentResults,
    content: Content,
    settings: ReportSettings,
    weights: Path,
    facts: Path,
    file: Path,
) -> None:
    """Write the winner's weights, what is known of it, and its card into these three files."""
    winner = winner_of(experiment)
    write_weights(winner, weights)
    card = model_card(winner, content, settings)
    write_model(facts, card)
    with whole_file(file) as opened:
        opened.write(card_text(card))


def card_text(card: ModelCard) -> str:
    """The card as Markdown. Whoever uploads it writes the owner's repository before its name."""
    if card.run is None:
        return f"# {escaped(card.title)}\n\nThere is no winner to hand on: {card.problem}.\n"
    parts = [
        f"---\n{_yaml(_front_matter(card))}\n---\n",
        f"# {escaped(card.title)}\n",
        *([f"{escaped(card.question)}\n"] if card.question else []),
        *_sections(card),
    ]
    return "\n".join(parts)


def _sections(card: ModelCard) -> Iterator[str]:
    yield from ("## Model\n", _pairs(_model(card)))
    yield from ("## Why this one\n", _why(card))
    yield from ("## Use\n", _use(card))
    yield from ("## Data\n", _data(card))
    yield from ("## Metrics\n", _metrics(card))
    if card.classes:
        yield from ("## Classes\n", _classes(card))
    if card.errors:
        yield from ("## Kinds of error\n", _errors(card))
    yield from ("## Limits\n", _limits(card))
    yield from ("## Training\n", _training(card))


def _model(card: ModelCard) -> list[tuple[str, str | None]]:
    assert card.model is not None and card.run is not None
    model = card.model
    size = None if model.parameters is None else f"{model.parameters:,} parameters"
    if size and model.gflops is not None:
        size += f", {model.gflops:g} GFLOPs per image"
    confidence = None if model.task == "classify" else number(model.confidence)
    rows: list[tuple[str, str | None]] = [
        ("task", PIPELINES[model.task]),
        ("network", f"{model.name or UNDEFINED} ({model.backend})"),
        ("size", size),
        ("images", f"{model.imgsz} pixels" if model.imgsz else None),
        ("classes", ", ".join(model.classes)),
        ("began with", model.pretrained or "no pretrained checkpoint"),
        ("file", f"winner.pt, SHA-256 {card.run.weights_sha256}"),
        ("licence of the weights", card.licence),
    ]
    return rows if confidence is None else [*rows, ("confidence chosen on val", confidence)]


def _why(card: ModelCard) -> str:
    assert card.verdict is not None and card.run is not None
    verdict, run = card.verdict, card.run
    told = {
        True: "It is better than each of the others by more than chance.",
        False: "It is not better than all of the others by more than chance.",
        None: "There was nothing to compare it with.",
    }[verdict.told]
    compared = [f"Compared, the best on {verdict.split} first:\n", *_items(verdict.compared), ""]
    return "\n".join(
        [
            *(compared if len(verdict.compared) > 1 else ()),
            f"{escaped(verdict.headline)} {escaped(verdict.details)}".strip() + "\n",
            f"Chosen by {verdict.metric} on {verdict.split}: the configuration "
            f"{escaped(run.label)}, and of its runs the best there, {escaped(run.name)}. {told}\n",
        ]
    )


def _use(card: ModelCard) -> str:
    return "\n".join(
        [
            f"- intended use: {BLANK}",
            f"- what it must not be used for: {BLANK}",
            f"- contact: {BLANK}\n",
        ]
    )


def _data(card: ModelCard) -> str:
    assert card.data is not None
    data = card.data
    rows = [[split, str(size.images), str(size.objects)] for split, size in data.splits.items()]
    facts = [
        ("data set", f"{data.name}, of the source {data.source}"),
        ("licence of the data", data.licence),
        ("images may be handed on", "yes" if data.share else "no"),
        ("independent of each other", data.units),
    ]
    apart = " and no copy of one" if data.units == IMAGES else ", no copy of one and no group"
    checked = data.overlaps or (f"Checked: no image{apart} is in two splits.",)
    return "\n".join(
        [_pairs(facts), _table(["split", "images", "objects"], rows), *_items(checked), ""]
    )


def _metrics(card: ModelCard) -> str:
    rows = [
        [
            METRIC_NAMES.get(m.metric, m.metric),
            m.split,
            number(m.value),
            number(m.mean) + (f" ± {m.sd:.3f}" if m.sd is not None else ""),
            _interval(m.low, m.high),
        ]
        for m in card.metrics
    ]
    repeats = card.metrics[0].repeats
    heading = ["metric", "split", "this file", f"mean over {repeats}", "95 %"]
    note = (
        "The interval is that of this one training, over other images like these.\n"
        if repeats == "one seed"
        else "The interval is of the mean, over other seeds and other images like these.\n"
    )
    return "\n".join([_table(heading, rows), note])


def _classes(card: ModelCard) -> str:
    metric = METRIC_NAMES.get(card.classes[0].metric, card.classes[0].metric)
    rows = [[c.name, str(c.count), number(c.value), _interval(c.low, c.high)] for c in card.classes]
    return _table(["class", "in the split", metric, "95 %"], rows)


def _errors(card: ModelCard) -> str:
    rows = [[e.kind, number(e.cost), _interval(e.low, e.high)] for e in card.errors]
    note = "The AP50 that is gained when all errors of a kind are repaired (TIDE).\n"
    return "\n".join([_table(["kind", "costs", "95 %"], rows), note])


def _limits(card: ModelCard) -> str:
    known = card.limits or ("None was found in the results.",)
    return "\n".join([*_items(known), f"- beyond the results: {BLANK}\n"])


def _training(card: ModelCard) -> str:
    assert card.training is not None
    made = card.training
    commit = made.commit and made.commit + (", with changes" if made.uncommitted_changes else "")
    facts = [
        ("epochs", f"{made.epochs_run}, the best {made.best_epoch or UNDEFINED}"),
        ("time", None if made.seconds is None else f"{made.seconds:.0f} s"),
        ("hardware", made.hardware),
        ("energy", "not measured" if made.energy_kwh is None else f"{made.energy_kwh:g} kWh"),
        ("commit", commit),
        ("versions", ", ".join(f"{name} {text}" for name, text in sorted(made.versions.items()))),
    ]
    settings = [
        [key, json.dumps(value, ensure_ascii=False)] for key, value in sorted(made.settings.items())
    ]
    return "\n".join([_pairs(facts), _table(["setting", "value"], settings)])


# --------------------------------------------------------------------------- front matter


def _front_matter(card: ModelCard) -> dict[str, Any]:
    """The Hub's metadata. What is not known is left out: it verifies licences and data sets."""
    assert card.model is not None and card.data is not None
    pipeline = PIPELINES[card.model.task]
    matter: dict[str, Any] = {"license": card.licence} if card.licence else {}
    matter |= {
        "pipeline_tag": pipeline,
        "tags": ["fairtrial", card.model.backend],
        "model-index": [
            {
                "name": f"{card.experiment}-winner",
                "results": [
                    {
                        "task": {"type": pipeline},
                        "dataset": {
                            "name": card.data.name,
                            "type": card.data.name,
                            "split": split,
                        },
                        "metrics": [_evaluated(m) for m in metrics],
                    }
                    for split, metrics in _by_split(card.metrics)
                ],
            }
        ],
    }
    return matter


def _by_split(metrics: Sequence[CardMetric]) -> list[tuple[str, list[CardMetric]]]:
    """The metrics that the file has, by split."""
    splits = dict.fromkeys(m.split for m in metrics if m.value is not None)
    return [
        (split, [m for m in metrics if m.split == split and m.value is not None])
        for split in splits
    ]


def _evaluated(metric: CardMetric) -> dict[str, Any]:
    """The value of this very file."""
    name = METRIC_NAMES.get(metric.metric, metric.metric)
    return {"type": metric.metric.lower(), "value": metric.value, "name": name}


def _yaml(value: object, indent: str = "") -> str:
    """Mappings and lists of texts and numbers as YAML. Texts are written as JSON, which YAML reads,
    so that nothing in them is taken for anything else."""
    if isinstance(value, dict):
        return "\n".join(f"{indent}{key}:{_nested(inner, indent)}" for key, inner in value.items())
    if isinstance(value, list):
        return "\n".join(
            f"{indent}- {_yaml(item, indent + '  ').removeprefix(indent + '  ')}" for item in value
        )
    return f"{indent}{json.dumps(value, ensure_ascii=False)}"


def _nested(value: object, indent: str) -> str:
    if isinstance(value, dict | list):
        return f"\n{_yaml(value, indent + '  ')}"
    return f" {_yaml(value)}"


# --------------------------------------------------------------------------- Markdown


def escaped(text: str) -> str:
    """A text of a person as Markdown that shows it as it is, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~])", r"\\\1", " ".join(text.split()))


def _pairs(facts: Iterable[tuple[str, str | None]]) -> str:
    return "\n".join(f"- {name}: {escaped(text) if text else BLANK}" for name, text in facts) + "\n"


def _items(texts: Iterable[str]) -> list[str]:
    return [f"- {escaped(text)}" for text in texts]


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(map(escaped, row)) + " |" for row in (heading, *rows)]
    lines.insert(1, "|" + " --- |" * len(heading))
    return "\n".join(lines) + "\n"


def _interval(low: float | None, high: float | None) -> str:
    return UNDEFINED if low is None else f"{number(low)} to {number(high)}"
