"""What to do next: more seeds or images, longer training, whose weights to use."""

from __future__ import annotations

from fairtrial.report.doubtful_runs import loss_falls, rises
from fairtrial.report.standing import Standing, standing
from fairtrial.report.wording import name, number, signed
from fairtrial.results import costs
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import FinishedRun
from fairtrial.results.significance import Gap
from fairtrial.scoring.power import Noise, noise_of, seeds_needed, units_needed

MANY_SEEDS = 30  # at most; with more, images are the cheaper way
MORE_SEEDS = (5, 10, 20)  # that are tried with more images
FEWER = 0.9  # share of the parameters of the best below which a model is called smaller
NOTHING_LEARNED = (
    "Before anything can be compared, a training has to learn something: look whether its losses "
    "fall and its objects are where they should be; train longer, or with another learning rate."
)
SEEDS = (
    "Train each configuration with several seeds (`seeds` of the experiment): without them nobody "
    "knows what another training gives, and there is no verdict on settings."
)
DISAGREE = (
    "Val and test disagree: before you use either model, have more val images choose between them."
)
FOLDS = (
    "Folds measure settings. For a model to use, train {best} once more, on all images that you "
    "have."
)


def next_steps(experiment: ExperimentResults, folder: str, timings: bool) -> list[str]:
    """Sentences for each comparison. folder: of the experiment, as a reader has it; timings:
    whether measured times may be named."""
    several = len(experiment.comparisons) > 1
    steps = []
    for number_, comparison in enumerate(experiment.comparisons, 1):
        prefix = f"Table {number_}: " if several else ""
        steps += [prefix + step for step in _steps(comparison, folder, timings)]
    return list(dict.fromkeys(steps))


def _steps(comparison: Comparison, folder: str, timings: bool) -> list[str]:
    outcome = standing(comparison)
    runs = [run for c in comparison.configurations for run in c.runs]
    if outcome is None or not any(run.learned for run in runs):
        return [NOTHING_LEARNED]
    return [
        *_to_tell(outcome),
        *_longer(runs),
        *_smaller(outcome),
        *_weights(outcome, folder, timings),
    ]


def _to_tell(outcome: Standing) -> list[str]:
    """What it takes to tell the best from its rival, where that is open."""
    if not outcome.others or outcome.better:
        return [DISAGREE] if outcome.better else []
    if any(c.trained_once for c in [outcome.best, *outcome.untested]):
        return [SEEDS]
    rival = outcome.rival
    if rival not in [*outcome.alike, *outcome.worse_on_these_images]:
        return []
    gap = outcome.gaps[rival.letter]
    needed = _needed(gap, outcome.unit_noun)
    who = f"{outcome.best.letter} from {rival.letter}"
    if needed is None:
        return []
    if not needed:
        return [
            f"If their gap of {signed(abs(gap.gap))} is the true one, too many seeds or test "
            f"{outcome.unit_noun} would be needed to tell {who}."
        ]
    return [
        f"To tell {who} with 80 % probability, if their gap of {signed(abs(gap.gap))} is the true "
        f"one, takes {' or '.join(needed)}."
    ]


def _needed(gap: Gap, noun: str) -> list[str] | None:
    """Numbers of seeds and of images that would each be enough; None without a plan."""
    noise = noise_of(gap)
    if noise is None:
        return None
    now = min(gap.counts)
    needed = []
    if (seeds := seeds_needed(noise, gap.gap)) and seeds <= MANY_SEEDS:
        needed.append(f"{seeds} seeds each (now {now})")
    if units := units_needed(noise, gap.gap, now):
        needed.append(f"{units} test {noun} (now {gap.units})")
    return needed or _needed_together(noise, gap, noun)


def _needed_together(noise: Noise, gap: Gap, noun: str) -> list[str]:
    """A number of seeds and one of images that are enough together, where neither is alone."""
    now = min(gap.counts)
    for seeds in (seeds for seeds in MORE_SEEDS if seeds > now):
        if units := units_needed(noise, gap.gap, seeds):
            return [f"{seeds} seeds each (now {now}) and {units} test {noun} (now {gap.units})"]
    return []


def _longer(runs: list[FinishedRun]) -> list[str]:
    trained = [run for run in runs if run.record.epochs_run]
    rising = [run for run in trained if rises(run)]
    if 2 * len(rising) <= len(trained):
        return []
    falling = sum(map(loss_falls, rising))
    loss = f", and the loss on val still falls in {falling} of them" if falling else ""
    where = f"in {len(rising)} of {len(trained)} runs" if len(trained) > 1 else "of the run"
    return [f"Train longer: the last epoch {where} is the best one{loss}."]


def _smaller(outcome: Standing) -> list[str]:
    """The smallest of those that cannot be told from the best, where it is smaller."""
    alike = [c for c in outcome.alike if not c.trained_once]
    if not alike or outcome.better:
        return []
    sizes = [(size, c) for c in alike if (size := costs.parameters(c)) is not None]
    of_best = costs.parameters(outcome.best)
    if not sizes or of_best is None:
        return []
    millions, smallest = min(sizes, key=lambda pair: pair[0])
    if millions > FEWER * of_best:
        return []
    return [
        f"{name(smallest)} cannot be told from {outcome.best.letter} and is smaller: "
        f"{millions:.1f} instead of {of_best:.1f} million parameters."
    ]


def _weights(outcome: Standing, folder: str, timings: bool) -> list[str]:
    """Whose weights to use, and what they cost."""
    if outcome.better:
        return []
    best = outcome.best
    if best.first.record.elsewhere:
        return [f"{best.letter} was made elsewhere: its weights are not here."]
    if best.folds:
        return [FOLDS.format(best=best.letter)]
    metric = outcome.comparison.metric
    run = max(best.runs, key=lambda run: (run.score("val", metric) or 0.0, -run.seed))
    value = f"{metric} {number(run.score('val', metric))} on val"
    seeds = len({other.seed for other in best.runs})
    which = f"the best of the {seeds} seeds of {best.letter} on val" if seeds > 1 else best.letter
    facts = ", ".join([value, *_cost(best, timings)])
    return [f"Weights to use: {_path(run, folder)}, {which} ({facts})."]


def _path(run: FinishedRun, folder: str) -> str:
    if ":" in run.name:  # of `compare`, which copies no weights
        return f"weights.pt of {run.name}"
    return f"{folder}/runs/{run.name}/weights.pt"


def _cost(configuration: Configuration, timings: bool) -> list[str]:
    size = costs.parameters(configuration)
    facts = [] if size is None else [f"{size:.3g} million parameters"]
    milliseconds = costs.milliseconds(configuration)
    if timings and milliseconds is not None:
        facts.append(f"{milliseconds:.3g} ms per image")
    return facts
