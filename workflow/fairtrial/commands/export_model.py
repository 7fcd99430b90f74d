"""export-model: a model as one file for other programs, checked on images with ground truth."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

from fairtrial import FairtrialError, SettingsError
from fairtrial.commands._measuring import MeasuringSet, measuring_set, outcome, predict_with
from fairtrial.commands._models import TrainedModel, find_trained, quiet, trusting_checkpoint
from fairtrial.stages.predict import one_by_one, predictor
from fairtrial.use.comparison import (
    ComparedMetric,
    ExportCheck,
    ImageTime,
    compared,
    default_tolerance,
    write_check,
)
from fairtrial.use.exporting import files_of, write_exported
from fairtrial.use.runtimes import open_exported

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "pt2": ".pt2"}
SHOWN = 10  # classes that are printed; the table has all


def export_model(
    model: str,
    /,
    *,
    to: str = "onnx",
    file: Path | None = None,
    set: str = "",
    tolerance: float | None = None,
    imgsz: int | None = None,
    fixed: bool = False,
    batch: int = 0,
    half: bool = False,
    threads: int = 1,
    trust: str = "",
) -> None:
    """Write a model as one file for other programs, checked on test images.

    The exported file is run by its own runtime on the test images, through the same scorer as the
    original: the difference of AP (of accuracy, for classes) with its interval over images and
    the times of an image are printed, and written beside the file as .check.json and .check.csv.
    Where the loss is larger than the tolerance, no file is written.

    The file holds its classes, what is done before and behind it, the confidence that was chosen on
    val, and where it comes from. Needs `make venv EXTRAS=export`.

    Args:
        model: <experiment>/<run>, a folder in results/, or a checkpoint
        to: format of the file: onnx, openvino (.xml, with the weights in a .bin beside it) or pt2
            (torch.export's)
        file: the file to write; by default exports/<experiment>/<run> with the format's suffix
        set: the data set on whose test images it is checked; by default that of the run
        tolerance: how much the metric may fall; by default half the width of the interval, 0.002 at
            least and 0.02 at most
        imgsz: pixels of the longer side; by default those of the training
        fixed: images of one size alone, squares; by default of any size
        batch: how many images the file takes at once; 0: any number
        half: store the weights in half precision; they are computed with in single precision
        threads: CPU threads
        trust: the SHA-256 of a checkpoint whose maker you trust: it may run code when it is opened
    """
    if to not in SUFFIXES:
        raise SettingsError(f"--to: `{to}` is none of {', '.join(SUFFIXES)}")
    trained = find_trained(model, imgsz)
    path = file or Path("exports", f"{trained.label.removesuffix('.pt')}{SUFFIXES[to]}")
    if path.suffix != SUFFIXES[to]:
        raise SettingsError(f"--file: {path}: must end in {SUFFIXES[to]}")
    if batch < 0:
        raise SettingsError(f"--batch: {batch} is below 0")
    if not (name := set or trained.dataset):
        raise SettingsError(
            f"{model}: a checkpoint has no data set; --set names the one on which it is checked"
        )
    measuring = measuring_set(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{uuid.uuid4().hex}{path.suffix}")
    try:
        with quiet(), trusting_checkpoint(trust):
            _write(trained, part, fixed=fixed, batch=batch or None, half=half)
            check = _check(trained, part, path, measuring, tolerance, threads)
        print(_table(check))
        if not check.passed:
            raise FairtrialError(_refusal(check, path))
        for made, target in zip(files_of(part), files_of(path), strict=True):
            made.replace(target)
    finally:
        for made in files_of(part):
            made.unlink(missing_ok=True)
    write_check(check, path)
    print(f"{path}: written")


def _write(
    trained: TrainedModel, path: Path, *, fixed: bool, batch: int | None, half: bool
) -> None:
    exportable = trained.exportable()
    how = exportable.preparation
    if fixed and how.multiple is not None:
        size = -(-how.size // how.multiple) * how.multiple
        square = how.model_copy(update={"multiple": None, "size": size})
        exportable = replace(exportable, preparation=square)
    metadata = trained.metadata(exportable, batch, "fp16" if half else "fp32")
    write_exported(exportable, metadata, path)


def _check(
    trained: TrainedModel,
    part: Path,
    path: Path,
    measuring: MeasuringSet,
    tolerance: float | None,
    threads: int,
) -> ExportCheck:
    """Predict with both models, and compare them. `part` is what will be called `path`."""
    settings = trained.settings()
    images, data = measuring.images, measuring.data
    with predictor(settings, trained.weights, data, threads) as found:
        original = outcome(one_by_one(found), images, "images (original)")
    exported = open_exported(part, threads)
    confidence = getattr(settings, "conf", 0.0)
    seen = outcome(predict_with(exported, data, confidence), images, "images (exported)")
    rows = compared(measuring.truth, measuring.draws, original, seen)
    allowed = default_tolerance(rows[0]) if tolerance is None else tolerance
    return ExportCheck(
        file=path.name,
        original=trained.label,
        dataset=measuring.name,
        split=measuring.split,
        images=len(images),
        units=measuring.draws.units,
        metric="AP" if measuring.truth.task == "detect" else "accuracy",
        tolerance=allowed,
        passed=-(rows[0].difference or 0.0) <= allowed,
        rows=rows,
        milliseconds=ImageTime(original=original.milliseconds, exported=seen.milliseconds),
        device="cpu",
        threads=threads,
    )


def _table(check: ExportCheck) -> str:
    """The metric of all classes, and of those that differ most."""
    of_classes = "AP" if check.metric == "AP" else "recall"
    most = sorted(check.rows[1:], key=lambda row: -abs(row.difference or 0.0))[:SHOWN]
    rows = [check.rows[0], *(row for row in check.rows[1:] if row in most)]
    width = max(len(row.of_class) for row in rows)
    lines = [
        f"{check.original} and {check.file} on {check.images} images "
        f"({check.split} of {check.dataset}); {check.metric}, of single classes {of_classes}:",
        f"  {'':<{width}}  original  exported  difference (95 % interval)",
    ]
    lines += [f"  {row.of_class:<{width}}  {_cells(row)}" for row in rows]
    times = check.milliseconds
    lines.append(f"one image: original {times.original:.1f} ms, exported {times.exported:.1f} ms")
    return "\n".join(lines)


def _cells(row: ComparedMetric) -> str:
    if row.difference is None:
        return "no objects"
    cells = f"{row.original:8.4f}  {row.exported:8.4f}  {row.difference:+.4f}"
    return cells if row.low is None else f"{cells} ({row.low:+.4f} to {row.high:+.4f})"


def _refusal(check: ExportCheck, path: Path) -> str:
    return (
        f"{path}: not written: the exported model loses {check.loss:.4f} {check.metric} on "
        f"{check.images} images, more than the tolerance of {check.tolerance:.4f} (--tolerance)"
    )
