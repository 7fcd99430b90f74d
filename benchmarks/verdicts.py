"""How often verdicts are right: simulated configurations, judged by the product's own functions.

    python benchmarks/verdicts.py [--trials 2000] [--only grid|plans|folds|detectors]

Printed, as tables of docs/benchmarks.md:

grid       K configurations × n seeds, on the same test images for ever, on 100 images or 10 groups
           that are themselves a sample; three kinds of noise. False verdicts among equal ones and
           beside one that is 3 sd of a seed better; whether that one is the headline; how many
           of its pairs are told; whether all intervals together hold the true gaps. Beside it the
           method before: Welch's test with Holm's correction over all pairs.
plans      whether a gap that `detectable_gap` states is told in 80 % of trials.
folds      the same as grid for cross-validations of five folds.
detectors  coverage of intervals of AP, of simulated detectors with the resamples of `validate`.

A metric is: quality of the configuration + effect of the seed + effect of each test image (or
group) on the configuration, and on this very model. The best is chosen on val, whose luck with a
seed is correlated with that of test (0.7). Metrics are in sd of a seed.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))
sys.path.insert(0, str(Path(__file__).parent))

import synthetic_detectors

from fairtrial.scoring.fold_gaps import fold_gaps
from fairtrial.scoring.power import Noise, detectable_gap
from fairtrial.scoring.verdict import Gap, Sample, gaps_to_best

LEVEL = 0.05
RESAMPLES = 1000
VAL_AND_TEST = 0.7  # correlation of a seed's luck
BY_MODEL = 0.1  # share of the variance of a seed that other images would change
UNIT_SD = {0: 0.0, 100: 0.5, 10: 1.0}  # of a configuration's mean, by the number of units
NOISES = ("normal", "unequal", "skewed")
TABLE = [(2, 3), (2, 5), (2, 10), (5, 3), (5, 5), (11, 3), (11, 5), (33, 3), (33, 5)]


@dataclass(frozen=True)
class Setting:
    """`units` 0: other images are not asked for. The first configuration is better by `gap`."""

    means: int
    seeds: int
    units: int
    noise: str
    gap: float
    folds: int = 0

    @property
    def qualities(self) -> np.ndarray:
        return np.eye(1, self.means)[0] * self.gap


@dataclass(frozen=True)
class Trial:
    """`val` (K,): what the best is chosen by; `samples` of test, by the number of configuration."""

    val: np.ndarray
    samples: dict[str, Sample]

    @property
    def best(self) -> str:
        return str(int(self.val.argmax()))


def draw(kind: str, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Noise of mean 0 and variance 1 (on average over the first axis, the configurations)."""
    if kind == "skewed":  # now and then a bad one
        return 1 - rng.exponential(1, shape)
    noise = rng.standard_normal(shape)
    if kind == "unequal":  # the largest sd is four times the smallest
        sd = rng.permutation(np.geomspace(0.5, 2, shape[0]))
        noise *= (sd / np.sqrt((sd**2).mean())).reshape(-1, *[1] * (len(shape) - 1))
    return noise


def trial(setting: Setting, rng: np.random.Generator, pool: list[np.ndarray]) -> Trial:
    shape = (setting.means, setting.seeds)
    luck = draw(setting.noise, rng, shape)
    val = VAL_AND_TEST * luck + math.sqrt(1 - VAL_AND_TEST**2) * rng.standard_normal(shape)
    val = (val + setting.qualities[:, None]).mean(axis=1)
    if not setting.units:
        return Trial(val, samples_of(luck + setting.qualities[:, None], [None] * setting.means))
    units, sd = setting.units, UNIT_SD[setting.units]
    kind = "skewed" if setting.noise == "skewed" else "normal"
    by_unit = sd * math.sqrt(units) * draw(kind, rng, (setting.means, 1, units))
    by_model = math.sqrt(BY_MODEL * units) * rng.standard_normal((*shape, units))
    effects = by_unit + by_model
    scores = math.sqrt(1 - BY_MODEL) * luck + setting.qualities[:, None] + effects.mean(axis=2)
    weights = pool[rng.integers(len(pool))]
    centred = effects.mean(axis=1) @ (weights - 1).T / units  # (K, B)
    val += sd * rng.standard_normal(setting.means)
    return Trial(val, samples_of(scores, scores.mean(axis=1)[:, None] + centred))


