"""TensorBoard: an event file for each run, which grows by what is new.

Events stand in the order in which they come to be known and hold no time of the clock, so that
equal results give equal files, and what a killed call has left is the beginning of what is to
be written. They are written with TensorBoard's RecordWriter, for its EventFileWriter puts the
time into the file and into its name.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairtrial import FairtrialError
from fairtrial.files.folders import whole_file
from fairtrial.results.breakdowns import Breakdowns
from fairtrial.store import entries
from fairtrial.trackers._contract import Sent, TrackedExperiment, TrackedReport, TrackedRun
from fairtrial.trackers._tensorboard_graph import graph_of
from fairtrial.trackers._tensorboard_pictures import pictures

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

PACKAGE = "tensorboard"
NAME = "events.out.tfevents.0.fairtrial"
SPLITS = ("val", "test")


def send(experiment: TrackedExperiment, at: str) -> Sent:
    """Write what the event files in the folder `at` lack."""
    folder = Path(at) if at else entries.root() / "tensorboard" / experiment.name
    report, sent = experiment.report, Sent()
    drawn = pictures(report) if report and report.pictures else {}
    for run in experiment.runs:
        events = [*_epochs(run), *_final(experiment.name, run)]
        if report:
            events += [*_graph(experiment, run), *_images(drawn.get(run.name, {}))]
        if _written(folder / run.name / NAME, events):
            sent = sent.plus(len(run.epochs), len(run.final))
    if report and _written(folder / "report" / NAME, list(_report(report))):
        sent = sent.plus(files=1, finals=sum(len(c.numbers) for c in report.configurations))
    return sent


def _event(summary: Any, step: int = 0) -> Event:
    from tensorboard.compat.proto.event_pb2 import Event

    return Event(wall_time=float(step), step=step, summary=summary)


def _epochs(run: TrackedRun) -> Iterator[Event]:
    """Settings, then the metrics of each epoch."""
    from torch.utils.tensorboard import summary

    lines = [f"| {name} | {value} |" for name, value in run.settings.items()]
    table = "\n".join(["| setting | value |", "|---|---|", *lines])
    yield _event(summary.text("settings", table))
    for epoch in run.epochs:
        yield _event(_scalars(epoch.values), epoch.number)


def _scalars(values: Mapping[str, float]) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(value=[Summary.Value(tag=tag, simple_value=v) for tag, v in values.items()])


def _final(experiment: str, run: TrackedRun) -> Iterator[Event]:
    """Final metrics, beside the settings as TensorBoard's hyperparameters; curves of classes."""
    from torch.utils.tensorboard import summary

    if not run.final:
        return
    last = run.epochs[-1].number if run.epochs else 0
    final = {f"final/{name}": value for name, value in run.final.items()}
    plain = {k: v for k, v in run.settings.items() if isinstance(v, bool | int | float | str)}
    for part in summary.hparams(plain, dict.fromkeys(final, 0.0)):
        yield _event(part)
    yield _event(_scalars(final), last)
    yield from _curves(Path("results", experiment, "runs", run.name), last)


def _curves(folder: Path, step: int) -> Iterator[Event]:
    """Precision over recall of each class, by confidence."""
    from torch.utils.tensorboard import summary

    from fairtrial.results.csv_files import read_csv

    curves = Breakdowns(folder).class_curves
    counts = read_csv(folder / "per_class.csv", "split", "class")
    if not curves:  # classifiers have none
        return
    objects = {(str(r["split"]), r["class"]): r["objects"] for r in counts.to_dict("records")}
    for (split, name), curve in curves.items():
        number = objects[split, name]
        right = [number * recall for recall in curve["recall"]]
        precision = [0.0 if math.isnan(value) else value for value in curve["precision"]]
        false = [r / p - r if p else 0.0 for r, p in zip(right, precision, strict=True)]
        missed = [number - r for r in right]
        yield _event(
            summary.pr_curve_raw(
                *(f"{split}/{name}", right, false, [0.0] * len(right), missed),
                *(precision, curve["recall"], len(right)),
            ),
            step,
        )


def _graph(experiment: TrackedExperiment, run: TrackedRun) -> Iterator[Event]:
    """The network of the first run of each configuration."""
    from tensorboard.compat.proto.event_pb2 import Event

    first = next(r for r in experiment.runs if r.configuration == run.configuration)
    if run is first and run.final:
        graph = graph_of(experiment.name, run)
        if graph is not None:
            yield Event(wall_time=0.0, graph_def=graph)


def _images(drawn: Mapping[str, bytes]) -> Iterator[Event]:
    from PIL import Image
    from tensorboard.compat.proto.summary_pb2 import Summary

    for tag, png in drawn.items():
        with Image.open(io.BytesIO(png)) as image:
            width, height = image.size
        picture = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
        yield _event(Summary(value=[Summary.Value(tag=tag, image=picture)]))


def _report(report: TrackedReport) -> Iterator[Event]:
    """The answer as text, the numbers of configurations with their intervals, the files' places."""
    from torch.utils.tensorboard import summary

    answer = next(file for file in report.files if file.name == "answer.txt")
    text = "".join(f"    {line}\n" for line in answer.read_text(encoding="utf-8").splitlines())
    yield _event(summary.text("answer", text))
    listed = "\n".join(f"- {file.as_posix()}" for file in report.files)
    yield _event(summary.text("files", listed))
    for configuration in report.configurations:
        numbers = {f"{configuration.name}/{k}": v for k, v in configuration.numbers.items()}
        yield _event(_scalars(numbers))


def _written(file: Path, events: list[Event]) -> bool:
    """Bring an event file up to these events: add to it where it is their beginning, so that a
    running TensorBoard sees what is new, else replace it. Returns whether it was changed."""
    content = _content(events)
    before = b""
    with suppress(FileNotFoundError):
        before = file.read_bytes()
    if before == content:
        return False
    try:
        if before and content.startswith(before):
            with file.open("ab") as open_file:
                open_file.write(content[len(before) :])
        else:
            with whole_file(file, "wb") as new:
                new.write(content)
    except OSError as error:
        raise FairtrialError(f"{file}: cannot be written: {error.strerror}") from error
    return True


def _content(events: list[Event]) -> bytes:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    target = io.BytesIO()
    writer = RecordWriter(target)
    for event in [Event(wall_time=0.0, file_version="brain.Event:2"), *events]:
        writer.write(event.SerializeToString(deterministic=True))
    return target.getvalue()
