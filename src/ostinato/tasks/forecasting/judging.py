"""A forecaster judged on the past beside the baselines, and what its errors there say of its intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.errors import ConfigError, DataError
from ostinato.evaluate.backtest import backtest
from ostinato.evaluate.baselines import Forecaster, Make
from ostinato.evaluate.conformal import Conformal
from ostinato.evaluate.paths import Dependence
from ostinato.evaluate.recalibration import LEAST_SHARE, Recalibration
from ostinato.evaluate.scores import level_columns, without_levels
from ostinato.tasks.checks import check_horizon, check_seed
from ostinato.tasks.forecasting.fitting import Progress
from ostinato.tasks.forecasting.making import Maker
from ostinato.tasks.forecasting.models import make_baselines
from ostinato.tasks.forecasting.origins import Origins, plan_origins
from ostinato.tasks.forecasting.trained import TrainedForecaster, season_of

Values = NDArray[np.float64]
SHORT_SERIES = 0.1
"""Share of the series that may be too short for the origins that intervals come from."""
FEWEST_ORIGINS = 2
"""Origins that intervals come from at least, where half of the series have room for them."""


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
class Errors:
    """How far forecasts err, by a backtest.

    Attributes:
        conformal: interval widths from the errors.
        dependence: how they go together.
        recalibration: how much wider than the model's own quantiles; None of a model that gives none.
    """

    conformal: Conformal
    dependence: Dependence
    recalibration: Recalibration | None = None

    @classmethod
    def from_backtest(
        cls, table: pd.DataFrame, frame: pd.DataFrame, season_length: int, *, name: str, make: Make
    ) -> Errors:
        """Learn them.

        Args:
            table: the backtest.
            frame: unique_id, ds, y; the series it was made of.
            season_length: steps in a season.
            name: the model's column.
            make: what made it from a past; may say how far the quantiles of such models are to be doubted.
        """
        conformal = Conformal.from_backtest(table, frame, season_length, model=name)
        doubt = float(getattr(make, "doubt", np.inf))
        return cls(
            conformal,
            Dependence.from_backtest(table, frame, season_length, model=name),
            Recalibration.from_backtest(table, frame, conformal, model=name, doubt=doubt),
        )

    def apply(
        self,
        forecast: pd.DataFrame,
        levels: Sequence[float],
        quantiles: Sequence[float],
        history: pd.DataFrame,
    ) -> pd.DataFrame:
        """Add intervals and quantiles to a forecast; see `Conformal.apply`.

        Args:
            forecast: unique_id, ds, forecast, and the model's own quantiles where it gives some.
            levels: in percent, between 0 and 100.
            quantiles: levels between 0 and 1.
            history: unique_id, ds, y; which values the series can take.
        """
        if self.recalibration is not None and has_levels(forecast):
            return self.recalibration.apply(forecast, levels, quantiles=quantiles, history=history)
        bare = forecast[["unique_id", "ds", "forecast"]]
        return self.conformal.apply(bare, levels, quantiles=quantiles, history=history)

    def sample(self, forecast: pd.DataFrame, normal: Values, history: pd.DataFrame) -> Values:
        """Values that may come true, (n, series, h), from normal numbers of that shape; see `apply`."""
        if self.recalibration is not None and has_levels(forecast):
            return self.recalibration.sample(forecast, normal, history=history)
        return self.conformal.sample(forecast, normal, history=history)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        own = self.recalibration
        return {
            "conformal": self.conformal.to_dict(),
            "dependence": self.dependence.to_dict(),
            "recalibration": None if own is None else own.to_dict(),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Errors:
        """What `to_dict` gave.

        Raises:
            ModelFileError: a part is missing or is not what it should be.
        """
        conformal = Conformal.from_dict(content["conformal"])
        own = content.get("recalibration")
        return cls(
            conformal,
            Dependence.from_dict(content["dependence"]),
            None if own is None else Recalibration.from_dict(own, conformal),
        )


@dataclass(frozen=True)
class Judged:
    """What came of it.

    Attributes:
        table: unique_id, ds, cutoff, y, and one column a model.
        errors: how far the judged model errs.
    """

    table: pd.DataFrame
    errors: Errors


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
    errors = Errors.from_backtest(table, frame, season, name=name, make=make)
    return Judged(without_levels(table), errors)


def origins_for_intervals(frame: pd.DataFrame, make: Maker, h: int) -> int:
    """How many origins tell how far forecasts err: as many as nearly all of the series have room for, at least one.

    Of one series that is all its origins. Of many, few are enough, and the short ones must not be left out, as they
    are forecast less well. Networks are trained once, at the first origin: if that were early, they would have seen
    much less than those that forecast, and err more.
    """
    lengths = frame.groupby("unique_id", sort=False, observed=True).size()
    planned = plan_origins(
        frame, h, shortest=make.shortest(frame), season_length=make.season(frame), n_windows=None
    )
    most = max(planned.number, 1)
    if len(lengths) > 1 and not getattr(make, "cheap", False):
        most = int(np.clip((1 - LEAST_SHARE) * lengths.median() // h, 1, most))
    room = (np.quantile(lengths, SHORT_SERIES) - make.shortest(frame)) // h
    return int(np.clip(room, min(FEWEST_ORIGINS, planned.number, most), most))


def ask(model: Forecaster, h: int, ahead: pd.DataFrame | None = None, *, levels: bool = True) -> pd.DataFrame:
    """The next steps of every series.

    Args:
        model: any, at the end of its history.
        h: steps.
        ahead: what `TrainedForecaster.predict` is given of them.
        levels: with the quantiles of a model that gives some.
    """
    plain: Callable[..., pd.DataFrame] = model.predict
    answer: Callable[..., pd.DataFrame] = getattr(model, "predict_levels", plain) if levels else plain
    return answer(h, ahead) if isinstance(model, TrainedForecaster) else answer(h)


def has_levels(forecast: pd.DataFrame) -> bool:
    """Whether a forecast comes with the quantiles of its model."""
    return level_columns("forecast")[0] in forecast


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
    forecast: pd.DataFrame, errors: Errors, n: int, seed: int, history: pd.DataFrame
) -> pd.DataFrame:
    """Whole futures around a forecast.

    Args:
        forecast: unique_id, ds, forecast, and the model's own quantiles where it gives some; the same number of rows
            for each series.
        errors: how far forecasts err, and together.
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
    series = int(forecast["unique_id"].nunique())
    steps = len(forecast) // series
    normal = errors.dependence.draw(n, series, steps, np.random.default_rng(check_seed(seed)))
    paths = errors.sample(forecast, normal, history)  # (n, series, h)
    rows = np.arange(len(forecast)).reshape(series, 1, steps).repeat(n, axis=1).ravel()
    table = forecast[["unique_id", "ds", "forecast"]].iloc[rows].reset_index(drop=True)
    table.insert(1, "sample", np.tile(np.repeat(np.arange(n), steps), series))
    return table.assign(forecast=paths.swapaxes(0, 1).ravel())
