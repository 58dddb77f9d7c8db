"""A forecaster judged on the past beside the baselines, and what its errors there say of its intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ostinato.errors import ConfigError, DataError
from ostinato.evaluate.backtest import backtest
from ostinato.evaluate.conformal import Conformal
from ostinato.evaluate.paths import Dependence
from ostinato.tasks.checks import check_horizon, check_seed
from ostinato.tasks.forecasting.fitting import Progress
from ostinato.tasks.forecasting.making import Maker
from ostinato.tasks.forecasting.models import make_baselines
from ostinato.tasks.forecasting.origins import Origins, plan_origins
from ostinato.tasks.forecasting.trained import season_of


@dataclass(frozen=True)
class Trial:
    """How a forecaster is judged.

    Attributes:
        h: steps forecast from each origin.
        n_windows: origins; as many as the history allows, at most eight, when None.
        step_size: steps from one origin to the next; `h` when None.
        refit: train anew at each origin; otherwise once, at the first.
        n_jobs: processes.
        baselines: "simple", "all" or "auto".
    """

    h: int
    n_windows: int | None = None
    step_size: int | None = None
    refit: bool = True
    n_jobs: int = 1
    baselines: str = "simple"


@dataclass(frozen=True)
class Judged:
    """What came of it.

    Attributes:
        table: unique_id, ds, cutoff, y, and one column a model.
        conformal: interval widths of the judged model.
        dependence: how its errors go together.
    """

    table: pd.DataFrame
    conformal: Conformal
    dependence: Dependence


def judge_past(
    name: str, make: Maker, frame: pd.DataFrame, trial: Trial, *, progress: Progress | None = None
) -> Judged:
    """Backtest a forecaster beside the baselines.

    Args:
        name: its column.
        make: makes it from a past.
        frame: unique_id, ds, y and covariates; regular.
        trial: how.
        progress: called with (fits done, fits in all).

    Raises:
        DataError: the series are too short.
    """
    h = check_horizon(trial.h)
    origins = _origins(frame, make, trial)
    others, _ = make_baselines(frame, make.freq, season_length=make.season_length, choice=trial.baselines)
    table = backtest(
        {name: make, **others},
        frame,
        h=h,
        freq=make.freq,
        n_windows=origins.number,
        step_size=origins.step,
        refit=trial.refit,
        n_jobs=trial.n_jobs,
        progress=progress,
    )
    season = make.season_length or season_of(frame, make.freq)
    return Judged(
        table,
        Conformal.from_backtest(table, frame, season, model=name),
        Dependence.from_backtest(table, frame, season, model=name),
    )


def _origins(frame: pd.DataFrame, make: Maker, trial: Trial) -> Origins:
    """The origins of a backtest that cannot do without any."""
    origins = plan_origins(
        frame,
        trial.h,
        shortest=make.shortest(frame),
        season_length=make.season(frame),
        n_windows=trial.n_windows,
        step_size=trial.step_size,
    )
    if origins.number == 0:
        raise DataError(
            f"the series are too short for a backtest of {trial.h} steps, which intervals and scores come from; "
            "use a smaller horizon or a longer history"
        )
    return origins


def draw_paths(
    forecast: pd.DataFrame, judged: tuple[Conformal, Dependence], n: int, seed: int, history: pd.DataFrame
) -> pd.DataFrame:
    """Whole futures around a forecast.

    Args:
        forecast: unique_id, ds, forecast; the same number of rows for each series.
        judged: how far forecasts err, and together.
        n: paths of every series.
        seed: the same seed gives the same paths.
        history: unique_id, ds, y; which values the series can take.

    Returns:
        unique_id, sample, ds, forecast.

    Raises:
        ConfigError: n is below 1.
    """
    if n < 1:
        raise ConfigError(f"n is {n}; draw at least 1 path")
    conformal, dependence = judged
    series = int(forecast["unique_id"].nunique())
    steps = len(forecast) // series
    normal = dependence.draw(n, series, steps, np.random.default_rng(check_seed(seed)))
    paths = conformal.sample(forecast, normal, history=history)  # (n, series, h)
    rows = np.arange(len(forecast)).reshape(series, 1, steps).repeat(n, axis=1).ravel()
    table = forecast.iloc[rows].reset_index(drop=True)
    table.insert(1, "sample", np.tile(np.repeat(np.arange(n), steps), series))
    return table.assign(forecast=paths.swapaxes(0, 1).ravel())
