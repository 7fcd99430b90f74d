"""How numbers, intervals, lists and verdicts are written in the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fairtrial.files.text import duration
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.significance import Gap
from fairtrial.scoring.uncertainty import over_seeds

UNDEFINED = "–"
Verdict = Literal["worse", "better", "not told apart", "not tested"]  # than the best on val
MARKS: dict[Verdict, str] = {
    "not told apart": "≈",
    "worse": "↓",
    "better": "↑",
    "not tested": "?",
}
LISTED = 6  # letters in a list at most; more are counted
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def verdict(gap: Gap) -> Verdict:
    """What a gap says of the configuration that is compared with the best."""
    if gap.p is None:
        return "not tested"
    if not gap.apart:
        return "not told apart"
    return "worse" if gap.gap > 0 else "better"


def mark(gap: Gap) -> str:
    """The sign of that in a table."""
    return MARKS[verdict(gap)]


def number(x: float | None) -> str:
    """A metric with three decimals."""
    return UNDEFINED if x is None else f"{x:.3f}"


def signed(x: float) -> str:
    """A difference of metrics, with a minus that is as wide as a plus: `−0.012`."""
    return f"{x:.3f}".replace("-0.000", "0.000").replace("-", "−")


def spread(values: list[float]) -> str:
    """Mean ± standard deviation, `0.543 ± 0.012`; without the latter for one value."""
    if not values:
        return UNDEFINED
    seeds = over_seeds(values)
    return number(seeds.mean) + ("" if seeds.sd is None else f" ± {seeds.sd:.3f}")


def means(comparison: Comparison) -> str:
    """What values of its tables are: `mean ± standard deviation over seeds`, `one seed each`."""
    if max(len(c.repeats) for c in comparison.configurations) == 1:
        return "one seed each"
    return f"mean ± standard deviation over {comparison.repeated}"


def interval(gap: Gap) -> str:
    """`0.028 to 0.255`; "" where there is none."""
    if gap.low is None or gap.high is None:
        return ""
    return f"{signed(gap.low)} to {signed(gap.high)}"


def gap_text(gap: Gap | None) -> str:
    """`0.141 (0.028 to 0.255)`; "" where there is no gap."""
    if gap is None:
        return ""
    ends = interval(gap)
    return f"{signed(gap.gap)} ({ends})" if ends else signed(gap.gap)


def chance(p: float) -> str:
    """`p = 0.031`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def name(configuration: Configuration) -> str:
    """`A (momentum 0.6)`; the letter alone where the label is longer than a line."""
    label = " ".join(configuration.short_label.split())
    return f"{configuration.letter} ({label})" if len(label) <= 70 else configuration.letter


def listed(letters: Sequence[str]) -> str:
    """`B`, `B and C`, `B, C and D`; of many letters the number: `11 others`."""
    if len(letters) > LISTED:
        return f"{len(letters)} others"
    if len(letters) < 2:
        return "".join(letters)
    return f"{', '.join(letters[:-1])} and {letters[-1]}"


def counted(count: int, noun: str) -> str:
    """`one image`, `12 images`; `noun` is the plural."""
    return f"one {noun.removesuffix('s')}" if count == 1 else f"{count} {noun}"


def time_text(seconds: float | None) -> str:
    """A duration; UNDEFINED where it is not known."""
    return UNDEFINED if seconds is None else duration(seconds)


def share_in_words(share: float) -> str:
    """`Half`, `Nine tenths`, `Nearly all`."""
    tenths = round(10 * share)
    if tenths >= 10:
        return "Nearly all"
    return "Half" if tenths == 5 else f"{NUMBERS[tenths].capitalize()} tenths"
