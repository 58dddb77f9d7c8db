"""The main job: a table of series in, a judged forecast out."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from ostinato.data.calendar import calendar_features
from ostinato.data.statics import Statics
from ostinato.data.tables import Table
from ostinato.errors import ConfigError
from ostinato.evaluate import scores
from ostinato.evaluate.backtest import ORIGINS, backtest
from ostinato.evaluate.baselines import STATISTICAL, Make
from ostinato.evaluate.verdict import Verdict, judge
from ostinato.evaluate.workers import import_idle
from ostinato.tasks.checks import check_levels, check_quantiles, check_seed
from ostinato.tasks.forecasting.choosing import USUAL_BUDGET
from ostinato.tasks.forecasting.exogenous import Exogenous, Extras
from ostinato.tasks.forecasting.forecaster import Forecaster
from ostinato.tasks.forecasting.horizon import choose_horizon
from ostinato.tasks.forecasting.judging import Errors, ask
from ostinato.tasks.forecasting.making import Maker
from ostinato.tasks.forecasting.models import make_baselines
from ostinato.tasks.forecasting.origins import plan_origins
from ostinato.tasks.forecasting.recipes import find_recipe
from ostinato.tasks.forecasting.trained import MakeNetwork, TrainedForecaster, check_lengths, split_values
from ostinato.tasks.streaming.model import StreamingForecaster

KEYS = ["unique_id", "ds", "y"]
NO_BACKTEST = pd.DataFrame(columns=["unique_id", "ds", "cutoff", "y"])
NO_SCORES = pd.DataFrame(columns=["model", "mae", "rmse", "mase", "smape"])


class Watch(Protocol):
    """What shows the progress of a run."""

    def start(self, label: str) -> None:
        """A new wait begins."""
        ...

    def update(self, done: int, total: int) -> None:
        """So many of its pieces are done."""
        ...

    def close(self) -> None:
        """All waits are over."""
        ...


@dataclass(frozen=True)
class RunSettings:
    """What a person may ask of a run.

    Attributes:
        h: steps to forecast; one season, or a sensible length, when None.
        levels: intervals in percent.
        recipe: a key of `RECIPES`.
        cell: a key of `ostinato.nn.LAYERS`.
        season_length: steps in a season; found in each past when None.
        seed: of the first network.
        origins: of the backtest; as many as fit, at most eight, when None.
        baselines: "auto", "simple" or "all".
        jobs: processes; one a core when None.
        quantiles: between 0 and 1, beside the intervals.
        extras: covariates.
        time_budget: seconds that `recipe="auto"` may take to choose, over all its choices; 60 when None.
        checkpoint: folder in which an interrupted run leaves the state of its trainings and finds it again.
    """

    h: int | None = None
    levels: tuple[float, ...] = (80.0, 95.0)
    recipe: str = "default"
    cell: str = "lstm"
    season_length: int | None = None
    seed: int = 0
    origins: int | None = None
    baselines: str = "auto"
    jobs: int | None = None
    quantiles: tuple[float, ...] = ()
    extras: Extras = field(default_factory=Extras)
    time_budget: float | None = None
    checkpoint: Path | None = None

    def __post_init__(self) -> None:
        find_recipe(self.recipe)
        check_levels(self.levels)
        check_quantiles(self.quantiles)
        for name in ("h", "origins", "jobs"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ConfigError(f"--{name} is {number}; use at least 1")
        check_seed(self.seed)


@dataclass(frozen=True)
class ForecastRun:
    """What a run found.

    Attributes:
        table: the series.
        h: steps forecast.
        name: the column of the network that was judged.
        forecaster: that network, fitted on everything.
        forecast: unique_id, ds, forecast, intervals, and model: whose forecast it is.
        backtest: unique_id, ds, cutoff, y, one column a model.
        leaderboard: model, mae, rmse, mase, smape.
        verdict: whose forecast is the one to use, and why.
        training: what the trainings on everything went through, one dictionary a network, as `History.to_dict` gives.
        notes: sentences about what was decided and left out.
        tried: what `recipe="auto"` tried on everything; None of other recipes.
        seconds: spent on each part.
    """

    table: Table
    h: int
    name: str
    forecaster: Forecaster
    forecast: pd.DataFrame
    backtest: pd.DataFrame
    leaderboard: pd.DataFrame
    verdict: Verdict
    training: list[dict[str, Any]]
    notes: list[str]
    tried: pd.DataFrame | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def run_forecast(table: Table, settings: RunSettings, watch: Watch) -> ForecastRun:
    """Backtest network and baselines, decide whose forecast to use, and forecast.

    Args:
        table: the series.
        settings: what is asked.
        watch: shows the progress.

    Returns:
        All that was found.

    Raises:
        ConfigError, DataError: the settings do not fit the series.
        TrainingError: a training failed.
    """
    return _Run(table, settings, watch).all()


class _Run:
    """One run, its parts in order."""

    def __init__(self, table: Table, settings: RunSettings, watch: Watch) -> None:
        self.table = table
        self.settings = settings
        self.watch = watch
        self.recipe = find_recipe(settings.recipe)
        self.h, note = choose_horizon(table, settings.h)
        self.notes = [note]
        self.jobs = settings.jobs or os.cpu_count() or 1
        self.seconds: dict[str, float] = {}
        exogenous = settings.extras.exogenous
        calendar = calendar_features(table.frame["ds"], exogenous.calendar, exogenous.holidays)
        self.frame = table.frame.assign(**calendar)
        self.statics, self.ahead = self._covariates()
        found = [self._forecaster(name) for name in (settings.recipe, *self.recipe.rivals)]
        self.forecasters = {forecaster.name: forecaster for forecaster in found}
        if "combined" in self.recipe.rivals:
            self.notes.append("Combined is the average of Pretrained and a network of the streaming recipe")
        self.name = found[0].name
        self.network = self._maker(self.name)

    def _covariates(self) -> tuple[Statics, pd.DataFrame | None]:
        """What describes the series, and what is known of the steps ahead; refused before the long work starts."""
        extras, table = self.settings.extras, self.table
        if extras.exogenous and not self.recipe.takes_covariates:
            raise ConfigError(
                f"recipe {self.recipe.name!r} takes no covariates; leave them out, or use --recipe default"
            )
        return (
            extras.exogenous.describe(extras.static, table.frame, "unique_id"),
            extras.exogenous.ahead(extras.futr, table.frame, table.freq, self.h),
        )

    def _forecaster(self, recipe: str) -> Forecaster:
        exogenous = self.settings.extras.exogenous if find_recipe(recipe).takes_covariates else Exogenous()
        return Forecaster(
            h=self.h,
            freq=self.table.freq,
            season_length=self.settings.season_length,
            cell=self.settings.cell,
            recipe=recipe,
            random_state=self.settings.seed,
            futr_exog_list=exogenous.known,
            hist_exog_list=exogenous.past,
            stat_exog_list=exogenous.static,
            calendar=exogenous.calendar,
            holidays=exogenous.holidays,
            time_budget=self._budget(),
        )

    def _budget(self) -> float:
        """Seconds of one choice among recipes: one at each origin and one on everything, some at the same time."""
        whole = USUAL_BUDGET if self.settings.time_budget is None else self.settings.time_budget
        return whole / (1 + math.ceil((self.settings.origins or ORIGINS) / self.jobs))

    def _maker(self, name: str) -> Maker:
        forecaster = self.forecasters[name]
        return forecaster.maker(self.table.freq, self.settings.seed, self.statics, self.settings.checkpoint)

    def all(self) -> ForecastRun:
        """Everything."""
        frame, season = self.frame, self.table.season_length
        if isinstance(self.network, MakeNetwork):
            check_lengths(frame, split_values(frame), self.network.plan(frame))
        makers = self._makers()
        with self._timed("backtest"):
            judged, ahead = self._backtests(makers)
        networks = [name for name in judged if name in self.forecasters] or list(self.forecasters)
        verdict = judge(judged, frame, season, model=networks)
        with self._timed("fit"):
            own = self._fit(self.name)
            forecaster = own if verdict.network == self.name else self._fit(verdict.network)
        with self._timed("predict"):
            forecast = self._forecast(forecaster, makers, verdict.best, ahead)
        self.watch.close()
        board = scores.leaderboard(judged, frame, season) if len(judged) else NO_SCORES.copy()
        return ForecastRun(
            table=self.table,
            h=self.h,
            name=verdict.network,
            forecaster=forecaster,
            forecast=forecast,
            backtest=scores.without_levels(judged),
            leaderboard=board,
            verdict=verdict,
            training=_histories(own),
            notes=self.notes,
            tried=getattr(own, "tried_", None),
            seconds=self.seconds,
        )

    def _makers(self) -> dict[str, Make]:
        choice = self.settings.baselines
        if choice == "auto" and (self.recipe.protocol == "holdout" or not self.recipe.trained):
            choice = "simple"  # the others would take longer than the recipe itself
        others, notes = make_baselines(
            self.frame, self.table.freq, season_length=self.settings.season_length, choice=choice
        )
        self.notes += notes
        networks = {name: self._maker(name) for name in self.forecasters}
        return {**networks, **others}

    def _backtests(self, makers: dict[str, Make]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The backtest that is judged, and the one whose errors at each step ahead make the intervals."""
        frame = self.frame
        if isinstance(self.network, MakeNetwork) and self.recipe.protocol == "holdout":
            return self._holdout(self.network, makers)
        origins = plan_origins(
            frame,
            self.h,
            shortest=self.network.shortest(frame),
            season_length=self.network.season(frame),
            n_windows=self.settings.origins,
        )
        if origins.note:
            self.notes.append(origins.note)
        table = self._backtest("backtest", makers, h=self.h, n_windows=origins.number, step_size=self.h)
        return table, table

    def _holdout(self, network: MakeNetwork, makers: dict[str, Make]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The textbook's test: trained once, then one step ahead from true history over the last windows."""
        frame = self.frame
        rows = int(frame.groupby("unique_id", sort=False, observed=True).size().median())
        windows = rows - network.plan(frame).context
        test = max(windows - int((1 - self.recipe.test) * windows), self.h)
        past = frame[frame.groupby("unique_id", sort=False, observed=True).cumcount(ascending=False) >= test]
        self.watch.start("train")
        trained = network.train(past.reset_index(drop=True), progress=self.watch.update)
        moved: dict[str, Make] = {**makers, self.name: trained.with_history}
        self.notes.append(
            f"trained once on all but the last {test} rows, then tested one step ahead from true history; the scale is "
            "fitted on the training rows (the textbook fits it on the whole file, which lets it see the test)"
        )
        judged = self._backtest("test", moved, h=1, n_windows=test, step_size=1, jobs=1)
        ahead = self._backtest("test", moved, h=self.h, n_windows=test - self.h + 1, step_size=1, jobs=1)
        return judged, ahead

    def _backtest(
        self,
        label: str,
        makers: dict[str, Make],
        *,
        h: int,
        n_windows: int,
        step_size: int,
        jobs: int | None = None,
    ) -> pd.DataFrame:
        if n_windows == 0:
            return NO_BACKTEST.copy()
        self.watch.start(label)
        if (jobs or self.jobs) > 1 and self.recipe.trained:
            _import_once(makers)
        table = backtest(
            makers,
            self.frame,
            h=h,
            freq=self.table.freq,
            n_windows=n_windows,
            step_size=step_size,
            n_jobs=jobs or self.jobs,
            progress=self.watch.update,
        )
        self.notes += table.attrs.get("notes", [])
        return table

    def _fit(self, name: str) -> Forecaster:
        """The network that was judged, fitted on everything."""
        self.watch.start("train on everything")
        forecaster = self.forecasters[name]
        columns = [*KEYS, *Exogenous.of(forecaster).known, *Exogenous.of(forecaster).past]
        static = self.settings.extras.static if forecaster.stat_exog_list else None
        return forecaster.fit(
            self.frame[columns], static, checkpoint=self.settings.checkpoint, progress=self.watch.update
        )

    def _forecast(
        self, forecaster: Forecaster, makers: dict[str, Make], best: str, ahead: pd.DataFrame
    ) -> pd.DataFrame:
        """The forecast of the best model, with intervals from its own errors."""
        frame = self.frame
        name = forecaster.name
        forecast = self._ahead(forecaster, None if best == name else makers[best])
        if ahead.empty:
            self.notes.append(
                "there are no intervals: they come from the errors of a backtest, and there is none"
            )
            return forecast[["unique_id", "ds", "forecast"]].assign(model=best)
        season = self.table.season_length
        forecaster.errors_ = Errors.from_backtest(ahead, frame, season, name=name, make=makers[name])
        errors = Errors.from_backtest(ahead, frame, season, name=best, make=makers[best])
        levels, quantiles = self.settings.levels, self.settings.quantiles
        return errors.apply(forecast, levels, quantiles, frame).assign(model=best)

    def _ahead(self, forecaster: Forecaster, other: Make | None) -> pd.DataFrame:
        """The forecast of the network, or of another model where that did better."""
        if other is not None and not getattr(other, "sees_covariates", False):
            return other(self.frame[KEYS]).predict(self.h)
        model = forecaster.model_ if other is None else other(self.frame)
        return ask(model, self.h, self.ahead)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def _histories(forecaster: Forecaster) -> list[dict[str, Any]]:
    """The histories of the networks; none of networks that came trained."""
    model = getattr(forecaster.model_, "trained", forecaster.model_)  # that of an average
    if isinstance(model, StreamingForecaster):
        return [model.weights.history]
    return [member.history for member in model.members] if isinstance(model, TrainedForecaster) else []


def _import_once(makers: Mapping[str, Make]) -> None:
    """Import what is slow to import before workers are forked, so that each need not do it again."""
    import_idle("torch._dynamo")  # torch's optimisers import it, slowly, when the first one is made
    if not set(STATISTICAL).isdisjoint(makers):
        import_idle("statsforecast.models")