def samples_of(scores: np.ndarray, resampled: np.ndarray | list[None]) -> dict[str, Sample]:
    seeds = tuple(range(scores.shape[1]))
    return {
        str(number): Sample(tuple(row.tolist()), seeds, of_row)
        for number, (row, of_row) in enumerate(zip(scores, resampled, strict=True))
    }


def trials(setting: Setting, count: int) -> Iterator[Trial]:
    rng = np.random.default_rng([setting.means, setting.seeds, setting.units])
    units = max(setting.units, 1)
    chances = np.full(units, 1 / units)
    pool = [rng.multinomial(units, chances, RESAMPLES).astype(float) for _ in range(20)]
    for _ in range(count):
        yield trial(setting, rng, pool)


@dataclass(frozen=True)
class Judged:
    """One trial: the best, and of each other one whether it was told apart, the gap, and whether
    its interval holds the true one."""

    best: int
    others: np.ndarray
    apart: np.ndarray
    gaps: np.ndarray
    covered: np.ndarray


def product(one: Trial, setting: Setting) -> Judged:
    found = gaps_to_best(one.samples, one.best, units=setting.units or None)
    return judged(int(one.best), found, setting)


def judged(best: int, found: dict[str, Gap], setting: Setting) -> Judged:
    others = np.array([int(name) for name in found])
    true = setting.qualities[best] - setting.qualities[others]
    gaps = list(found.values())
    covered = [g.low <= t <= g.high for g, t in zip(gaps, true, strict=True)]
    apart = np.array([gap.apart for gap in gaps])
    return Judged(best, others, apart, np.array([gap.gap for gap in gaps]), np.array(covered))


def welch_holm(one: Trial, setting: Setting) -> Judged:
    """The method before: seeds alone, Welch's test, Holm's correction over all pairs."""
    scores = np.array([sample.scores for sample in one.samples.values()])
    first, second = np.array(list(itertools.combinations(range(len(scores)), 2))).T
    means, v = scores.mean(axis=1), scores.var(axis=1, ddof=1) / setting.seeds
    both = v[first] + v[second]
    df = both**2 * (setting.seeds - 1) / (v[first] ** 2 + v[second] ** 2)
    p = 2 * stats.t.sf(np.abs(means[first] - means[second]) / np.sqrt(both), df)
    order = p.argsort()
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    best = int(one.best)
    mine = (first == best) | (second == best)
    others = np.where(first == best, second, first)[mine]
    nothing = np.zeros(len(others), dtype=bool)
    return Judged(best, others, adjusted[mine] < LEVEL, means[best] - means[others], nothing)


@dataclass
class Counts:
    """Sums over trials."""

    trials: int = 0
    false: int = 0
    headline: int = 0
    pairs: int = 0
    told: int = 0
    covered: int = 0

    def add(self, one: Judged, setting: Setting) -> None:
        true = setting.qualities[one.best] - setting.qualities[one.others]
        right = one.apart & (np.sign(true) == np.sign(one.gaps)) & (true != 0)
        self.trials += 1
        self.false += bool((one.apart & ~right).any())
        self.headline += bool(right.all() and (true > 0).all())
        self.pairs += int((true != 0).sum())
        self.told += int(right.sum())
        self.covered += bool(one.covered.all())

    def percent(self, name: str) -> float:
        return 100 * getattr(self, name) / (self.pairs if name == "told" else self.trials)


Method = Callable[[Trial, Setting], Judged]


def count(setting: Setting, number: int, *methods: Method) -> list[Counts]:
    found = [Counts() for _ in methods]
    for one in trials(setting, number):
        for counts, method in zip(found, methods, strict=True):
            counts.add(method(one, setting), setting)
    return found


