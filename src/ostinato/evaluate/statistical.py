"""AutoETS, AutoARIMA and AutoTheta of statsforecast as forecasters on frames with missing values.

AutoARIMA compares its candidates by conditional sums of squares (`approximation=True`), as R does for longer
series: three times faster, and on the milk series also more accurate.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.errors import ConfigError, TrainingError
from ostinato.evaluate import blocks

Values = NDArray[np.float64]
SETTINGS: dict[str, dict[str, bool]] = {"AutoARIMA": {"approximation": True}}
SHORTEST = 8  # rows below which the models' own search of a form is not to be trusted, or fails


class Statistical:
    """One model of statsforecast for each series; naive for a series that it cannot handle.

    Missing values are interpolated linearly first: the models know none. A series that is too short or
    constant, or on which the model fails, is forecast with its last real value and named in `notes`.

    Args:
        name: AutoETS, AutoARIMA or AutoTheta.
        season_length: steps in a season.
        freq: pandas alias or integer step of the frames.
    """

    def __init__(self, name: str, season_length: int, freq: str | int) -> None:
        self.name = name
        self.season_length = season_length
        self.freq = freq

    def fit(self, frame: pd.DataFrame) -> Statistical:
        """Fit one model to every series."""
        self._look(frame)
        self.models_ = [self._fit_one(values) for values in self.series_]
        self.moved_ = False
        return self

    @property
    def notes(self) -> list[str]:
        """One sentence if some series were forecast with naive instead."""
        silent = [
            str(name)
            for name, model in zip(blocks.names(self.blocks_), self.models_, strict=True)
            if model is None
        ]
        if not silent:
            return []
        shown = ", ".join(silent[:3]) + (f" and {len(silent) - 3} more" if len(silent) > 3 else "")
        return [f"{self.name} could not be fitted to {shown}; their last value is repeated instead"]

    def predict(self, h: int, level: Sequence[float] | None = None) -> pd.DataFrame:
        """Forecast the next `h` steps of every series.

        Args:
            h: steps to forecast.
            level: levels of intervals in percent, between 0 and 100.

        Returns:
            unique_id, ds, forecast, and forecast-lo-80, forecast-hi-80 for each level (NaN where
            naive stands in).
        """
        if h < 1:
            raise ConfigError(f"horizon is {h}; it must be at least 1 step")
        levels = sorted(level or ())
        names = ["mean", *(f"{side}-{percent}" for percent in levels for side in ("lo", "hi"))]
        rows = [
            self._predict_one(model, values, h, levels)
            for model, values in zip(self.models_, self.series_, strict=True)
        ]
        table = blocks.future(self.blocks_, self.freq, h)
        for name in names:
            title = "forecast" if name == "mean" else f"forecast-{name.split('-')[0]}-{float(name[3:]):g}"
            table[title] = np.concatenate([np.asarray(row[name], dtype=np.float64) for row in rows])
        return table

    def with_history(self, past: pd.DataFrame) -> Statistical:
        """The same fitted models, run over another past of the same series.

        Args:
            past: unique_id, ds, y, with the series in the same order.

        Returns:
            A forecaster at the end of that past.
        """
        moved = Statistical(self.name, self.season_length, self.freq)
        moved._look(past)
        if blocks.names(moved.blocks_) != blocks.names(self.blocks_):
            raise TrainingError(
                f"{self.name} was fitted to other series than those of the new history; fit it again"
            )
        moved.models_ = self.models_
        moved.moved_ = True
        return moved

    def _look(self, frame: pd.DataFrame) -> None:
        """Keep the values of every series, without gaps."""
        self.blocks_ = blocks.split(frame)
        pairs = zip(self.blocks_.starts, self.blocks_.ends, strict=True)
        self.series_ = [_without_gaps(self.blocks_.values[start:end]) for start, end in pairs]

    def _fit_one(self, values: Values) -> Any:
        """The fitted model of one series, or None where there can be none."""
        if len(values) < SHORTEST or values.min() == values.max():
            return None
        from statsforecast import models

        # A season that does not fit twice into the series cannot be estimated.
        season = self.season_length if len(values) >= 2 * self.season_length + 1 else 1
        model = getattr(models, self.name)(season_length=season, **SETTINGS.get(self.name, {}))
        with _quiet():
            try:
                return model.fit(values)
            except Exception:  # statsforecast raises bare Exception where no form of a model can be fitted
                return None

    def _predict_one(self, model: Any, values: Values, h: int, levels: list[float]) -> Mapping[str, Values]:
        """Forecast and interval ends of one series, each (h,)."""
        if model is not None:
            with _quiet():
                found: Mapping[str, Values] = (
                    model.forward(y=values, h=h, level=levels or None)
                    if self.moved_
                    else model.predict(h=h, level=levels or None)
                )
            if np.isfinite(found["mean"]).all():
                return found
        unknown = np.full(h, np.nan)
        last = values[-1] if len(values) else np.nan
        return {"mean": np.full(h, last)} | {
            f"{side}-{percent}": unknown for percent in levels for side in ("lo", "hi")
        }


def _without_gaps(values: Values) -> Values:
    """The values from the first real one on, gaps drawn straight, the end held level."""
    known = np.flatnonzero(~np.isnan(values))
    if not known.size:
        return values[:0]
    filled = np.interp(np.arange(known[0], len(values)), known, values[known])
    return np.asarray(filled, dtype=np.float64)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence for the models' own warnings: a search tries forms that overflow, and rejects them."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
