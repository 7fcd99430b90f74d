"""Learning curves: configurations that differ in `train_share` alone, by their training images."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from fairtrial.results.configuration import Configuration, settings_text
from fairtrial.results.experiment import Comparison
from fairtrial.results.run import FinishedRun
from fairtrial.results.significance import Gap, gaps_to, interval_of
from fairtrial.store.keys import canonical

SHARE = "train_share"


@dataclass(frozen=True)
class LearningCurve:
    """Two shares or more, the smallest first, with the number of images that each learned from (the
    mean over runs: folds may differ by an image)."""

    members: list[Configuration]
    images: list[float]
    comparison: Comparison

    @property
    def label(self) -> str:
        """What sets it apart from other curves: `imgsz 96`; the letters where nothing does."""
        last = self.members[-1]
        others = {key: text for key, text in last.differs.items() if key != SHARE}
        return settings_text(others) or ", ".join(c.letter for c in self.members)

    def gain(self, metric: str) -> Gap | None:
        """How far the largest share lies above the one before it; None where one has no value."""
        largest, before = self.members[-1], self.members[-2]
        if not largest.scores(self.comparison.split, metric):
            return None
        return gaps_to(largest, [before], self.comparison.split, metric).get(before.letter)

    @property
    def doublings(self) -> float:
        """How often the images of the share before the largest double to give those of that."""
        return math.log2(self.images[-1] / self.images[-2])

    def interval(self, member: Configuration, metric: str) -> tuple[float, float] | None:
        """The 95 % interval of the metric of one share, over seeds and images."""
        return interval_of(member, self.comparison.split, metric)


def learning_curves(comparison: Comparison) -> list[LearningCurve]:
    """A curve for each set of other settings that was trained with several shares."""
    groups: dict[str, list[Configuration]] = {}
    for configuration in comparison.configurations:
        settings = configuration.settings
        others = canonical({key: settings[key] for key in settings if key != SHARE})
        groups.setdefault(others, []).append(configuration)
    several = [members for members in groups.values() if len(set(map(_share, members))) > 1]
    return [_curve(members, comparison) for members in several]


def _curve(members: list[Configuration], comparison: Comparison) -> LearningCurve:
    by_size = sorted(members, key=_share)
    return LearningCurve(by_size, [_images(c, comparison) for c in by_size], comparison)


def _share(c: Configuration) -> float:
    return float(str(c.settings.get(SHARE, 1.0)))


def _images(c: Configuration, comparison: Comparison) -> float:
    return statistics.fmean(_train_images(run, _share(c), comparison) for run in c.runs)


def _train_images(run: FinishedRun, share: float, comparison: Comparison) -> float:
    """How many images a run learned from; of an older release, which knew no shares, all."""
    if run.record.train_images is not None:
        return run.record.train_images
    (dataset,) = [d for d in comparison.datasets if d.name == run.dataset]
    return share * len(dataset.certificate.train)
