"""Forecaster: recurrent networks that forecast one or many series, with the scikit-learn contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ostinato.data import frames
from ostinato.data.frames import LongFrame
from ostinato.data.statics import Statics
from ostinato.errors import ConfigError
from ostinato.evaluate import scores
from ostinato.tasks.checks import check_horizon, check_levels, check_quantiles, check_season, draw_seed
from ostinato.tasks.forecasting.choosing import MakeAuto
from ostinato.tasks.forecasting.exogenous import Exogenous
from ostinato.tasks.forecasting.finetuning import continued
from ostinato.tasks.forecasting.fitting import Progress
from ostinato.tasks.forecasting.judging import (
    Errors,
    Trial,
    ask,
    draw_paths,
    judge_past,
    origins_for_intervals,
)
from ostinato.tasks.forecasting.making import Maker, maker_of
from ostinato.tasks.forecasting.order import Order
from ostinato.tasks.forecasting.recipes import find_recipe
from ostinato.tasks.forecasting.trained import TrainedForecaster, season_of
from ostinato.tasks.parameters import Parameters
from ostinato.tasks.streaming.stream import Model, News, Stream


class Forecaster(Parameters):
    """Forecast series by recurrent networks.

    Follows scikit-learn's contract: the constructor only stores its arguments, `fit` sets the attributes that end in
    an underscore, `get_params`, `set_params` and `sklearn.base.clone` work.

    Args:
        h: steps to forecast.
        freq: pandas alias (`"MS"`, `"h"`) or, for integer times, the step; found when None.
        season_length: steps in a season, 1 for none; found in the past when None.
        cell: `"lstm"`, `"gru"`, `"rnn"` or another key of `ostinato.nn.LAYERS`.
        recipe: `"default"`, `"pretrained"` without training, `"combined"` for those and a trained network, `"auto"` for
            the best of several, `"streaming"` for one that new values move on, `"finetuned"`, `"classic"`.
        random_state: seed; the same seed and number of threads give the same forecast. Drawn when None.
        gaps: missing timestamps are filled with missing values (`"fill"`) or refused (`"refuse"`).
        futr_exog_list: columns of covariates known in advance, such as prices; `predict` is given their next steps.
        hist_exog_list: columns of covariates that are known up to now.
        stat_exog_list: columns of the table `static_df` of `fit`, numbers or categories that describe a series.
        calendar: cycles of the calendar to know of: `"hour"`, `"weekday"`, `"monthday"`, `"yearday"`.
        holidays: dates that are unlike other days.
        time_budget: seconds that `recipe="auto"` may take to choose and fit; 60 when None.
        settings: of the recipe, in place of its own, such as `{"hidden_size": 64}`; `ostinato.tune` finds some.

    Attributes:
        freq_: the frequency.
        season_length_: the season of the fitted past.
        seed_: the seed used.
        model_: the networks at the end of the history.
        errors_: how far forecasts err, each step and together, by a backtest, once there was one.
        backtest_: the last `cross_validation`, as a pandas frame.
        tried_: what `recipe="auto"` tried: candidate, origins, mase, seconds, chosen.
        stream_: the series after the fitted history, once there was an `update`.
        updated_: what the last `update` brought.

    Example:
        >>> import pandas as pd
        >>> from ostinato import Forecaster
        >>> milk = pd.read_csv("examples/monthly_milk_production.csv")
        >>> forecast = Forecaster(h=12, random_state=0).fit(milk).predict()
        >>> list(forecast.columns), len(forecast)
        (['unique_id', 'ds', 'forecast'], 12)
    """

    def __init__(  # noqa: PLR0913 - everything that a forecaster can be told
        self,
        h: int = 12,
        freq: str | int | None = None,
        season_length: int | None = None,
        cell: str = "lstm",
        recipe: str = "default",
        random_state: int | None = None,
        *,
        gaps: str = "fill",
        futr_exog_list: Sequence[str] = (),
        hist_exog_list: Sequence[str] = (),
        stat_exog_list: Sequence[str] = (),
        calendar: Sequence[str] = (),
        holidays: Sequence[Any] = (),
        time_budget: float | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.h = h
        self.freq = freq
        self.season_length = season_length
        self.cell = cell
        self.recipe = recipe
        self.random_state = random_state
        self.gaps = gaps
        self.futr_exog_list = futr_exog_list
        self.hist_exog_list = hist_exog_list
        self.stat_exog_list = stat_exog_list
        self.calendar = calendar
        self.holidays = holidays
        self.time_budget = time_budget
        self.settings = settings

    def fit(
        self,
        df: Any,
        static_df: Any = None,
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
                wide with one column a series; NaN or null where missing. Covariates are further columns.
            static_df: one row a series with the columns of `stat_exog_list`.
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
        statics = Exogenous.of(self).describe(static_df, frame, like.id_col)
        self.seed_, self.tuned_ = draw_seed(self.random_state), False
        make = self.maker(freq, self.seed_, statics, None if checkpoint is None else Path(checkpoint))
        if isinstance(make, MakeAuto):
            choice = make.choose(frame, progress=progress)
            self.tried_: pd.DataFrame = choice.tried
            return self._stand(choice.model, like, statics)
        return self._stand(make.train(frame, progress=progress), like, statics)

    def finetune(self, df: Any, static_df: Any = None, *, progress: Progress | None = None) -> Forecaster:
        """Go on training on other series, or on more of them, and stand at their end; never worse than before.

        A forecaster with `recipe="pretrained"` need not be fitted before. The latest windows of every series are kept
        apart: a network whose error there did not fall stays as it was. A later `cross_validation` trains networks from
        nothing, or fine-tunes the pretrained ones, at each origin.

        Args:
            df: as for `fit`, with the same frequency and columns named as there.
            static_df: as for `fit`.
            progress: called with (epochs done, epochs in all).

        Returns:
            The forecaster itself.

        Raises:
            ConfigError: not fitted yet, of another frequency, or a streaming forecaster.
            DataError: the frame cannot be used.
        """
        freq, like, frame = self._prepare(df)
        statics = Exogenous.of(self).describe(static_df, frame, like.id_col)
        if not hasattr(self, "model_") and not find_recipe(self.recipe).trained:
            self.seed_ = draw_seed(self.random_state)
            self._stand(self.maker(freq, self.seed_).train(frame), like, statics)
        self._fitted()
        order = Order.of(self, self._recipe(), freq, self.seed_, statics)
        model, self.tuned_ = continued(self.model_, frame, order, progress=progress)
        return self._stand(model, like, statics)

    def _stand(self, model: Model, like: LongFrame, statics: Statics) -> Forecaster:
        """Stand at the end of a model's history, with nothing known of its errors yet."""
        self.model_: Model = model
        self.freq_, self.season_length_ = model.freq, model.season_length
        self.like_, self.statics_ = like, statics
        self.errors_: Errors | None = None
        self.backtest_: pd.DataFrame | None = None
        self.stream_: Stream | None = None
        return self

    def update(
        self,
        df: Any,
        *,
        id_col: str | None = None,
        time_col: str | None = None,
        target_col: str | Sequence[str] | None = None,
    ) -> Forecaster:
        """Take new rows, so that `predict` goes on from them; no network is trained, nor the history read again.

        Time and memory do not depend on how long the history is. Intervals adapt to the errors on the way; `updated_`
        says how, and which series have drifted. `cross_validation` and `leaderboard` stay with the fitted history.

        Args:
            df: rows later than the last ones, as for `fit`; steps left out between them are missing values.
            id_col: as for `fit`.
            time_col: as for `fit`.
            target_col: as for `fit`.

        Returns:
            The forecaster itself.

        Raises:
            ConfigError: not fitted yet, or fitted with covariates.
            DataError: a row is not later than the last one of its series, occurs twice, lies off the grid, or is of a
                series that is not known; then no row is taken.
        """
        model = self._fitted()
        known = None if self.errors_ is None else self.errors_.conformal
        stream = self.stream_ or Stream.begin(model, check_horizon(self.h), known)
        self.updated_: News = stream.update(df, id_col=id_col, time_col=time_col, target_col=target_col)
        self.stream_ = stream
        return self

    def predict(
        self,
        h: int | None = None,
        level: float | Sequence[float] | None = None,
        quantiles: float | Sequence[float] | None = None,
        futr_df: Any = None,
    ) -> Any:
        """Forecast the next steps of every series.

        Args:
            h: steps; the constructor's when None. Beyond it, the networks go on from their own forecasts.
            level: interval in percent, or several. How wide they are is told by a backtest, which is run on the fitted
                past if `cross_validation` was not, with one training at its first origin.
            quantiles: a number between 0 and 1, or several, likewise; they never cross.
            futr_df: times, series' names (none: the same for all) and the known covariates of the steps to forecast.

        Returns:
            A frame of the kind that came in: unique_id, ds, forecast, forecast-lo-80 and forecast-hi-80 for each level,
            forecast-q-10 for each quantile; not below 0 and at whole numbers where the past of the series is so.

        Raises:
            ConfigError: not fitted yet, h below 1, a level outside (0, 100), or `futr_df` is missing.
            DataError: the past is too short for a backtest, or `futr_df` lacks steps; the message names them.
        """
        model = self._fitted()
        steps = check_horizon(self.h if h is None else h)
        levels = () if level is None else check_levels(level)
        wanted = () if quantiles is None else check_quantiles(quantiles)
        forecast = self._forecast(steps, futr_df, levels=bool(levels or wanted))
        if levels or wanted:
            if self.stream_ is not None and self.stream_.covers(steps):
                forecast = self.stream_.apply(forecast, levels, quantiles=wanted, history=model.frame)
            else:
                forecast = self._errors(steps).apply(forecast, levels, wanted, model.frame)
        return frames.from_long(forecast, self.like_)

    def sample_paths(self, n: int = 100, h: int | None = None, seed: int = 0, futr_df: Any = None) -> Any:
        """Draw whole futures, for what depends on several steps or series: sums, maxima, days below a stock.

        Each step is distributed as the intervals say; steps, and series at the same time, go together as the errors
        of the backtest did, which is run if `cross_validation` was not.

        Args:
            n: paths of every series; path 0 of one series goes with path 0 of the others.
            h: steps; the constructor's when None.
            seed: the same seed gives the same paths.
            futr_df: as for `predict`.

        Returns:
            A frame of the kind that came in: unique_id, sample (from 0), ds, forecast; `h` rows a series and path.

        Raises:
            ConfigError: not fitted yet, or n or h below 1.
            DataError: the past is too short for a backtest.
        """
        model = self._fitted()
        steps = check_horizon(self.h if h is None else h)
        forecast = self._forecast(steps, futr_df, levels=True)
        paths = draw_paths(forecast, self._errors(steps), n, seed, model.frame)
        return frames.from_long(paths, self.like_)

    def cross_validation(  # noqa: PLR0913 - the words of Nixtla's cross_validation, and how to run it
        self,
        df: Any = None,
        n_windows: int | None = None,
        step_size: int | None = None,
        refit: bool = True,
        *,
        h: int | None = None,
        n_jobs: int = 1,
        baselines: str = "simple",
        static_df: Any = None,
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
            static_df: as for `fit`.
            progress: called with (fits done, fits in all).

        Returns:
            A frame of the kind that came in: unique_id, ds, cutoff, y, and one column a model.
        """
        if df is None:
            model, like, statics = self._fitted(), self.like_, self.statics_
            freq, frame, seed = model.freq, model.frame, self.seed_
        else:
            freq, like, frame = self._prepare(df)
            statics = Exogenous.of(self).describe(static_df, frame, like.id_col)
            seed = draw_seed(self.random_state)
        trial = Trial(self.h if h is None else h, n_windows, step_size, refit, n_jobs, baselines)
        judged = judge_past(self.name, self.maker(freq, seed, statics), frame, trial, progress=progress)
        self.backtest_, self.backtest_frame_, self.freq_ = judged.table, frame, freq
        self.errors_ = judged.errors
        return frames.from_long(judged.table, like)

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
        return find_recipe(self._recipe()).column(self.cell)

    def save(self, path: str | Path) -> None:
        """Write the fitted forecaster to a folder, or to one file if the path ends in `.zip`."""
        from ostinato.tasks.forecasting.file import save

        self._fitted()
        save(self, Path(path))

    def _fitted(self) -> Model:
        if not hasattr(self, "model_"):
            raise ConfigError("this Forecaster is not fitted yet; call fit first")
        return self.model_

    def _forecast(self, steps: int, futr_df: Any, *, levels: bool = False) -> pd.DataFrame:
        """The next steps of every series: unique_id, ds, forecast, and the model's own quantiles where wanted."""
        model = self._fitted()
        if self.stream_ is not None:
            return self.stream_.predict(steps)
        ahead, like = None, self.like_
        if isinstance(model, TrainedForecaster):
            given = (futr_df, model.frame, model.freq, steps)
            ahead = Exogenous.of(self).ahead(*given, id_col=like.id_col, time_col=like.time_col)
        return ask(model, steps, ahead, levels=levels)

    def _prepare(self, df: Any, **columns: Any) -> tuple[str | int, LongFrame, pd.DataFrame]:
        """The frequency, the form of the frame that came in, and its series on a regular grid."""
        check_horizon(self.h)
        check_season(self.season_length)
        return Exogenous.of(self).read(df, self.freq, self.gaps, **columns)

    def maker(
        self, freq: str | int, seed: int, statics: Statics | None = None, checkpoint: Path | None = None
    ) -> Maker:
        """A function from a past to a forecaster with these parameters, for a backtest; see `Order`."""
        return maker_of(Order.of(self, self._recipe(), freq, seed, statics, checkpoint))

    def _recipe(self) -> str:
        """The recipe, after fine-tuning that of fine-tuned networks."""
        return "finetuned" if getattr(self, "tuned_", False) else self.recipe

    def _errors(self, steps: int) -> Errors:
        """How far forecasts of so many steps err, and together, from a backtest."""
        if self.errors_ is None or len(self.errors_.conformal.spread) < steps:
            make = self.maker(self.freq_, self.seed_, self.statics_)
            origins = origins_for_intervals(self._fitted().frame, make, steps)
            self.cross_validation(h=steps, refit=False, n_windows=origins)
        assert self.errors_ is not None, "a backtest sets them"
        return self.errors_
