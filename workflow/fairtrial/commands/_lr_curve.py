"""The curve of a learning-rate range test, as a picture and as a table."""

from __future__ import annotations

from pathlib import Path

from fairtrial.files import csvfile
from fairtrial.files.folders import whole_file
from fairtrial.training.lr_range import RangeResult


def write_rows(result: RangeResult, path: Path) -> None:
    """A row a step: its rate, the loss of its batch, and the smoothed loss (empty where it is not
    finite)."""
    means = [*result.smoothed, *[""] * (len(result.losses) - len(result.smoothed))]
    steps = range(1, len(means) + 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        rows = zip(steps, result.rates, result.losses, means, strict=True)
        csvfile.write_rows(file, ("step", "lr", "loss", "smoothed_loss"), rows, digits=6)


def write_curve(result: RangeResult, title: str, path: Path) -> None:
    """The losses against the rate, the smoothed ones as a line, and the proposal."""
    from fairtrial.figures import base

    means = result.smoothed
    with base.style(), whole_file(path, "wb") as file:
        figure = base.new_figure(8.0)
        axes = figure.add_subplot()
        axes.plot(
            result.rates[: len(means)], result.losses[: len(means)], ".", color=base.OTHERS, ms=3
        )
        axes.plot(result.rates[: len(means)], means, color=base.COLOURS[2])
        if means:
            highest = max(1.5 * means[min(len(means) - 1, 10)], 1.1 * min(means))
            axes.set_ylim(0.9 * min(*means, *result.losses[: len(means)]), highest)
        if result.proposal is not None:
            axes.axvline(result.proposal, color=base.COLOURS[4], linestyle=base.DASHES[1])
            axes.annotate(
                f"lr0: {result.proposal:g}",
                (result.proposal, 0.97),
                xycoords=("data", "axes fraction"),
                xytext=(4, 0),
                textcoords="offset points",
                va="top",
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda rate, _: f"{rate:g}")
        axes.set(xlabel="learning rate", ylabel="loss on train (dots: a batch; line: smoothed)")
        axes.set_title(f"{title}: learning-rate range test")
        figure.savefig(file, format="png", dpi=200, metadata={"Software": None})
