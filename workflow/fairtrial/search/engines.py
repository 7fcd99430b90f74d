"""Engines: which parameters the next trial gets, and which trials are given up early.

Each trial is drawn by a sampler of its own, seeded by the study's seed and the trial's number,
from the trials before it. So no state of a sampler outlives a process, and a study that was
interrupted goes on as if it had not been.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from fairtrial import BackendError
from fairtrial.search.space import distributions, rounded, unseen

POPULATION = 10  # of the genetic engine; Optuna's 50 would spend most budgets on chance
TRIES = 10  # draws of one trial by its engine, until one is new
STARTUP = 5  # trials before tpe and gp learn, and before any is pruned
DEAF = {"ga", "cmaes", "gp"}  # engines that in Optuna learn nothing from a pruned trial
NEEDED = {"cmaes": "cmaes", "gp": "scipy"}  # packages that Optuna itself does not require


def sampler(engine: str, seed: int, start: dict[str, Any]) -> BaseSampler:
    """The sampler of one trial; `start`: the parameters of the first one.

    ga is NSGA-II (Deb et al., 2002), which with one objective is a genetic algorithm with
    elites, uniform crossover and polynomial mutation; tpe the tree-structured Parzen estimator
    (Bergstra et al., 2011) over all parameters jointly; cmaes is Hansen's CMA-ES; gp a Gaussian
    process. Raises BackendError where a package is missing.
    """
    _refuse_missing(engine)
    makers: dict[str, Callable[[], BaseSampler]] = {
        "ga": lambda: optuna.samplers.NSGAIISampler(
            population_size=POPULATION,
            mutation=optuna.samplers.nsgaii.PolynomialMutation(),
            seed=seed,
        ),
        "tpe": lambda: optuna.samplers.TPESampler(
            multivariate=True, n_startup_trials=STARTUP, seed=seed
        ),
        "cmaes": lambda: optuna.samplers.CmaEsSampler(
            x0=start, seed=seed, warn_independent_sampling=False
        ),
        "gp": lambda: optuna.samplers.GPSampler(
            n_startup_trials=STARTUP, seed=seed, warn_independent_sampling=False
        ),
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
    }
    with warnings.catch_warnings():
        # x0 is to go in Optuna 6, which pyproject.toml leaves out; mutation is new in 5.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return makers[engine]()


def _seed(*numbers: int) -> int:
    """A seed below 2³² that no other numbers give (but for chance)."""
    digest = hashlib.sha256(" ".join(map(str, numbers)).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _refuse_missing(engine: str) -> None:
    import importlib.util

    package = NEEDED.get(engine)
    if package and importlib.util.find_spec(package) is None:
        raise BackendError(
            f"engine `{engine}` needs the package `{package}`, which is not installed; "
            "`make venv` installs it"
        )


def draw(
    engine: str,
    seed: int,
    trials: Sequence[FrozenTrial],
    space: dict[str, dict[str, Any]],
    start: dict[str, Any],
) -> FrozenTrial | None:
    """The next trial after `trials` (all that there are, by number): its parameters, and what
    the engine notes about it (`system_attrs`). The first is `start`.

    A trial that was there before would teach nothing: it is drawn again, a few times by the
    engine, then by chance. None where all of the space has been tried.
    """
    wanted = distributions(space)
    if not trials:
        return _first(engine, start, wanted)
    if engine in DEAF:
        trials = [_as_finished(trial) for trial in trials]
    known = [trial.params for trial in trials]
    for attempt in range(TRIES):
        own = _seed(seed, len(trials), attempt)
        study = _in_memory(trials, sampler(engine, own, start))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.ask(wanted)
        drawn = study.get_trials()[-1]
        drawn.params = rounded(drawn.params, space)
        if drawn.params not in known:
            return drawn
    new = unseen(known, space, own)
    if new is None:
        return None
    drawn.params = new
    return drawn


def _first(engine: str, start: dict[str, Any], space: dict[str, BaseDistribution]) -> FrozenTrial:
    """The first trial, as if the engine had drawn it: a member of the first generation."""
    noted = {"NSGAIISampler:generation": 0} if engine == "ga" else {}
    return create_trial(
        state=TrialState.RUNNING, params=start, distributions=space, system_attrs=noted
    )


def _as_finished(trial: FrozenTrial) -> FrozenTrial:
    """A pruned trial as one that ended with its best value so far, which is below the median:
    what is left out would be drawn again and again."""
    if trial.state != TrialState.PRUNED:
        return trial
    return create_trial(
        state=TrialState.COMPLETE,
        value=max(trial.intermediate_values.values()),
        params=trial.params,
        distributions=trial.distributions,
        system_attrs=trial.system_attrs,
    )


def _in_memory(trials: Sequence[FrozenTrial], drawn_by: BaseSampler | None) -> optuna.Study:
    """A study of copies. Optuna's own would hold values of an earlier fitness."""
    quiet()
    study = optuna.create_study(direction="maximize", sampler=drawn_by)
    study.add_trials(trials)
    return study


def is_hopeless(trials: Sequence[FrozenTrial], so_far: Sequence[float], epochs: int) -> bool:
    """Whether the best value so far is below the median of what finished trials had reached.

    `so_far`: the value after each epoch. Never in the first quarter of `epochs`, never at the
    last one, and never before there are five finished trials.
    """
    if len(so_far) >= epochs:
        return False
    pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=epochs // 4 + 1)
    values = dict(enumerate(so_far, 1))
    trial = create_trial(state=TrialState.RUNNING, intermediate_values=values)
    return pruner.prune(_in_memory(trials, None), trial)


def importance(
    trials: Sequence[FrozenTrial],
) -> dict[str, float]:
    """Each parameter's share in what sets the best trials apart (PED-ANOVA, Watanabe et al.,
    2023); {} where too few trials finished, or all are equally good."""
    finished = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if len(finished) < STARTUP or len({trial.value for trial in finished}) < 2:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = optuna.importance.get_param_importances(
            _in_memory(finished, None), evaluator=evaluator
        )
    return {name: round(float(share), 6) for name, share in found.items()}


def quiet() -> None:
    """Optuna writes a line a trial; a worker's log has its own."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
