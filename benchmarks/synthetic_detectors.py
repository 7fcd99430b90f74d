"""Simulated detectors, whose AP on all images of their world is known: coverage of intervals.

Objects of several classes are easy or hard; so are images, and groups of images. A detector has a
quality, likes some objects better than others (all seeds of one configuration alike), and errs by
chance. No pixels: its detections are given as matches, as `validate` has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from fairtrial.scoring.intervals import interval
from fairtrial.scoring.matching import COCO_IOUS, Matches
from fairtrial.scoring.resampling import draw_weights
from fairtrial.scoring.verdict import Sample, gaps_to_best
from fairtrial.scoring.weighted_metrics import average_precisions

RESAMPLES = 200
POPULATION = 60_000  # images, from which the true AP is known to a thousandth
BETTER, WORSE = 1.2, 0.9  # qualities
SEED_SD = 0.1  # of the quality


@dataclass(frozen=True)
class World:
    """`objects`, `distractions`: how many of each class an image has on average. Groups of so many
    `images_a_group` are alike."""

    objects: tuple[float, ...]
    distractions: tuple[float, ...]
    images_a_group: int = 1


THREE = ((1.3, 0.9, 0.6), (1.5, 1.2, 1.0))
WORLDS = {
    "100 images, 3 classes": (World(*THREE), 100),
    "50 images, 3 classes": (World(*THREE), 50),
    "10 groups of 10 images, 3 classes": (World(*THREE, images_a_group=10), 100),
    "100 images, 12 classes, some rare": (
        World(tuple(np.geomspace(1.2, 0.05, 12)), tuple(np.geomspace(1.0, 0.2, 12))),
        100,
    ),
}


@dataclass(frozen=True)
class Places:
    """Objects, or distractions: the image and the class of each, and how hard (tempting) it is."""

    image: np.ndarray
    category: np.ndarray
    effect: np.ndarray


@dataclass(frozen=True)
class Scene:
    """Images of a world, the same for all detectors."""

    groups: np.ndarray  # (N,)
    counts: np.ndarray  # (N, C)
    objects: Places
    distractions: Places


def places(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    images, classes = counts.shape
    each = counts.ravel()
    return (
        np.repeat(np.repeat(np.arange(images), classes), each),
        np.repeat(np.tile(np.arange(classes), images), each),
    )


def scene(world: World, images: int, rng: np.random.Generator) -> Scene:
    groups = np.arange(images) // world.images_a_group
    hard = rng.normal(0, 0.7, images)
    if world.images_a_group > 1:
        hard += rng.normal(0, 0.8, groups.max() + 1)[groups]
    crowded = np.exp(0.4 * rng.standard_normal(images))[:, None]
    counts = rng.poisson(np.array(world.objects) * crowded)
    image, category = places(counts)
    objects = Places(image, category, hard[image] + rng.normal(0, 0.9, len(image)))
    cluttered = np.exp(0.5 * hard)[:, None]
    image, category = places(rng.poisson(np.array(world.distractions) * cluttered))
    return Scene(groups, counts, objects, Places(image, category, rng.normal(0, 1, len(image))))


def taste(world: World, here: Scene, rng: np.random.Generator) -> np.ndarray:
    """What a configuration finds easy beside its quality: one value an object."""
    image = here.objects.image
    liked = 0.5 * rng.standard_normal(len(image))
    liked += 0.3 * rng.standard_normal(len(here.groups))[image]
    if world.images_a_group > 1:
        liked += 0.4 * rng.standard_normal(here.groups.max() + 1)[here.groups][image]
    return liked


def detect(
    here: Scene, quality: float, rng: np.random.Generator, liked: np.ndarray | float = 0.0
) -> Matches:
    """The matches of a detector: each object is found once, well or badly, each distraction may be
    taken for an object."""
    objects, others = here.objects, here.distractions
    ease = quality + liked - objects.effect + 0.5 * rng.standard_normal(len(objects.effect))
    found = expit(ease + 0.5 * rng.standard_normal(len(ease)))
    iou = np.clip(0.62 + 0.11 * ease + 0.1 * rng.standard_normal(len(ease)), 0, 0.995)
    tempted = 0.6 * others.effect + 0.8 * rng.standard_normal(len(others.effect))
    false = expit(-1.3 - 0.35 * quality + 1.1 * tempted)
    category = np.concatenate([objects.category, others.category])
    confidence = np.concatenate([found, false])
    order = np.lexsort((-confidence, category))
    overlap = np.concatenate([iou, np.zeros(len(false))])[order]
    images, classes = here.counts.shape
    return Matches(
        images=images,
        objects=here.counts,
        detection_image=np.concatenate([objects.image, others.image])[order],
        detection_class=category[order],
        confidence=confidence[order],
        rank=np.zeros(len(order), dtype=np.int64),  # AP at 100 detections does not look at it
        matched=overlap >= COCO_IOUS[:, None],
        ignored=np.zeros((len(COCO_IOUS), len(order)), dtype=bool),
        image_ids=np.arange(images),
        category_ids=np.arange(classes),
        ious=COCO_IOUS,
    )


def mean_ap(matches: Matches, weights: np.ndarray) -> np.ndarray:
    """AP of each resample: the mean over IoUs and over the classes that have objects."""
    by_class = average_precisions(matches, weights).mean(axis=1)
    return np.nanmean(by_class, axis=1)


def true_ap(world: World, quality: float, rng: np.random.Generator) -> float:
    one = np.ones((1, POPULATION // 3))
    draws = [detect(scene(world, POPULATION // 3, rng), quality, rng) for _ in range(3)]
    return float(np.mean([mean_ap(matches, one)[0] for matches in draws]))


def samples(here: Scene, seeds: list[list[Matches]], number: int) -> tuple[dict[str, Sample], int]:
    """The sample of each configuration, from the matches of its seeds, and the number of units."""
    weights = np.vstack([np.ones(len(here.groups)), resampled_weights(here, number)])
    found = {}
    for name, of_seeds in zip("AB", seeds, strict=True):
        aps = np.array([mean_ap(matches, weights) for matches in of_seeds])
        found[name] = Sample(
            tuple(aps[:, 0].tolist()), tuple(range(len(aps))), aps[:, 1:].mean(axis=0)
        )
    return found, int(here.groups.max()) + 1


def resampled_weights(here: Scene, number: int) -> np.ndarray:
    return draw_weights(here.groups, f"{number:x}", RESAMPLES)


def trained_models(
    world: World, images: int, count: int, true: dict[str, float]
) -> Iterator[tuple[float, ...]]:
    """Of each trial: whether the intervals of one model's AP, and of the gap of two, hold the true
    value on all images of the world; the same of percentiles of the resamples; and how far the AP
    lies above the true one."""
    rng = np.random.default_rng(1)
    for number in range(count):
        here = scene(world, images, rng)
        models = [[detect(here, quality, rng)] for quality in (BETTER, WORSE)]
        both, units = samples(here, models, number)
        gap = gaps_to_best(both, "A", units=units)["B"]
        intervals = [
            interval(both["A"], units),
            (gap.low, gap.high),
            np.quantile(both["A"].resampled, [0.025, 0.975]),
            np.quantile(both["A"].resampled - both["B"].resampled, [0.025, 0.975]),
        ]
        values = 2 * [true["A"], true["A"] - true["B"]]
        held = [low <= v <= high for (low, high), v in zip(intervals, values, strict=True)]
        yield *held, both["A"].mean - true["A"]


def equal_configurations(
    world: World, images: int, count: int, seeds: int = 3
) -> Iterator[tuple[bool, bool]]:
    """Of each trial with two equal configurations: whether the interval of the gap holds 0, and
    whether seeds alone would have told them apart."""
    rng = np.random.default_rng(2)
    for number in range(count):
        here = scene(world, images, rng)
        models = []
        for _ in range(2):
            liked = taste(world, here, rng)
            qualities = 1 + SEED_SD * rng.standard_normal(seeds)
            models.append([detect(here, quality, rng, liked) for quality in qualities])
        both, units = samples(here, models, number)
        gap = gaps_to_best(both, "A", units=units)["B"]
        yield gap.low <= 0 <= gap.high, gap.seeds_apart


def show_coverage(count: int) -> None:
    """Print the table; a third of the trials for two configurations of three seeds each, which
    take three times as long."""
    print(
        "\n| test | AP of one model (percentiles) | its AP above the true one "
        "| gap of two models (percentiles) | gap of two equal configurations × 3 seeds "
        "| these told apart by seeds alone |\n|---|---|---|---|---|---|"
    )
    for name, (world, images) in WORLDS.items():
        rng = np.random.default_rng(0)
        true = {"A": true_ap(world, BETTER, rng), "B": true_ap(world, WORSE, rng)}
        *held, bias = np.mean(list(trained_models(world, images, count, true)), axis=0)
        model, gap, simple_model, simple_gap = (100 * share for share in held)
        equal = 100 * np.mean(list(equal_configurations(world, images, count // 3)), axis=0)
        print(
            f"| {name} | {model:.1f} ({simple_model:.1f}) | {bias:+.4f} "
            f"| {gap:.1f} ({simple_gap:.1f}) | {equal[0]:.1f} | {equal[1]:.1f} |",
            flush=True,
        )
