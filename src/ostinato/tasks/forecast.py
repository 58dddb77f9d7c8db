"""Forecaster: recurrent networks that forecast one or many series, with the scikit-learn contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ostinato.data import frames
from ostinato.data.frames import LongFrame
from ostinato.errors import ConfigError, DataError
from ostinato.evaluate import scores
from ostinato.evaluate.backtest import backtest
from ostinato.evaluate.conformal import Conformal
from ostinato.evaluate.paths import Dependence
from ostinato.tasks.checks import check_horizon, check_levels, check_quantiles, check_season, check_seed
from ostinato.tasks.models import make_baselines
from ostinato.tasks.origins import Origins, plan_origins
from ostinato.tasks.parameters import Parameters
from ostinato.tasks.recipes import find_recipe
from ostinato.tasks.trained import MakeNetwork, TrainedForecaster, season_of
from ostinato.tasks.zero_shot import MakeZeroShot, ZeroShotForecaster

Progress = Callable[[int, int], None]


class Forecaster(Parameters):
    """Forecast series by recurrent networks.

    Follows scikit-learn's contract: the constructor only stores its arguments, `fit` sets the attributes that end in
    an underscore, `get_params`, `set_params` and `sklearn.base.clone` work.

    Args:
        h: steps to forecast.
        freq: pandas alias (`"MS"`, `"h"`) or, for integer times, the step; found when None.
        season_length: steps in a season, 1 for none; found in the past when None.
        cell: `"lstm"`, `"gru"` or `"rnn"`.
        recipe: `"default"`, `"pretrained"` for networks that need no training, or `"classic"` for the textbook's.
        random_state: seed; the same seed and number of threads give the same forecast. Drawn when None.
        gaps: missing timestamps are filled with missing values (`"fill"`) or refused (`"refuse"`).

    Attributes:
        freq_: the frequency.
        season_length_: the season of the fitted past.
        seed_: the seed used.
        model_: the networks at the end of the history.
        conformal_: interval widths from a backtest, once there was one.
        dependence_: how the errors of that backtest go together.
        backtest_: the last `cross_validation`, as a pandas frame.

    Example:
        >>> import pandas as pd
        >>> from ostinato import Forecaster
        >>> milk = pd.read_csv("examples/monthly_milk_production.csv")
        >>> forecast = Forecaster(h=12, random_state=0).fit(milk).predict()
        >>> list(forecast.columns), len(forecast)
        (['unique_id', 'ds', 'forecast'], 12)
    """

    def __init__(
        self,
        h: int = 12,
        freq: str | int | None = None,
        season_length: int | None = None,
        cell: str = "lstm",
        recipe: str = "default",
        random_state: int | None = None,
        *,
        gaps: str = "fill",
    ) -> None:
        self.h = h
        self.freq = freq
        self.season_length = season_length
        self.cell = cell
        self.recipe = recipe
        self.random_state = random_state
        self.gaps = gaps

    def fit(
        self,
        df: Any,
        *,
        id_col: str | None = None,
        time_col: str | None = None,
        target_col: str | Sequence[str] | None = None,
        checkpoint: str | Path | None = None,
        progress: Progress | None = None,
    ) -> Forecaster:
        """Train on all series of a frame.

        Args:
            df: pandas, polars or pyarrow; long (`unique_id, ds, y` or columns that look like it), a single series, or
                wide with one column a series; NaN or null where missing.
            id_col: column that names the series; found when None.
            time_col: column of the times; found when None.
            target_col: column of the values, or several for a wide frame; found when None.
            checkpoint: folder that keeps the state of an interrupted training; a fit with the same data and
                parameters goes on from there, to the same result.
            progress: called with (epochs done, epochs in all).

        Returns:
            The forecaster itself.

        Raises:
            ConfigError: a parameter cannot be used.
            DataError: the frame cannot be used; the message names the series and what to do.
            TrainingError: the loss became NaN.
        """
        freq, like, frame = self._prepare(df, id_col=id_col, time_col=time_col, target_col=target_col)
        folder = None if checkpoint is None else Path(checkpoint)
        self.seed_ = self._seed()
        make = self.maker(freq, self.seed_)
        self.model_: TrainedForecaster | ZeroShotForecaster
        self.model_ = make.train(frame, checkpoint=folder, progress=progress)
        self.freq_ = freq
        self.season_length_ = self.model_.season_length
        self.like_ = like
        self.conformal_: Conformal | None = None
        self.dependence_: Dependence | None = None
        self.backtest_: pd.DataFrame | None = None
        return self

    def predict(
        self,
        h: int | None = None,
        level: float | Sequence[float] | None = None,
        quantiles: float | Sequence[float] | None = None,
    ) -> Any:
        """Forecast the next steps of every series.

        Args:
            h: steps; the constructor's when None. Beyond it, the networks go on from their own forecasts.
            level: interval in percent, or several, such as `[80, 95]`. Their widths come from a backtest, which is
                run on the fitted past if `cross_validation` was not, with one training at its first origin.
            quantiles: a number between 0 and 1, or several, from the same backtest; they never cross.

        Returns:
            A frame of the kind that came in: unique_id, ds, forecast, then forecast-lo-80, forecast-hi-80 for each
            level and forecast-q-10 for each quantile. Series that were never negative have no interval below 0, and
            series of whole numbers have intervals that end at whole numbers.

        Raises:
            ConfigError: not fitted yet, h below 1, or a level outside (0, 100).
            DataError: the past is too short for a backtest.
        """
        model = self._fitted()
        steps = check_horizon(self.h if h is None else h)
        levels = () if level is None else check_levels(level)
        wanted = () if quantiles is None else check_quantiles(quantiles)
        forecast = model.predict(steps)
        if levels or wanted:
            conformal, _ = self._errors(steps)
            forecast = conformal.apply(forecast, levels, quantiles=wanted, history=model.frame)
        return frames.from_long(forecast, self.like_)

    def sample_paths(self, n: int = 100, h: int | None = None, seed: int = 0) -> Any:
        """Draw whole futures, for what depends on several steps or series: sums, maxima, days below a stock.

        Each step is distributed as the intervals say; steps, and series at the same time, go together as the errors
        of the backtest did, which is run if `cross_validation` was not.

        Args:
            n: paths of every series; path 0 of one series goes with path 0 of the others.
            h: steps; the constructor's when None.
            seed: the same seed gives the same paths.

        Returns:
            A frame of the kind that came in: unique_id, sample (from 0), ds, forecast; `h` rows a series and path.

        Raises:
            ConfigError: not fitted yet, or n or h below 1.
            DataError: the past is too short for a backtest.
        """
        model = self._fitted()
        if n < 1:
            raise ConfigError(f"n is {n}; draw at least 1 path")
        steps = check_horizon(self.h if h is None else h)
        conformal, dependence = self._errors(steps)
        forecast = model.predict(steps)
        series = len(forecast) // steps
        normal = dependence.draw(n, series, steps, np.random.default_rng(check_seed(seed)))
        paths = conformal.sample(forecast, normal, history=model.frame)  # (n, series, h)
        rows = np.arange(len(forecast)).reshape(series, 1, steps).repeat(n, axis=1).ravel()
        table = forecast.iloc[rows].reset_index(drop=True)
        table.insert(1, "sample", np.tile(np.repeat(np.arange(n), steps), series))
        return frames.from_long(table.assign(forecast=paths.swapaxes(0, 1).ravel()), self.like_)

    def cross_validation(
        self,
        df: Any = None,
        n_windows: int | None = None,
        step_size: int | None = None,
        refit: bool = True,
        *,
        h: int | None = None,
        n_jobs: int = 1,
        baselines: str = "simple",
        progress: Progress | None = None,
    ) -> Any:
        """Judge the forecaster on the past, from several origins, beside the baselines.

        At each origin a network is trained on what came before it, and on nothing else.

        Args:
            df: as for `fit`; the fitted frame when None.
            n_windows: origins; as many as the history allows, at most eight, when None.
            step_size: steps from one origin to the next; `h` when None.
            refit: train anew at each origin; otherwise once, at the first.
            h: steps forecast from each origin; the constructor's when None.
            n_jobs: processes. More than one needs the usual guard `if __name__ == "__main__":` in a script.
            baselines: "simple", "all" (with statsforecast's AutoETS, AutoARIMA, AutoTheta), or "auto".
            progress: called with (fits done, fits in all).

        Returns:
            A frame of the kind that came in: unique_id, ds, cutoff, y, and one column a model, the network's named
            after its cell.
        """
        if df is None:
            model, like = self._fitted(), self.like_
            freq, frame, seed = model.freq, model.frame, self.seed_
        else:
            freq, like, frame = self._prepare(df)
            seed = self._seed()
        h = check_horizon(self.h if h is None else h)
        make = self.maker(freq, seed)
        origins = self._origins(frame, make, h, n_windows, step_size)
        others, _ = make_baselines(frame, freq, season_length=self.season_length, choice=baselines)
        table = backtest(
            {self.name: make, **others},
            frame,
            h=h,
            freq=freq,
            n_windows=origins.number,
            step_size=origins.step,
            refit=refit,
            n_jobs=n_jobs,
            progress=progress,
        )
        self.backtest_, self.backtest_frame_, self.freq_ = table, frame, freq
        season = self.season_length or season_of(frame, freq)
        self.conformal_ = Conformal.from_backtest(table, frame, season, model=self.name)
        self.dependence_ = Dependence.from_backtest(table, frame, season, model=self.name)
        return frames.from_long(table, like)

    def leaderboard(self) -> pd.DataFrame:
        """MAE, RMSE, MASE and sMAPE of the network and the baselines in the last backtest.

        Without one, `cross_validation(refit=False)` is run first; call `cross_validation()` for a stricter one, in
        which the network is trained anew at each origin.

        Returns:
            model, mae, rmse, mase, smape, the best first.
        """
        table: pd.DataFrame | None = getattr(self, "backtest_", None)
        if table is None:
            self.cross_validation(refit=False)
            return self.leaderboard()
        season = self.season_length or season_of(self.backtest_frame_, self.freq_)
        return scores.leaderboard(table, self.backtest_frame_, season)

    @property
    def name(self) -> str:
        """The name of the network's column in a backtest."""
        return find_recipe(self.recipe).column(self.cell)

    def save(self, path: str | Path) -> None:
        """Write the fitted forecaster to a folder, or to one file if the path ends in `.zip`."""
        from ostinato.tasks.forecast_file import save

        self._fitted()
        save(self, Path(path))

    def _fitted(self) -> TrainedForecaster | ZeroShotForecaster:
        if not hasattr(self, "model_"):
            raise ConfigError("this Forecaster is not fitted yet; call fit first")
        return self.model_

    def _prepare(self, df: Any, **columns: Any) -> tuple[str | int, LongFrame, pd.DataFrame]:
        """The frequency, the form of the frame that came in, and its series on a regular grid."""
        check_horizon(self.h)
        check_season(self.season_length)
        like = frames.to_long(df, **columns)
        freq = frames.detect_freq(like.frame) if self.freq is None else self.freq
        return freq, like, frames.regularise(like.frame, freq, gaps=self.gaps)

    def _seed(self) -> int:
        if self.random_state is None:
            return int(np.random.default_rng().integers(2**31))
        return check_seed(self.random_state)

    def maker(self, freq: str | int, seed: int) -> MakeNetwork | MakeZeroShot:
        """A function from a past to a forecaster with these parameters, for `evaluate.backtest`."""
        recipe = find_recipe(self.recipe)
        if not recipe.trained:
            return MakeZeroShot(freq, self.season_length)
        return MakeNetwork(
            recipe=recipe,
            cell=self.cell,
            h=check_horizon(self.h),
            freq=freq,
            season_length=self.season_length,
            seed=seed,
        )

    @staticmethod
    def _origins(
        frame: pd.DataFrame,
        make: MakeNetwork | MakeZeroShot,
        h: int,
        n_windows: int | None,
        step_size: int | None,
    ) -> Origins:
        """The origins of a backtest that cannot do without any."""
        origins = plan_origins(
            frame,
            check_horizon(h),
            shortest=make.shortest(frame),
            season_length=make.season(frame),
            n_windows=n_windows,
            step_size=step_size,
        )
        if origins.number == 0:
            raise DataError(
                f"the series are too short for a backtest of {h} steps, which intervals and scores come from; "
                "use a smaller horizon or a longer history"
            )
        return origins

    def _errors(self, steps: int) -> tuple[Conformal, Dependence]:
        """How far forecasts of so many steps err, and together, from a backtest."""
        if self.conformal_ is None or self.dependence_ is None or len(self.conformal_.spread) < steps:
            self.cross_validation(h=steps, refit=False)
        assert self.conformal_ is not None, "a backtest sets both"
        assert self.dependence_ is not None, "a backtest sets both"
        return self.conformal_, self.dependence_
