"""What a network that carries its state sees of a series: statistics that each new value moves, and nothing else.

A window can be normalised by itself; a stream cannot, as its past is gone. Here level, scale and season are running
ones, so the same value after the same past looks the same whether the past came at once or value by value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from ostinato.data.adjustment import log_is_favoured, seasonal_indices

Values = NDArray[np.float64]

FEATURES = 3
LEVEL_RATE, SCALE_RATE, SEASON_RATE = 0.1, 0.05, 0.1
"""Weight of the newest value in the running level, scale and season."""
FLOOR = 1e-3
"""On the logarithmic scale, values below this share of the smallest one fitted on count as that."""


_SCALE_RATES = np.array([0.0, 0.0, *(max(1 / (n - 1), SCALE_RATE) for n in range(2, 32))])
_LEVEL_RATES = np.array([0.0, *(max(1 / n, LEVEL_RATE) for n in range(1, 32))])
"""Weight of the newest value by how many there were, that one included: plain means at first."""

NAMES = {"log", "floor", "season", "phase", "seen", "last", "level", "scale"}
"""What is kept of a series."""


@dataclass(frozen=True)
class Start:
    """What is known of the scale of one series before its first value: fitted on the past, then fixed.

    Attributes:
        log: whether values are passed through the natural logarithm.
        floor: smallest value that it is taken of.
        indices: (season_length,) the season to begin with; zeros, which stay, where none was found.
    """

    log: bool
    floor: float
    indices: Values

    @classmethod
    def fit(cls, past: Values, season_length: int) -> Start:
        """Look at the past of one series, (time,), NaN where missing."""
        log = log_is_favoured(past, season_length)
        floor = FLOOR * float(np.nanmin(past)) if log else 0.0
        return cls(log, floor, seasonal_indices(np.log(past) if log else past, season_length))


@final
class Running:
    """The running statistics of several series. `advance` moves them by one value each.

    Attributes:
        arrays: the statistics by name, the series along the first axis.

    Raises:
        ValueError: a statistic is missing, or not one number a series.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        shapes = {name: np.shape(array)[:1] for name, array in arrays.items()}
        if set(shapes) != NAMES or len(set(shapes.values())) != 1:
            raise ValueError(f"the running statistics have the shapes {shapes}")
        self.arrays = {name: np.array(array, dtype=np.float64) for name, array in arrays.items()}
        self._rows = np.arange(len(self.arrays["last"]))
        self._log = self.arrays["log"] > 0
        self._following: dict[int, NDArray[np.int64]] = {}
        self._any_log = bool(self._log.any())
        self._adapts = SEASON_RATE * (self.arrays["season"] != 0).any(axis=1)

    @classmethod
    def start(cls, starts: Sequence[Start]) -> Running:
        """The statistics before the first value."""
        none = np.zeros(len(starts))
        return cls(
            {
                "log": np.array([start.log for start in starts]),
                "floor": np.array([start.floor for start in starts]),
                "season": np.stack([start.indices for start in starts]),
                "phase": none,
                "seen": none,
                "last": none,
                "level": none,
                "scale": none,
            }
        )

    def advance(self, y: Values) -> NDArray[np.float32]:
        """Move by one value of each series.

        Args:
            y: (series,) in the series' own unit; NaN where missing.

        Returns:
            (series, 3) what the network sees: the step from the last value and the distance from the level, both in
            units of the running mean step and squashed by asinh, and 1 where the value is real.
        """
        state = self.arrays
        place = self._rows, state["phase"].astype(np.intp)
        last, season = state["last"], state["season"][place]
        known = y == y
        adjusted = np.where(known, self._on_scale(y) - season, last)
        seen = state["seen"] + known
        recent = np.minimum(seen, len(_SCALE_RATES) - 1).astype(np.intp)
        step = (adjusted - last) * (seen > 1)  # the first value has none, a missing one 0
        scale = state["scale"] + known * _SCALE_RATES[recent] * (np.abs(step) - state["scale"])
        level = state["level"] + known * _LEVEL_RATES[recent] * (adjusted - state["level"])
        away = known * (adjusted - level)
        state["season"][place] = season + self._adapts * away
        state["last"], state["level"], state["scale"], state["seen"] = adjusted, level, scale, seen
        state["phase"] = (state["phase"] + 1) % state["season"].shape[1]
        unit = np.where(scale > 0, scale, 1.0)
        features = np.empty((len(y), FEATURES), dtype=np.float32)
        features[:, 0], features[:, 1], features[:, 2] = step / unit, away / unit, known
        np.arcsinh(features[:, :2], out=features[:, :2])
        return features

    def read(self, answers: Values) -> Values:
        """Forecasts in the series' own unit for the network's answers.

        Args:
            answers: (series, h) relative to the last value, in units of the running mean step; 0 repeats the last value
                of the adjusted series.

        Returns:
            (series, h); NaN for a series without any value yet.
        """
        state = self.arrays
        ahead = (
            state["last"][:, None] + state["scale"][:, None] * answers + self.season_ahead(answers.shape[1])
        )
        if self._any_log:
            ahead = np.where(self._log[:, None], np.exp(np.minimum(ahead, 700.0)), ahead)
        return np.where(state["seen"][:, None] > 0, ahead, np.nan)

    def targets(self, values: Values) -> Values:
        """The right answers for the values that follow, (series, h) both; NaN where there is no scale yet."""
        state = self.arrays
        scale = np.where(state["scale"] > 0, state["scale"], np.nan)[:, None]
        adjusted = self._on_scale(values.T).T - self.season_ahead(values.shape[1])
        answers: Values = (adjusted - state["last"][:, None]) / scale
        return answers

    def season_ahead(self, h: int) -> Values:
        """The season of the next `h` steps, (series, h), on the network's scale."""
        season = self.arrays["season"]
        length = season.shape[1]
        if h not in self._following:
            self._following[h] = (np.arange(length)[:, None] + np.arange(h)) % length  # (season, h)
        places = self._following[h][self.arrays["phase"].astype(np.intp)]
        ahead: Values = season[self._rows[:, None], places]
        return ahead

    def _on_scale(self, y: Values) -> Values:
        """Values (..., series), after the logarithm where it is taken."""
        if not self._any_log:
            return y
        positive = np.where(self._log, np.maximum(y, self.arrays["floor"]), 1.0)
        return np.where(self._log, np.log(positive), y)
