"""When a setting of a training acts: what a backend declares, and how a run is judged by it.

A backend lists its `EFFECTS` once. The planner refuses by them what an experiment sets and what
cannot act, the report warns by them of what acts in a small part of the epochs, and
config/README.md prints them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from fairtrial.training.settings import TrainingSettings

Values = Mapping[str, Any]  # settings by name
CLASSES = "classes"  # beside the settings: how many classes the data set has, None if not known yet
# What a run without an epoch depends on: settings of the model, and those that tell runs apart.
WITHOUT_EPOCH = {"pretrained", "epochs", "model", "depth", "imgsz", "seed", "replicate", "fitness"}


@dataclass(frozen=True)
class Effect:
    """A condition without which settings change nothing.

    settings: their names; when: the condition in words, after "acts only"; needs: the other
    settings that `acts` reads; off: values that say that nothing is to happen, which are
    never refused; epochs: of a training in which they act in some epochs only, how many.
    """

    settings: tuple[str, ...]
    when: str
    needs: tuple[str, ...]
    acts: Callable[[Values], bool]
    off: tuple[object, ...] = ()
    epochs: Callable[[Values], float] | None = None


def effects_of(backend: ModuleType) -> Sequence[Effect]:
    """What the module of a backend declares; nothing where it leaves `EFFECTS` out."""
    effects: Sequence[Effect] = getattr(backend, "EFFECTS", ())
    return effects


def idle(
    effects: Sequence[Effect], name: str, values: Values, space: Mapping[str, Sequence[Any]]
) -> str:
    """Why the setting `name` changes nothing; empty where it may act, or is switched off.

    space: the settings that a search varies, each with values at the ends of what it may have.
    Empty where it may act at any point of that space.
    """
    for effect in effects:
        if name in effect.settings:
            points = list(_points(effect, name, values, space))
            shown = [point for point in points if point.get(name) not in effect.off]
            if shown and not any(effect.acts(point) for point in shown):
                return effect.when
    return ""


def _points(
    effect: Effect, name: str, values: Values, space: Mapping[str, Sequence[Any]]
) -> Iterator[Values]:
    """The values with each combination of those settings of the space that matter."""
    varied = [key for key in dict.fromkeys((name, *effect.needs)) if key in space]
    for chosen in itertools.product(*(space[key] for key in varied)):
        yield {**values, **dict(zip(varied, chosen, strict=True))}


def partial(effects: Sequence[Effect], values: Values) -> dict[str, float]:
    """The settings that are switched on and act in less than half of the epochs, with how many."""
    found: dict[str, float] = {}
    for effect in effects:
        read = {*effect.settings, *effect.needs, "epochs"}
        if effect.epochs is not None and read <= values.keys():  # records of old may lack some
            epochs = effect.epochs(values)
            if epochs < values["epochs"] / 2:
                on = (name for name in effect.settings if values[name] not in effect.off)
                found |= dict.fromkeys(on, epochs)
    return found


def idle_in_job(effects: Sequence[Effect], values: Values, classes: int, on_gpu: bool) -> list[str]:
    """A text on each setting that changed nothing on this machine, or with this many classes."""
    texts = []
    if values.get("amp") and values["epochs"] and not on_gpu:
        texts.append("`amp` is true and had no effect: there was no GPU")
    for effect in effects:
        if CLASSES in effect.needs and not effect.acts({**values, CLASSES: classes}):
            on = [name for name in effect.settings if values[name] not in effect.off]
            texts += [f"`{name}` had no effect: it acts only {effect.when}" for name in on]
    return texts


# Of a rate that falls over the epochs from lr0 to lrf, on a line or (cos_lr) a cosine.
FALLING_RATE = (
    Effect(
        ("lrf",),
        "where there is a second epoch",
        ("epochs",),
        lambda values: values["epochs"] > 1,
    ),
    Effect(
        ("cos_lr",),
        "where the rate falls (`lrf` other than 1) over three epochs or more",
        ("epochs", "lrf"),
        lambda values: values["epochs"] > 2 and values["lrf"] != 1,
        off=(False,),
    ),
)


def common(settings: type[TrainingSettings]) -> tuple[Effect, ...]:
    """What holds for every backend."""
    trained = tuple(name for name in settings.model_fields if name not in WITHOUT_EPOCH)
    return (
        Effect(
            trained,
            "where something is trained (`epochs` above 0)",
            ("epochs",),
            lambda values: values["epochs"] > 0,
        ),
        Effect(
            ("patience",),
            "where it is below `epochs` - 1: a stop after the last epoch stops nothing (0: never)",
            ("epochs",),
            lambda values: values["patience"] < values["epochs"] - 1,
            off=(0,),
        ),
    )
