"""detect: what a model says of images and videos, drawn and in tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path, PurePosixPath

from fairtrial import DataError, SettingsError
from fairtrial.commands._models import open_model, trusting_checkpoint
from fairtrial.files.progress import progress
from fairtrial.files.text import counted
from fairtrial.files.threads import cores
from fairtrial.use.detecting import Tally, Work, detect_image, detect_video
from fairtrial.use.images import IMAGES, Input, found, is_address
from fairtrial.use.model import OpenModel
from fairtrial.use.tables import tables

SHOWN = 5  # broken images that are named one by one


def detect(
    model: str,
    /,
    *inputs: str,
    to: Path | None = None,
    json: Path | None = None,
    csv: Path | None = None,
    coco: Path | None = None,
    yolo: Path | None = None,
    confidence: float | None = None,
    imgsz: int | None = None,
    batch: int = 1,
    threads: int = 0,
    server: str | None = None,
    trust: str = "",
) -> None:
    """Detect objects in images and videos, or classify these.

    The model is a run, a checkpoint, or an exported file, which needs no torch. Inputs are images,
    videos, folders of them, archives (.zip, .tar), patterns such as `photos/*.jpg`, and addresses
    (http, rtsp). What cannot be read is left out and named. Ctrl-C ends a video where it is, and
    the file can be played. Videos need `make venv EXTRAS=video`. With --server a server has the
    model, and all words are inputs.

    Args:
        model: <experiment>/<run>, a checkpoint, or an exported file
        inputs: images, videos, folders, archives, patterns or addresses
        to: an image, a video (.mp4) or a folder to write, with boxes and labels
        json: a file to write: all detections, or the probability of each class
        csv: a file to write: the same as a table
        coco: a file to write: COCO's results list; what its ids mean is in <name>.images.json
        yolo: a folder to write: a text file an image, class and box as shares, with confidence
        confidence: least confidence of a detection; by default the one that was chosen on val, and
            0.25 for a checkpoint
        imgsz: pixels of the longer side; by default those of the training, 640 for a checkpoint
        batch: frames of a video that are predicted together
        threads: CPU threads; 0: all cores
        server: the address of a `fairtrial serve`, which is sent the images and the frames of
            videos; its token is in FAIRTRIAL_TOKEN
        trust: the SHA-256 of a checkpoint whose maker you trust: it may run code when it is opened
    """
    if server is not None:
        inputs = (model, *inputs)
    outputs = [path for path in (to, json, csv, coco, yolo) if path is not None]
    _refuse_bad_arguments(inputs, outputs, confidence, batch)
    sources = found(inputs)
    targets = _targets(sources, to)
    for text in inputs:
        _refuse_to_overwrite(text, outputs)
    tally = Tally()
    opening = _opened(model, server, confidence, imgsz, threads)
    with trusting_checkpoint(trust), opening as opened:
        if opened.task == "classify" and (coco or yolo):
            raise SettingsError(
                f"{server or model}: classifies whole images; --coco and --yolo hold boxes"
            )
        written = tables(
            opened.classes, json_file=json, csv_file=csv, coco_file=coco, yolo_folder=yolo
        )
        with written as write:
            _all(sources, targets, Work(opened, batch, write, tally))
    _tell(outputs, opened, tally)


def _opened(
    model: str, server: str | None, confidence: float | None, imgsz: int | None, threads: int
) -> AbstractContextManager[OpenModel]:
    if server is None:
        return open_model(model, confidence, imgsz, threads or cores())
    if imgsz is not None:
        raise SettingsError("--imgsz: the server says itself which size its model takes")
    from fairtrial.serving.client import open_server

    return open_server(server, confidence)


def _refuse_bad_arguments(
    inputs: Sequence[str], outputs: Sequence[Path], confidence: float | None, batch: int
) -> None:
    if not inputs:
        raise SettingsError("name the images or videos, for example `photos/*.jpg`")
    if not outputs:
        raise SettingsError("nothing to write: --to, --json, --csv, --coco or --yolo")
    if confidence is not None and not 0 <= confidence <= 1:
        raise SettingsError(f"--confidence: {confidence} is not between 0 and 1")
    if batch < 1:
        raise SettingsError(f"--batch: {batch} is below 1")


def _targets(sources: Sequence[Input], to: Path | None) -> list[Path | None]:
    """The file to draw each input into. Raises SettingsError where `to` names one file for
    several, or is of another kind."""
    if to is None:
        return [None] * len(sources)
    suffix = to.suffix.lower()
    if suffix != ".mp4" and suffix not in IMAGES:
        if suffix and not to.is_dir():
            raise SettingsError(f"--to: {to}: neither a folder, .mp4, nor {', '.join(IMAGES)}")
        return [to / _drawn_name(source) for source in sources]
    if len(sources) > 1:
        raise SettingsError(f"--to: {to} is one file, and there are {len(sources)} inputs")
    if sources[0].is_video != (suffix == ".mp4"):
        kind = "a video, written as .mp4" if sources[0].is_video else "an image"
        raise SettingsError(f"--to: {to}: {sources[0].shown} is {kind}")
    return [to]


def _drawn_name(source: Input) -> PurePosixPath:
    name = PurePosixPath(source.name)
    return name.with_suffix(".mp4") if source.is_video else name


def _refuse_to_overwrite(text: str, outputs: Sequence[Path]) -> None:
    """Raise SettingsError where an output lies in an input, or an input in an output folder."""
    if is_address(text):
        return
    source = Path(text).resolve()
    for output in outputs:
        target = output.resolve()
        if target.is_relative_to(source) or source.is_relative_to(target):
            raise SettingsError(
                f"{output} and {text} are one path, or one lies in the other, so what is read "
                "could be overwritten; choose another path"
            )


def _all(sources: Sequence[Input], targets: Sequence[Path | None], work: Work) -> None:
    """Predict all inputs. Ctrl-C ends it early; what cannot be read is left out."""
    stills = sum(not source.is_video for source in sources)
    with progress("images", stills) if stills else nullcontext(lambda: None) as advance:
        for source, target in zip(sources, targets, strict=True):
            try:
                if source.is_video:
                    detect_video(source, target, work)
                else:
                    detect_image(source, target, work)
                    advance()
            except DataError as error:
                work.tally.broken.append(str(error))
            except KeyboardInterrupt:
                work.tally.interrupted = True
            if work.tally.interrupted:
                return


def _tell(outputs: Sequence[Path], model: OpenModel, tally: Tally) -> None:
    """Say what was found and what was left out. Raises DataError where nothing could be read."""
    for text in tally.broken[:SHOWN]:
        print(f"left out: {text}", file=sys.stderr)
    if len(tally.broken) > SHOWN:
        print(f"left out: {len(tally.broken) - SHOWN} more", file=sys.stderr)
    if not tally.images and not tally.interrupted:
        raise DataError(f"nothing could be read: {tally.broken[0] if tally.broken else 'no image'}")
    found_objects = ", ".join(f"{number} {name}" for name, number in sorted(tally.counts.items()))
    limit = f", confidence {model.confidence:.3g} or more" if model.task == "detect" else ""
    print(
        f"{', '.join(map(str, outputs))}: {counted(tally.images, 'image')}{limit}: "
        f"{found_objects or 'nothing'}"
    )
    if tally.interrupted:
        raise KeyboardInterrupt(f"after {counted(tally.images, 'image')}; what is written is whole")