def show_grid(number: int) -> None:
    print(
        "\n| configurations × seeds | other images | most false, before | most false "
        "| pairs told (right headline), before | pairs told (right headline) "
        "| all intervals hold |\n|---|---|---|---|---|---|---|"
    )
    for (means, seeds), units in itertools.product(TABLE, UNIT_SD):
        false: list[list[float]] = [[], []]
        covered, told = [], []
        for noise, gap in itertools.product(NOISES, (0.0, 3.0)):
            setting = Setting(means, seeds, units, noise, gap)
            before, now = count(setting, number, welch_holm, product)
            for rates, counts in zip(false, (before, now), strict=True):
                rates.append(counts.percent("false"))
            covered.append(now.percent("covered"))
            if gap and noise == "normal":
                told = [
                    f"{c.percent('told'):.0f} ({c.percent('headline'):.0f})" for c in (before, now)
                ]
        place = {0: "–", 10: "10 groups"}.get(units, f"{units} images")
        print(
            f"| {means} × {seeds} | {place} | {max(false[0]):.1f} | {max(false[1]):.1f} "
            f"| {told[0]} | {told[1]} | {span(covered)} |",
            flush=True,
        )


def span(rates: list[float]) -> str:
    """`94.2–97.5`: the least and the most of several settings."""
    return f"{min(rates):.1f}–{max(rates):.1f}"


def show_plans(number: int) -> None:
    print(
        "\n| configurations × seeds | other images | gap, sd of a seed | told |\n|---|---|---|---|"
    )
    for (means, seeds), units in itertools.product(TABLE, UNIT_SD):
        noise = Noise(2.0, 2 * (UNIT_SD[units] ** 2 + BY_MODEL / seeds) or None, units, means)
        noise = noise if units else replace(noise, unit=None, units=None)
        gap = detectable_gap(noise, seeds)
        told = 0
        for one in trials(Setting(means, seeds, units, "normal", gap), number):
            told += gaps_to_best(one.samples, "0", units=units or None)["1"].apart
        print(
            f"| {means} × {seeds} | {units or '–'} | {gap:.2f} | {100 * told / number:.0f} |",
            flush=True,
        )


def fold_trial(setting: Setting, rng: np.random.Generator) -> Trial:
    """Folds share training images: what a configuration gives in one is correlated with what it
    gives in another, by 1 / (folds - 1), as Nadeau and Bengio suppose. Some folds are harder."""
    shared = 1 / (setting.folds - 1)
    own = draw(setting.noise, rng, (setting.means, setting.folds))
    luck = math.sqrt(shared) * rng.standard_normal((setting.means, 1)) * own.std()
    scores = setting.qualities[:, None] + luck + math.sqrt(1 - shared) * own
    scores += 2 * rng.standard_normal(setting.folds)
    return Trial(scores.mean(axis=1), samples_of(scores, [None] * setting.means))


def show_folds(number: int, folds: int = 5) -> None:
    print(
        "\n| configurations | noise | most false | pairs told | all intervals hold |"
        "\n|---|---|---|---|---|"
    )
    for means, noise in itertools.product((2, 5, 11, 33), NOISES):
        found = []
        for gap in (0.0, 3.0):
            setting = Setting(means, folds, 0, noise, gap, folds)
            counts, rng = Counts(), np.random.default_rng(means)
            for _ in range(number):
                one = fold_trial(setting, rng)
                gaps = fold_gaps(one.samples, one.best, folds=folds)
                counts.add(judged(int(one.best), gaps, setting), setting)
            found.append(counts)
        false, covered = ([c.percent(name) for c in found] for name in ("false", "covered"))
        told = found[1].percent("told")
        print(
            f"| {means} | {noise} | {max(false):.1f} | {told:.0f} | {span(covered)} |", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--only", choices=["grid", "plans", "folds", "detectors"])
    asked = parser.parse_args()
    parts = {
        "grid": show_grid,
        "plans": show_plans,
        "folds": show_folds,
        "detectors": synthetic_detectors.show_coverage,
    }
    for name, show in parts.items():
        if asked.only in (None, name):
            start = time.perf_counter()
            show(asked.trials)
            print(f"\n{name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
