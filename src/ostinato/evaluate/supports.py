"""Which values a series can take, by the evidence of its past: none below zero, none but whole ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]
FEWEST = 5
"""Known values that tell whether a series holds whole numbers alone."""


@dataclass(frozen=True)
class Supports:
    """The values that each of several series can take.

    Attributes:
        least: (series,) 0 where a series was never negative, else minus infinity.
        whole: (series,) True where a series held nothing but whole numbers.
        zero: (series,) True where a series was 0 at some time.
    """

    least: Values
    whole: NDArray[np.bool_]
    zero: NDArray[np.bool_]

    @classmethod
    def anything(cls, series: int) -> Supports:
        """No evidence: any number."""
        nowhere = np.zeros(series, dtype=np.bool_)
        return cls(np.full(series, -np.inf), nowhere, nowhere)

    @property
    def counts(self) -> NDArray[np.bool_]:
        """(series,) True where a series counts what is sometimes not there at all."""
        counts: NDArray[np.bool_] = self.whole & self.zero & (self.least == 0)
        return counts

    @classmethod
    def of(cls, history: pd.DataFrame, names: Sequence[object]) -> Supports:
        """By the past of each series.

        Args:
            history: unique_id, ds, y.
            names: the series, in the order wanted; any number is possible for one without a past.
        """
        y = history["y"].to_numpy(dtype=np.float64)
        known = ~np.isnan(y)
        broken = known & (y != np.rint(y))
        facts = pd.DataFrame({"least": y, "broken": broken, "known": known, "zero": y == 0})
        groups = facts.groupby(history["unique_id"].to_numpy(), sort=False)
        table = groups.agg({"least": "min", "broken": "sum", "known": "sum", "zero": "sum"})
        table = table.reindex(list(names))
        least = np.where(table["least"].to_numpy(dtype=np.float64) >= 0, 0.0, -np.inf)
        whole = (table["broken"] == 0) & (table["known"] >= FEWEST)
        return cls(least, whole.to_numpy(dtype=np.bool_), table["zero"].to_numpy() > 0)

    def quantile(self, values: Values, middle: Values, level: float) -> Values:
        """Quantiles brought to values that the series can take.

        Ends of whole-numbered series move inwards to the next whole number, which holds just as many whole numbers.

        Args:
            values: (series, h) the quantile.
            middle: (series, h) the forecast, which a lower quantile does not exceed, nor an upper one fall short of.
            level: of the quantile, between 0 and 1.
        """
        floor = np.minimum(self.least[:, None], middle)  # a forecast below 0 keeps its interval around it
        values = np.maximum(values, floor)
        if level < 0.5:
            rounded = np.minimum(np.ceil(values), np.floor(middle))
        elif level > 0.5:
            rounded = np.maximum(np.floor(values), np.ceil(middle))
        else:
            rounded = np.rint(values)
        return np.where(self.whole[:, None], rounded, values)

    def sample(self, values: Values) -> Values:
        """Sampled values (n, series, h) that the series can take."""
        above = np.maximum(values, self.least[:, None])
        return np.where(self.whole[:, None], np.rint(above), above)
