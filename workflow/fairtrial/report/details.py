"""What page one says below the headline: by how much, over what the verdict holds, what limits
it."""

from __future__ import annotations

from fairtrial.report.standing import Standing
from fairtrial.report.wording import (
    chance,
    interval,
    listed,
    number,
    share_in_words,
    signed,
    spread,
)
from fairtrial.results.configuration import Configuration
from fairtrial.results.significance import Gap, without_flattery
from fairtrial.scoring.power import detectable_gap, noise_of
from fairtrial.scoring.ranking import FITNESS


def details(standing: Standing) -> list[str]:
    """Sentences, in order."""
    rival = standing.rival
    return [
        _reached(standing),
        *_nearest_that_is_worse(standing),
        *_validity(standing, rival),
        *_limit(standing, rival),
        *_would_be_told(standing, rival),
        *_further(standing, rival),
        *_without_flattery(standing),
        *_seeds_without_effect(standing),
        *fitness_formula(standing),
    ]


def _reached(standing: Standing) -> str:
    """What the best reaches, and how far that is from its rival."""
    comparison, best, rival = standing.comparison, standing.best, standing.rival
    split, metric = comparison.split, comparison.metric
    gap = standing.gaps[rival.letter]
    value = f"{metric} {spread(best.scores(split, metric))}{repeats(best)}"
    relation = "above" if gap.gap >= 0 else "below"
    of_rival = spread(rival.scores(split, metric))
    known = len(standing.worse) == len(standing.others) or not interval(gap)  # from the headline
    between = "" if known else f"; 95 %: {interval(gap)}"
    distance = f"{signed(abs(gap.gap))} {relation} {rival.letter} ({of_rival}{between})"
    if split == comparison.chosen_on:
        return f"On {split} {best.letter} reaches the highest {metric}: {value}, {distance}."
    return f"{best.letter} has the highest {metric} on val. On test it reaches {value}, {distance}."


def _nearest_that_is_worse(standing: Standing) -> list[str]:
    """Where some are worse and the rival is not: how far the best is above the nearest of them."""
    if not standing.worse or standing.rival in standing.worse:
        return []
    nearest = standing.nearest(standing.worse)
    gap = standing.gaps[nearest.letter]
    which = f", the nearest of the {len(standing.worse)} that are worse" * (len(standing.worse) > 1)
    return [f"It lies {signed(gap.gap)} above {nearest.letter}{which} (95 %: {interval(gap)})."]


def _validity(standing: Standing, rival: Configuration) -> list[str]:
    """Over what the intervals hold."""
    gap = standing.gaps[rival.letter]
    noun = standing.unit_noun
    if gap.compared == "one seed":
        return _one_seed(standing, rival, gap)
    if gap.p is None:
        return []
    against = f" against {rival.letter}" if len(standing.others) > 1 else ""
    p = f" ({chance(gap.p)}{against})"
    if gap.compared == "folds":
        over = (
            f"for other images and other trainings like these, compared {_by_fold(standing, gap)}"
        )
    elif gap.unit_variance is None:
        over = f"for other seeds on these very {noun}, which were not resampled"
    elif gap.compared == "identical":
        over = f"for other {noun} like these"
    else:
        over = f"for other seeds and other {noun} like these"
    intervals = "The interval holds" if len(standing.others) == 1 else "Intervals hold together,"
    return [f"{intervals} {over}{p}.", *_continued(standing, rival)]


def _by_fold(standing: Standing, gap: Gap) -> str:
    """`fold by fold`, and on how many folds where that is not all of them."""
    if gap.counts[0] == standing.best.folds:
        return "fold by fold"
    return f"on the {gap.counts[0]} folds in which all have a value"


def _one_seed(standing: Standing, rival: Configuration, gap: Gap) -> list[str]:
    split, metric = standing.comparison.split, standing.comparison.metric
    lone = [c.letter for c in (standing.best, rival) if len(c.scores(split, metric)) == 1]
    unknown = "what another training gives nobody knows"
    if gap.low is None or gap.high is None:
        return [f"With one seed of {listed(lone)} {unknown}."]
    alone = len(standing.others) == 1
    which = (
        "these two models" if alone else f"the models of {standing.best.letter} and {rival.letter}"
    )
    low, high = sorted((abs(gap.low), abs(gap.high)))
    ends = f"{number(low)} to {number(high)}" if gap.low * gap.high > 0 else interval(gap)
    return [f"On other {standing.unit_noun} like these {which} would differ by {ends}; {unknown}."]


