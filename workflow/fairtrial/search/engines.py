"""Engines: which parameters the next trial gets.

Each trial is drawn by a new sampler, seeded by the study's seed and the trial's number, from the
trials before it. So no state of a sampler need be saved, and an interrupted study gets the same
trials as an uninterrupted one.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from typing import Literal

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from fairtrial import BackendError
from fairtrial.search.mutation import MutationSampler
from fairtrial.search.space import distributions, rounded, unseen
from fairtrial.settings.search import Engine
from fairtrial.settings.study import Params, Space

POPULATION = 10  # of `ga`; Optuna's 50 random trials at the start would use up most budgets
MAX_DRAWS = 10  # draws by the engine until a trial has new parameters
STARTUP_TRIALS = 5  # trials before tpe and gp learn, and before any is pruned
IGNORE_PRUNED = {
    "ga",
    "cmaes",
    "gp",
    "mutate",
}  # engines that in Optuna learn nothing from a pruned trial
Direction = Literal["maximize", "minimize"]
MAXIMISED: tuple[Direction, ...] = ("maximize",)  # one value, the fitness
REQUIRED_PACKAGES = {"cmaes": "cmaes", "gp": "scipy"}  # not installed with Optuna


def sampler(engine: Engine, seed: int, start: Params) -> BaseSampler:
    """The sampler of one trial; `start`: the parameters of the first trial of the study.

    ga is NSGA-II (Deb et al., 2002), which with one objective is a genetic algorithm with
    elites, uniform crossover and polynomial mutation; tpe is the tree-structured Parzen estimator
    (Bergstra et al., 2011) over all parameters jointly; cmaes is Hansen's CMA-ES; gp is a Gaussian
    process; mutate is the rule of Ultralytics' `tune`. cmaes and mutate know one objective. Raises
    BackendError where a package is missing.
    """
    _refuse_missing_package(engine)
    makers: dict[str, Callable[[], BaseSampler]] = {
        "ga": lambda: optuna.samplers.NSGAIISampler(
            population_size=POPULATION,
            mutation=optuna.samplers.nsgaii.PolynomialMutation(),
            seed=seed,
        ),
        "tpe": lambda: optuna.samplers.TPESampler(
            multivariate=True, n_startup_trials=STARTUP_TRIALS, seed=seed
        ),
        "cmaes": lambda: optuna.samplers.CmaEsSampler(
            x0=start, seed=seed, warn_independent_sampling=False
        ),
        "gp": lambda: optuna.samplers.GPSampler(
            n_startup_trials=STARTUP_TRIALS, seed=seed, warn_independent_sampling=False
        ),
        "mutate": lambda: MutationSampler(seed),
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
    }
    with warnings.catch_warnings():
        # x0 will be removed in Optuna 6, which pyproject.toml excludes; mutation is new in 5.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return makers[engine]()


def _seed(*numbers: int) -> int:
    """A seed below 2³² from a hash of `numbers`."""
    digest = hashlib.sha256(" ".join(map(str, numbers)).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _refuse_missing_package(engine: Engine) -> None:
    import importlib.util

    package = REQUIRED_PACKAGES.get(engine)
    if package and importlib.util.find_spec(package) is None:
        raise BackendError(
            f"engine `{engine}` needs the package `{package}`, which is not installed; "
            "`make venv` installs it"
        )


def draw(
    engine: Engine,
    seed: int,
    trials: Sequence[FrozenTrial],
    space: Space,
    start: Params,
    directions: Sequence[Direction] = MAXIMISED,
) -> FrozenTrial | None:
    """The next trial of a study: its parameters, and the engine's notes (`system_attrs`).

    trials: all trials so far, by number, with values of the present fitness or objectives;
    directions: `maximize` or `minimize` for each value. The first trial has the parameters `start`.
    Parameters that an earlier trial has are drawn again, up to MAX_DRAWS times by the engine, then
    at random among new ones. None where the space has no new ones.
    """
    dimensions = distributions(space)
    if not trials:
        return given(engine, start, space)
    if engine in IGNORE_PRUNED:
        trials = [_as_finished(trial) for trial in trials]
    known = [trial.params for trial in trials]
    for attempt in range(MAX_DRAWS):
        attempt_seed = _seed(seed, len(trials), attempt)
        study = in_memory(trials, sampler(engine, attempt_seed, start), directions)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.ask(dimensions)
        drawn = study.get_trials()[-1]
        drawn.params = rounded(drawn.params, space)
        if drawn.params not in known:
            return drawn
    params = unseen(known, space, attempt_seed)
    if params is None:
        return None
    drawn.params = params
    return drawn


def given(engine: Engine, params: Params, space: Space) -> FrozenTrial:
    """A trial with these parameters, as if the engine had drawn it: for ga a member of the first
    generation."""
    dimensions = distributions(space)
    notes = {"NSGAIISampler:generation": 0} if engine == "ga" else {}
    return create_trial(
        state=TrialState.RUNNING, params=params, distributions=dimensions, system_attrs=notes
    )


def _as_finished(trial: FrozenTrial) -> FrozenTrial:
    """A pruned trial as a finished one whose value is its best so far.

    For engines that ignore pruned trials: they would draw their parameters again and again.
    """
    if trial.state != TrialState.PRUNED:
        return trial
    return create_trial(
        state=TrialState.COMPLETE,
        value=max(trial.intermediate_values.values()),
        params=trial.params,
        distributions=trial.distributions,
        system_attrs=trial.system_attrs,
    )


def in_memory(
    trials: Sequence[FrozenTrial],
    sampler: BaseSampler | None = None,
    directions: Sequence[Direction] = MAXIMISED,
) -> optuna.Study:
    """A study in memory with copies of these trials: the values in the journal's study may be those
    of an earlier fitness."""
    silence_optuna()
    study = optuna.create_study(directions=[*directions], sampler=sampler)
    study.add_trials(trials)
    return study


def importance(trials: Sequence[FrozenTrial]) -> dict[str, float]:
    """Each parameter's share in what sets the best trials apart (PED-ANOVA, Watanabe et al.,
    2023); {} where fewer than STARTUP_TRIALS finished, or all have one value."""
    finished = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if len(finished) < STARTUP_TRIALS or len({trial.value for trial in finished}) < 2:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shares = optuna.importance.get_param_importances(in_memory(finished), evaluator=evaluator)
    return {name: round(float(share), 6) for name, share in shares.items()}


def silence_optuna() -> None:
    """Switch off Optuna's log line for each trial; a worker writes its own."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
