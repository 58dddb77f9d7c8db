"""A forecaster kept up to date: each new value moves what is kept of its series, in constant time and memory.

A network of the streaming recipe carries its hidden state and running statistics; any other forecaster looks back over
a window, which is kept. Either way the history is not read again, and no network is trained again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.grid import Integers, moments, parse_freq, to_integers, to_times
from ostinato.errors import ConfigError
from ostinato.evaluate.adaptive import FEWEST, Adaptive
from ostinato.evaluate.conformal import LEVELS, Conformal, columns_of
from ostinato.evaluate.supports import Supports
from ostinato.tasks.forecasting.combining import CombinedForecaster
from ostinato.tasks.forecasting.trained import TrainedForecaster
from ostinato.tasks.forecasting.zero_shot import ZeroShotForecaster
from ostinato.tasks.streaming.model import StreamingForecaster
from ostinato.tasks.streaming.pair import Pair
from ostinato.tasks.streaming.rows import read_rows
from ostinato.tasks.streaming.window import Window

Values = NDArray[np.float64]
Model = StreamingForecaster | TrainedForecaster | ZeroShotForecaster | CombinedForecaster


@dataclass(frozen=True)
class News:
    """What an update brought.

    Attributes:
        rows: values taken.
        missing: steps without one.
        until: the latest time of any series.
        alarms: for each series whose forecasts have come to err more than they used to, its name and the time of the
            value that told.
        coverage: share of the one-step intervals since the fit that held what was observed, by level; NaN before there
            were any.
    """

    rows: int
    missing: int
    until: Any
    alarms: tuple[tuple[Any, Any], ...]
    coverage: Mapping[float, float]


class Engine(Protocol):
    """What moves through some series and forecasts them from where it stands."""

    def advance(self, y: Values) -> None:
        """Move by one value of each series, (series,); NaN where missing."""
        ...

    def ahead(self, h: int) -> Values:
        """Forecasts of the next `h` steps, (series, h)."""
        ...

    def take(self, rows: NDArray[np.int64]) -> Any:
        """A copy for some of the series, of the same kind."""
        ...

    def put(self, rows: NDArray[np.int64], part: Any) -> None:
        """Put back what `take` gave, after it went on."""
        ...


@final
class Stream:
    """Some series after the history that a forecaster was fitted on.

    Args:
        engine: the network that is carried, or the window that is kept.
        tracker: what is kept of the errors.
        names: of the series.
        last: time of the last row of each, as an integer of the grid.
        freq: pandas alias or integer step.
    """

    def __init__(
        self,
        engine: Engine,
        tracker: Adaptive,
        names: Sequence[Any],
        last: Integers,
        freq: str | int,
    ) -> None:
        self.engine = engine
        self.tracker = tracker
        self.names = list(names)
        self.last = last
        self.freq = freq
        self._grid = parse_freq(freq)
        self._h = tracker.arrays["unit"].shape[1]

    @classmethod
    def begin(cls, model: Model, h: int, conformal: Conformal | None) -> Stream:
        """Stand at the end of the history of a forecaster.

        Args:
            model: the forecaster.
            h: steps ahead whose errors are followed.
            conformal: interval widths from a backtest to begin with; learned from the new values alone when None.

        Raises:
            ConfigError: the forecaster sees covariates, whose new values nobody could give.
        """
        if isinstance(model, TrainedForecaster) and model.plan.channels.columns:
            raise ConfigError(
                f"the forecaster was fitted with covariates ({', '.join(model.plan.channels.columns)}) and cannot be "
                "updated; fit it again"
            )
        last = ~model.frame["unique_id"].duplicated(keep="last").to_numpy()
        names = model.frame["unique_id"][last].tolist()
        engine: Engine
        if isinstance(model, StreamingForecaster):
            engine = model.carried.take(np.arange(len(names)))
        elif isinstance(model, CombinedForecaster):
            engine = Pair.at_end(model)
        else:
            engine = Window.at_end(model)
        if conformal is None or len(conformal.spread) < h:
            tracker = Adaptive(len(names), h)
        else:
            tracker = Adaptive.calibrated(conformal, names, h)
        tracker.expect(engine.ahead(h))
        return cls(engine, tracker, names, to_integers(model.frame["ds"])[last], model.freq)

    def step(self, y: Values) -> NDArray[np.bool_]:
        """Move by one value of each series.

        Args:
            y: (series,); NaN where missing.

        Returns:
            (series,) True where errors have drifted: an alarm.
        """
        alarm = self.tracker.observe(y)
        self.engine.advance(y)
        self.tracker.expect(self.engine.ahead(self._h))
        return alarm

    def update(
        self,
        df: Any,
        *,
        id_col: str | None = None,
        time_col: str | None = None,
        target_col: str | Sequence[str] | None = None,
    ) -> News:
        """Move by new rows; all of them, or none where one cannot be used.

        Args:
            df: rows after the last ones; see `Forecaster.update`.
            id_col: column that names the series; found when None.
            time_col: column of the times; found when None.
            target_col: column of the values; found when None.

        Raises:
            DataError: see `read_rows`.
        """
        new = read_rows(
            df, self.names, self.last, self.freq, id_col=id_col, time_col=time_col, target_col=target_col
        )
        alarms = []
        for number, y in enumerate(new.values):
            rows = np.flatnonzero(new.counts > number)
            whole = len(rows) == len(self.names)
            raised = self.step(y) if whole else self._step_some(rows, y[rows])
            alarms += [(row, number + 1) for row in rows[raised]]
        told = [(self.names[row], self._time(row, steps)) for row, steps in alarms]
        self.last = moments(self.last, new.counts, self._grid)
        coverage = dict(zip(self.tracker.levels, self.tracker.coverage()[0].tolist(), strict=True))
        until = to_times(np.array([self.last.max()]), self._grid)[0]
        return News(new.given, new.missing, _plain(until), tuple(told), coverage)

    def predict(self, h: int) -> pd.DataFrame:
        """Forecast the next `h` steps of every series: unique_id, ds, forecast."""
        series = len(self.names)
        steps = np.tile(np.arange(1, h + 1), series)
        ds = to_times(moments(np.repeat(self.last, h), steps, self._grid), self._grid)
        names = pd.Series(self.names).repeat(h).reset_index(drop=True)
        return pd.DataFrame({"unique_id": names, "ds": ds, "forecast": self.engine.ahead(h).ravel()})

    def covers(self, h: int) -> bool:
        """Whether every series has had errors enough for intervals of `h` steps."""
        return h <= self._h and bool((self.tracker.arrays["told"] >= FEWEST).all())

    def apply(
        self,
        table: pd.DataFrame,
        levels: Sequence[float] = LEVELS,
        *,
        quantiles: Sequence[float] = (),
        history: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """Add the ends of the adapted intervals, and quantiles, to a table of forecasts; as `Conformal.apply`.

        Args:
            table: unique_id, ds, forecast, as `predict` gives for at most the steps that are followed.
            levels: in percent, between 0 and 100.
            quantiles: levels between 0 and 1.
            history: unique_id, ds, y; which values the series can take.
        """
        middle = table["forecast"].to_numpy(dtype=np.float64).reshape(len(self.names), -1)
        h = middle.shape[1]
        support = Supports.anything(len(self.names)) if history is None else Supports.of(history, self.names)
        wanted = columns_of("forecast", levels, quantiles)
        shares = sorted({round(abs(200 * quantile - 100), 9) for quantile in wanted.values()})
        widths = dict(zip(shares, np.moveaxis(self.tracker.widths(shares)[:, :h], 2, 0), strict=True))
        result = table.copy()
        for name, quantile in wanted.items():
            side = 200 * quantile - 100
            values = middle + np.sign(round(side, 9)) * widths[round(abs(side), 9)]
            result[name] = support.quantile(values, middle, quantile).ravel()
        return result

    def _step_some(self, rows: NDArray[np.int64], y: Values) -> NDArray[np.bool_]:
        """Move some of the series, whose places these are, by one value each."""
        engine, tracker = self.engine.take(rows), self.tracker.take(rows)
        part = Stream(engine, tracker, [self.names[row] for row in rows], self.last[rows], self.freq)
        alarm = part.step(y)
        self.tracker.put(rows, tracker)
        self.engine.put(rows, engine)
        return alarm

    def _time(self, row: int, steps: int) -> Any:
        """The time so many steps after the last one of a series."""
        at = moments(self.last[row : row + 1], np.array([steps]), self._grid)
        return _plain(to_times(at, self._grid)[0])


def _plain(time: Any) -> Any:
    """A time of the grid as a timestamp or a whole number."""
    return pd.Timestamp(time) if isinstance(time, np.datetime64) else int(time)
