"""Pretrained networks over a window beside a network that carries its state: how `combined` forecasts move on."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import NDArray

from ostinato.tasks.forecasting.combining import CombinedForecaster, average
from ostinato.tasks.streaming.network import Carried
from ostinato.tasks.streaming.window import Window

Values = NDArray[np.float64]


@final
class Pair:
    """Both in the middle of the same series; their forecasts are averaged.

    Args:
        window: the last values, and the pretrained networks.
        carried: the trained network.
    """

    def __init__(self, window: Window, carried: Carried) -> None:
        self.window = window
        self.carried = carried

    @classmethod
    def at_end(cls, model: CombinedForecaster) -> Pair:
        """Both at the end of the forecaster's history."""
        window = Window.at_end(model.pretrained)
        return cls(window, model.trained.carried.take(np.arange(len(window.names))))

    def advance(self, y: Values) -> None:
        """Take one more value of each series, (series,); NaN where missing."""
        self.window.advance(y)
        self.carried.advance(y)

    def ahead(self, h: int) -> Values:
        """Forecasts of the next `h` steps, (series, h)."""
        known = self.window.at_its_end().predict_levels(h)
        forecast = average(known, self.carried.ahead(h).ravel())["forecast"]
        return forecast.to_numpy(dtype=np.float64).reshape(-1, h)

    def take(self, rows: NDArray[np.int64]) -> Pair:
        """Some of the series, a copy.

        Args:
            rows: their places.
        """
        return Pair(self.window.take(rows), self.carried.take(rows))

    def put(self, rows: NDArray[np.int64], part: Pair) -> None:
        """Put back what `take` gave, after it went on."""
        self.window.put(rows, part.window)
        self.carried.put(rows, part.carried)
