"""How the configurations of one comparison stand to the best on val."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from fairtrial.report.wording import Verdict, verdict
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.significance import Gap, gaps_to, goes_on, independent_units


@dataclass(frozen=True)
class Standing:
    """`best`: on val, of the configurations that have a value on the split that tables show;
    `others`: the rest of these, likewise ordered; `gaps`: letter → how far the best lies above
    it."""

    comparison: Comparison
    best: Configuration
    others: list[Configuration]
    gaps: dict[str, Gap]

    @property
    def better(self) -> list[Configuration]:
        """Those that are better than the best on val, by more than chance."""
        return self._with("better")

    @property
    def worse(self) -> list[Configuration]:
        """Those that are worse by more than chance."""
        return self._with("worse")

    @property
    def untested(self) -> list[Configuration]:
        """Those of which nothing can be said."""
        return self._with("not tested")

    @property
    def alike(self) -> list[Configuration]:
        """Those that cannot be told from the best, on these images either."""
        return [c for c in self._with("not told apart") if not self._on_these_images(c)]

    @property
    def worse_on_these_images(self) -> list[Configuration]:
        """Those that are worse by more than the seeds explain, but might not be on other images."""
        return [c for c in self._with("not told apart") if self._on_these_images(c)]

    def _with(self, wanted: Verdict) -> list[Configuration]:
        return [c for c in self.others if verdict(self.gaps[c.letter]) == wanted]

    def _on_these_images(self, configuration: Configuration) -> bool:
        gap = self.gaps[configuration.letter]
        return gap.seeds_apart and gap.gap > 0 and gap.unit_variance is not None

    def nearest(self, configurations: Sequence[Configuration]) -> Configuration:
        """The one that is highest above the best, or least below it."""
        return min(configurations, key=lambda c: (self.gaps[c.letter].gap, c.letter))

    @property
    def rival(self) -> Configuration:
        """The configuration that page one compares with the best: one that is better, else the
        nearest that is not surely worse, else the nearest."""
        open_ones = self.alike or self.worse_on_these_images or self.untested
        return self.nearest(self.better or open_ones or self.others)

    @property
    def units(self) -> int | None:
        """How many independent units were resampled."""
        return independent_units([self.best, *self.others], self.comparison.split)

    @property
    def unit_noun(self) -> str:
        """What is resampled: `images`, or `groups`."""
        return self.comparison.unit_noun

    @cached_property
    def continued(self) -> list[tuple[Configuration, Configuration]]:
        """Pairs of which the first goes on from the second, with the best in each."""
        everyone = [self.best, *self.others]
        pairs = [(self.best, c) for c in self.others] + [(c, self.best) for c in self.others]
        return [pair for pair in pairs if goes_on(*pair, everyone)]


def standing(comparison: Comparison) -> Standing | None:
    """None where no configuration has a value."""
    split, metric = comparison.split, comparison.metric
    defined = [c for c in comparison.ranked() if c.scores(split, metric)]
    if not defined:
        return None
    best, *others = defined
    return Standing(comparison, best, others, gaps_to(best, others, split, metric))
