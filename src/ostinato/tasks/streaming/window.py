"""Forecasters that look back over a window: what must be kept of a series to forecast it again."""

from __future__ import annotations

from dataclasses import replace
from typing import final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.grid import moments, parse_freq, to_integers, to_times
from ostinato.tasks.forecasting.trained import TrainedForecaster, split_values
from ostinato.tasks.forecasting.zero_shot import ZeroShotForecaster
from ostinato.tasks.pretrained import inputs as pretrained_inputs
from ostinato.tasks.pretrained import values as pretrained_values
from ostinato.tasks.pretrained.forecaster import long_season_of

Model = TrainedForecaster | ZeroShotForecaster
Values = NDArray[np.float64]
Places = NDArray[np.int64]


@final
class Window:
    """The last values of some series, and a forecaster that looks no further back.

    What was fitted (networks, season, scale) stays as it is. Values are dropped from the front a whole season at a
    time, so that the first one kept always stands at the beginning of a season of the fitted past.

    Args:
        model: the forecaster at the end of its history.
        values: (series, room) the values kept, the oldest first; the first `counts` of each row are in use.
        counts: (series,).
        starts: (series,) time of the first value kept, as an integer of the grid.
        names: of the series.
    """

    def __init__(
        self,
        model: Model,
        values: Values,
        counts: Places,
        starts: Places,
        names: list[object],
    ) -> None:
        self.model = model
        self.values = values
        self.counts = counts
        self.starts = starts
        self.names = names
        self._grid = parse_freq(model.freq)
        self._drop = cycle_of(model)

    @classmethod
    def at_end(cls, model: Model) -> Window:
        """The window at the end of the forecaster's history."""
        pasts = split_values(model.frame)
        first = ~model.frame["unique_id"].duplicated().to_numpy()
        names = model.frame["unique_id"][first].tolist()
        cycle, room = cycle_of(model), look_back(model) + cycle_of(model)
        values = np.full((len(pasts), room), np.nan)
        lengths = np.array([len(past) for past in pasts], dtype=np.int64)
        dropped = np.maximum(0, -(-(lengths - room) // cycle) * cycle)
        for row, past, number in zip(values, pasts, dropped, strict=True):
            row[: len(past) - number] = past[number:]
        starts = moments(to_integers(model.frame["ds"])[first], dropped, parse_freq(model.freq))
        return cls(model, values, lengths - dropped, starts, names)

    def advance(self, y: Values) -> None:
        """Take one more value of each series, (series,); NaN where missing."""
        full = np.flatnonzero(self.counts == self.values.shape[1])
        if len(full):
            self.values[full, : -self._drop] = self.values[full, self._drop :]
            self.counts[full] -= self._drop
            steps = np.full(len(full), self._drop)
            self.starts[full] = moments(self.starts[full], steps, self._grid)
        self.values[np.arange(len(y)), self.counts] = y
        self.counts += 1

    def ahead(self, h: int) -> Values:
        """Forecasts of the next `h` steps, (series, h)."""
        forecast = self.at_its_end().predict(h)["forecast"]
        return forecast.to_numpy(dtype=np.float64).reshape(-1, h)

    def at_its_end(self) -> Model:
        """The forecaster at the end of what is kept."""
        return replace(self.model, frame=self.frame())

    def frame(self) -> pd.DataFrame:
        """What is kept: unique_id, ds, y."""
        place = np.arange(self.values.shape[1])
        used = place < self.counts[:, None]  # (series, room)
        rows, steps = np.nonzero(used)
        ds = to_times(moments(self.starts[rows], steps, self._grid), self._grid)
        names = pd.Series(self.names, dtype=self.model.frame["unique_id"].dtype)
        return pd.DataFrame(
            {"unique_id": names.iloc[rows].reset_index(drop=True), "ds": ds, "y": self.values[used]}
        )

    def take(self, rows: Places) -> Window:
        """Some of the series, a copy.

        Args:
            rows: their places.
        """
        model = self.model
        if isinstance(model, TrainedForecaster):
            model = replace(model, encodings=[model.encodings[row] for row in rows])
        names = [self.names[row] for row in rows]
        return Window(model, self.values[rows], self.counts[rows], self.starts[rows], names)

    def put(self, rows: Places, part: Window) -> None:
        """Put back what `take` gave, after it went on."""
        for name in ("values", "counts", "starts"):
            getattr(self, name)[rows] = getattr(part, name)


def look_back(model: Model) -> int:
    """Steps that a forecaster looks back."""
    if isinstance(model, TrainedForecaster):
        return model.plan.context
    season = max(model.season_length, long_season_of(model.season_length, model.freq))
    return max(pretrained_inputs.CONTEXT, min(4 * season, pretrained_values.LONGEST))


def cycle_of(model: Model) -> int:
    """Steps that may be dropped from the front of a past without moving its season."""
    return max(1, model.season_length)