def _continued(standing: Standing, rival: Configuration) -> list[str]:
    return [
        f"{later.letter} goes on from {earlier.letter}, so they are compared seed by seed."
        for later, earlier in standing.continued
        if rival in (later, earlier)
    ]


def _limit(standing: Standing, rival: Configuration) -> list[str]:
    """Whether seeds or images make the interval wide, and what more of them would do."""
    gap = standing.gaps[rival.letter]
    if gap.p is None or gap.seed_share is None or gap.limited_by is None:
        return []
    by_seeds = gap.limited_by == "seeds"
    share = share_in_words(gap.seed_share if by_seeds else 1 - gap.seed_share)
    to_rival = f" to {rival.letter}" if len(standing.others) > 1 else ""
    source, more = ("seeds", "seeds") if by_seeds else (
        standing.unit_noun, f"test {standing.unit_noun}"
    )  # fmt: skip
    text = f"{share} of the variance of the gap{to_rival} comes from the {source}"
    if rival in standing.worse_on_these_images:
        return [f"{text}. More {more} would tell."]
    return [f"{text}: more {more} would narrow its interval most."]


def _would_be_told(standing: Standing, rival: Configuration) -> list[str]:
    """Of those that are not told apart, how large a true gap would have been told."""
    noise = noise_of(standing.gaps[rival.letter])
    if noise is None or rival not in [*standing.alike, *standing.worse_on_these_images]:
        return []
    seeds = min(standing.gaps[rival.letter].counts)
    told = detectable_gap(noise, seeds)
    return [f"A true gap of {number(told)} would have been found with 80 % probability."]


def _further(standing: Standing, rival: Configuration) -> list[str]:
    """Who else is better, or cannot be told apart, where the headline does not say so."""
    best, sentences = standing.best.letter, []
    better = [c.letter for c in standing.better if c is not rival]
    if better:
        sentences.append(f"{listed(better)} {_verb(better)} better than {best} as well.")
    if standing.better:
        alike = [c.letter for c in [*standing.alike, *standing.worse_on_these_images]]
        if alike:
            sentences.append(f"{listed(alike)} cannot be told from {best}.")
        worse = [c.letter for c in standing.worse]
        if worse:
            sentences.append(f"{listed(worse)} {_verb(worse)} worse than {best}.")
    here = [c.letter for c in standing.worse_on_these_images]
    if here and (standing.alike or standing.worse):
        sentences.append(
            f"On these {standing.unit_noun} alone {best} is better than {listed(here)}; on others "
            "it may not be."
        )
    if standing.untested and len(standing.untested) < len(standing.others) and not standing.worse:
        letters = [c.letter for c in standing.untested]
        sentences.append(f"{listed(letters)} {_verb(letters)} not tested, for want of seeds.")
    return sentences


def _verb(letters: list[str]) -> str:
    return "is" if len(letters) == 1 else "are"


def _without_flattery(standing: Standing) -> list[str]:
    """The metric of the choice without the luck of the seeds that made it, where it differs."""
    split, metric = standing.comparison.split, standing.comparison.metric
    value = without_flattery([standing.best, *standing.others], split, metric)
    if value is None or number(value) == number(standing.best.mean(split, metric)):
        return []
    return [f"Without the luck of the seeds that chose it, its {metric} would be {number(value)}."]


def _seeds_without_effect(standing: Standing) -> list[str]:
    still = [c for c in [standing.best, *standing.others] if c.seed_has_no_effect]
    if not still:
        return []
    letters = listed([c.letter for c in still])
    return [
        f"All seeds of {letters} gave the same model: equal runs count once, and more of them "
        "would tell no more."
    ]


def fitness_formula(standing: Standing) -> list[str]:
    """A sentence on the formula of the fitness; none where one metric ranks."""
    if standing.comparison.metric != FITNESS:
        return []
    return [f"Fitness is {standing.comparison.ranking_rule.formula} here."]


def repeats(configuration: Configuration) -> str:
    """` (mean ± sd over 3 seeds)` or ` (one seed)`."""
    text = configuration.repeats_text
    return f" (mean ± sd over {text})" if len(configuration.repeats) > 1 else f" ({text})"
