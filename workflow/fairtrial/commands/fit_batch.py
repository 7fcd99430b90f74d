"""fit-batch: the largest batch with which a run's training fits into a card's memory."""

from __future__ import annotations

import re
from typing import Any

import psutil

from fairtrial import SettingsError
from fairtrial.commands._batch_search import largest, outcome
from fairtrial.commands._planned_run import planned_run, training_files
from fairtrial.data.split_dataset import read_training_splits
from fairtrial.devices.cards import all_cards, visible
from fairtrial.files.nvml import Card
from fairtrial.files.text import counted, duration
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.training.batch_trial import BatchOutcome, BatchTrial

UNITS = {"MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}


def fit_batch(run: str, /, *, memory: str = "", most: int = 0, threads: int = 1) -> None:
    """Try which batch is the largest that fits into the memory of a GPU.

    Real steps of that run's training are tried: its own settings and network, the images of train
    with the most objects, one evaluation. Batches double from the run's own on, then the gap is
    halved; each has a process of its own. Nothing of them is kept, and no file is changed: the
    line for the experiment is printed. Of several GPUs one that nobody uses is taken, or else that
    with the most free memory, which then needs --memory, so that no other's training is ended.
    Without a GPU the memory of the whole process is measured against --memory.

    Args:
        run: <experiment>/<run>, or <experiment>/<configuration> for its first seed
        memory: what the training may take, as 8GB or 900MB; by default the whole GPU
        most: the largest batch to try; by default the images in train
        threads: CPU threads
    """
    experiment, name = planned_run(run, "no batch is trained")
    card = _card()
    limit = _limit(memory, card)
    trial, images = _trial(experiment, name, threads)
    own, most = trial.batch, min(most or images, images)
    print(f"{experiment.name}/{name}: batch {own}, {counted(images, 'image')} in train")
    print(f"{_place(card)}{f', of which {memory} may be taken' if memory else ''}")
    print(f"{'batch':>6}  {'memory':>9}  images a second", flush=True)
    seen: dict[int, BatchOutcome] = {}

    def fits(batch: int) -> bool:
        attempt = trial.model_copy(
            update={"batch": batch, "memory": limit if card is not None else None}
        )
        seen[batch] = outcome(attempt, limit if card is None else None, card.uuid if card else "")
        print(_row(batch, seen[batch]), flush=True)
        return seen[batch].fits

    found = largest(fits, own, most)
    for line in _sentences(experiment, name, found, seen, images):
        print(line)


def _card() -> Card | None:
    """The visible card that nobody uses, or else the one with the most free memory; None without
    one."""
    return max(visible(all_cards()), key=lambda c: (not c.processes, c.free), default=None)


def _limit(text: str, card: Card | None) -> int | None:
    """What --memory says in bytes. Raises SettingsError where it is no amount, is more than there
    is, or is missing although there is no GPU, or although others use it."""
    if not text:
        if card is None:
            raise SettingsError(
                "there is no GPU here: `--memory 8GB` says against which amount of this machine's "
                "memory the training is measured"
            )
        if card.processes:
            raise SettingsError(
                f"{card} is used by {counted(len(card.processes), 'program')}, whose memory would "
                f"be taken: `--memory` says how much of its {_gb(card.free)} may be; or wait"
            )
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([MG]i?B)", text, re.IGNORECASE)
    if match is None:
        raise SettingsError(f"--memory {text}: must be an amount such as 8GB or 900MB")
    limit = int(float(match[1]) * UNITS[match[2].upper()])
    free = psutil.virtual_memory().available if card is None else card.free
    if free and limit > free:
        where = "this machine" if card is None else str(card)
        raise SettingsError(f"--memory {text}: {where} has {_gb(free)} free at present")
    return limit


def _trial(experiment: PlannedExperiment, name: str, threads: int) -> tuple[BatchTrial, int]:
    """The training to be tried, with the run's own batch, and the images that it learns from."""
    settings = experiment.trained[name].train_settings
    files = training_files(experiment, name)
    values: dict[str, Any] = settings.settings
    splits = read_training_splits(files.annotations, files.split, values.get("train_share", 1.0))
    trial = BatchTrial(
        backend=settings.backend,
        settings=values,
        trusted=experiment.trusted(name),
        annotations=str(files.annotations),
        split=str(files.split),
        images=str(files.images),
        pretrained=str(files.pretrained) if files.pretrained else None,
        threads=threads,
        batch=values["batch"],
        memory=None,
    )
    return trial, len(splits["train"])


def _place(card: Card | None) -> str:
    if card is None:
        return "no GPU here: the memory of the whole process is measured, Python and torch included"
    free = f", {_gb(card.free)} free" if card.free else ""
    return f"GPU {card.index} {card.name}".rstrip() + free


def _row(batch: int, seen: BatchOutcome) -> str:
    rate = f"{seen.rate:.4g}" if seen.rate else "–"
    return f"{batch:>6}  {_gb(seen.peak):>9}  {rate if seen.fits else 'does not fit'}"


def _sentences(
    experiment: PlannedExperiment,
    name: str,
    found: int | None,
    seen: dict[int, BatchOutcome],
    images: int,
) -> list[str]:
    """What was found, for a person, and the line for the experiment."""
    if found is None:
        return ["not even a batch of 1 fits: a smaller network, or a smaller `imgsz`, needs less"]
    run = experiment.trained[name]
    own = run.settings["batch"]
    lines = [f"the largest batch that fits: {found}"]
    if found == images:
        lines[0] += ", all images of train"
    if found == own:
        lines.append("it is the run's own: nothing to be changed")
    else:
        lines.append(f"batch: {found}  # for {run.place or name} of {experiment.file}")
        lines.append(
            "Another batch is another training: it takes other steps, and `lr0` may have to change."
        )
    if found > 8:
        lines.append("Leave some room: what else uses the card counts, too.")
    epochs = run.settings["epochs"]
    return lines + [
        _pace(batch, seen[batch], images, epochs) for batch in sorted({own, found} & {*seen})
    ]


def _pace(batch: int, seen: BatchOutcome, images: int, epochs: int) -> str:
    """How long trainings with a batch would be."""
    if not seen.fits:
        return f"A batch of {batch}, the run's own, does not fit."
    if not seen.rate:
        return f"With a batch of {batch} an epoch has too few steps to tell its time."
    epoch = images / seen.rate
    return (
        f"With a batch of {batch} an epoch has {_time(epoch)} of steps, {counted(epochs, 'epoch')} "
        f"{_time(epoch * epochs)}; evaluation on val comes on top."
    )


def _time(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else duration(seconds)


def _gb(amount: int) -> str:
    return f"{amount / 1e9:.2f} GB"
