"""Searching for settings of a recipe by Optuna, on the past alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ostinato.errors import ConfigError, DataError, TrainingError
from ostinato.evaluate import scores
from ostinato.evaluate.backtest import backtest
from ostinato.tasks.checks import draw_seed
from ostinato.tasks.forecasting.exogenous import Exogenous
from ostinato.tasks.forecasting.forecaster import Forecaster
from ostinato.tasks.forecasting.making import tunable
from ostinato.tasks.forecasting.origins import plan_origins
from ostinato.tasks.forecasting.recipes import find_recipe
from ostinato.tasks.forecasting.trained import MakeNetwork

if TYPE_CHECKING:
    import optuna

Progress = Callable[[int, int], None]
ORIGINS = 3
"""Origins that every setting is judged at, where the past has room for them."""
FIRST = 8
"""Trials that are drawn at random before the search learns from them."""


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes:
        forecaster: fitted on everything with the best settings.
        settings: of the best trial; the recipe's own where none did better.
        tried: trial, mase, seconds and one column a setting, the best first; mase is NaN where a trial failed.
    """

    forecaster: Forecaster
    settings: dict[str, Any]
    tried: pd.DataFrame


def tune(
    forecaster: Forecaster,
    df: Any,
    *,
    trials: int = 20,
    time_budget: float | None = None,
    origins: int = ORIGINS,
    study: str | Path | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Search for settings of the recipe that forecast the latest stretches of the past best.

    The first trial is the recipe as it is; the others follow Optuna's tree-structured Parzen estimator. Every trial is
    fitted anew at each origin on what came before it. What is chosen from so few origins is likely to do a little worse
    on the future than it did there: keep the latest rows apart, and judge on them.

    Args:
        forecaster: what to tune; its recipe trains a network over windows. It is not changed.
        df: as for `Forecaster.fit`; covariates are further columns.
        trials: settings to try, those of an interrupted search included.
        time_budget: seconds after which no new trial begins; no limit when None.
        origins: at which each trial is judged; fewer where the past has no room for them.
        study: file that keeps the trials, so that the same call after an interruption goes on from there; trials of
            other series in it are left alone.
        progress: called with (trials done, trials in all).

    Returns:
        The fitted forecaster, its settings, and what was tried.

    Raises:
        ConfigError: optuna is not installed, trials or origins is below 1, or the recipe has no settings to tune.
        DataError: the past is too short for a trial.
        TrainingError: no trial could be fitted.

    References:
        T. Akiba and others (2019), Optuna: A next-generation hyperparameter optimization framework.
        J. Bergstra and others (2011), Algorithms for hyper-parameter optimization, section 4 (the search).

    Example:
        >>> import pandas as pd
        >>> from ostinato import Forecaster, tune
        >>> milk = pd.read_csv("examples/monthly_milk_production.csv")
        >>> found = tune(Forecaster(h=12, random_state=0), milk, trials=20, time_budget=120)  # doctest: +SKIP
        >>> found.forecaster.predict(), found.tried.head()  # doctest: +SKIP
    """
    search = _Search(forecaster, df, trials, origins)
    search.run(study, time_budget, progress)
    return search.result()


class _Search:
    """One search, from the first trial to the last fit."""

    def __init__(self, forecaster: Forecaster, df: Any, trials: int, origins: int) -> None:
        for name, number in (("trials", trials), ("origins", origins)):
            if number < 1:
                raise ConfigError(f"{name} is {number}; use at least 1")
        if not tunable(find_recipe(forecaster.recipe)):
            raise ConfigError(f"recipe {forecaster.recipe!r} has no settings to tune; use recipe='default'")
        self.forecaster, self.df, self.trials = forecaster, df, trials
        self.freq, _, self.frame = Exogenous.of(forecaster).read(df, forecaster.freq, forecaster.gaps)
        self.seed = draw_seed(forecaster.random_state)
        make = self._maker({})
        self.plan, self.season = make.plan(self.frame), make.season(self.frame)
        place = plan_origins(
            self.frame, make.h, shortest=make.shortest(self.frame), season_length=self.season
        )
        if place.number == 0:
            raise DataError(
                f"the series are too short to try settings on {make.h} steps; use a smaller horizon or a longer history"
            )
        self.origins = min(origins, place.number)

    def run(self, path: str | Path | None, time_budget: float | None, progress: Progress | None) -> None:
        """All trials that are still to be made."""
        optuna = _optuna()
        storage = None
        if path is not None:
            backend = optuna.storages.journal.JournalFileBackend(str(path))
            storage = optuna.storages.JournalStorage(backend)
        sampler = optuna.samplers.TPESampler(seed=self.seed, n_startup_trials=FIRST)
        self.study = optuna.create_study(
            storage=storage, sampler=sampler, study_name=self._digest(), load_if_exists=True
        )
        done = len(self.study.trials)
        if done == 0:
            self.study.enqueue_trial(self._start())

        def told(study: Any, _: Any) -> None:
            if progress is not None:
                progress(len(study.trials), self.trials)

        left = self.trials - done
        if left > 0:
            self.study.optimize(self._error, n_trials=left, timeout=time_budget, callbacks=[told])

    def result(self) -> Tuned:
        """The best settings, fitted on everything."""
        names = ["cell", *self._start()]
        rows = [
            {
                "trial": trial.number,
                "mase": np.nan if trial.value is None else trial.value,
                "seconds": round(trial.duration.total_seconds(), 2) if trial.duration else np.nan,
                **trial.params,
            }
            for trial in self.study.trials
            if trial.state.is_finished()
        ]
        columns = ["trial", "mase", "seconds", *dict.fromkeys(names)]
        tried = pd.DataFrame(rows, columns=columns).sort_values(
            ["mase", "trial"], kind="stable", ignore_index=True
        )
        if tried["mase"].isna().all():
            raise TrainingError("no trial could be fitted; give a longer history or more time")
        settings = self._settings(self.study.best_trial.params)
        return Tuned(self._with(settings).fit(self.df), settings, tried)

    def _start(self) -> dict[str, Any]:
        """The recipe as it is, in the words of the search."""
        recipe = self.plan.recipe
        return {
            "cell": self.forecaster.cell,
            "hidden_size": recipe.hidden_size,
            "num_layers": recipe.num_layers,
            "context": self.plan.context,
            "learning_rate": recipe.learning_rate,
            "updates": recipe.steps[0],
            "adjust": recipe.adjust,
        }

    def _settings(self, found: dict[str, Any]) -> dict[str, Any]:
        """Settings of a recipe, and the cell, from what a trial has drawn."""
        updates = found["updates"]
        rest = {name: value for name, value in found.items() if name != "updates"}
        return {**(self.forecaster.settings or {}), **rest, "steps": (updates, 2 * updates)}

    def _error(self, trial: optuna.Trial) -> float:
        """The mean MASE of one trial over the origins."""
        start = self._start()
        trial.suggest_categorical("cell", sorted({"lstm", "gru", str(start["cell"])}))
        trial.suggest_categorical("hidden_size", sorted({16, 32, 64, 96, start["hidden_size"]}))
        trial.suggest_categorical("num_layers", sorted({1, 2, start["num_layers"]}))
        looked = start["context"]
        trial.suggest_categorical("context", [max(4, looked // 2), looked, 2 * looked])
        trial.suggest_float("learning_rate", 1e-3, 2e-2, log=True)
        trial.suggest_categorical("updates", sorted({30, 60, 120, 240, start["updates"]}))
        trial.suggest_categorical("adjust", [True, False])
        make = self._maker(self._settings(trial.params))
        try:
            table = backtest({"trial": make}, self.frame, h=make.h, freq=self.freq, n_windows=self.origins)
        except (DataError, TrainingError):  # too short for this context, or the training failed
            raise _optuna().TrialPruned from None
        return float(scores.leaderboard(table, self.frame, self.season)["mase"].iloc[0])

    def _with(self, settings: dict[str, Any]) -> Forecaster:
        """The forecaster with other settings, not fitted."""
        rest = {name: value for name, value in settings.items() if name != "cell"}
        given = {**self.forecaster.get_params(), "cell": settings.get("cell", self.forecaster.cell)}
        return Forecaster(**{**given, "settings": rest or None, "random_state": self.seed})

    def _maker(self, settings: dict[str, Any]) -> MakeNetwork:
        """What makes a network with these settings from a past."""
        make = self._with({**(self.forecaster.settings or {}), **settings}).maker(self.freq, self.seed)
        assert isinstance(make, MakeNetwork), "other recipes were refused"
        return make

    def _digest(self) -> str:
        """The name of the search; of other series or another recipe it is another one."""
        digest = hashlib.sha256(repr((self.plan.recipe, self.plan.horizon, self.origins, self.freq)).encode())
        digest.update(self.frame["y"].to_numpy(dtype=np.float64).tobytes())
        return digest.hexdigest()[:16]


def _optuna() -> Any:
    """The library, which says nothing of its own.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise ConfigError("tuning needs optuna; install it with: pip install 'ostinato[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
