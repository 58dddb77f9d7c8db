"""Quantiles that networks give, made as wide as the errors of a backtest ask for.

A value that came true stands for a normal number under the distribution that was forecast: 0 for the median, 1.28 for
the quantile 0.9. Were the distributions right, these numbers would be normal. Their sizes, sorted for each step ahead,
say at which normal number an interval must end instead (conformal prediction whose score is the rank under the
forecast distribution). Which side of an interval is longer, at which series and at which time, stays as the network
had it; one factor for both sides holds the level more steadily from one origin to the next than one for each.

Errors at one origin go together, and a few origins cannot tell whether a network that learned from many other series
is too sure of itself here. So the numbers are mixed with those of the normal distribution by what is known.

Series of counts that are often 0 keep the conformal intervals of their errors: most of their quantiles are the same.

References:
    V. Chernozhukov, K. Wuethrich and Y. Zhu (2021), Distributional conformal prediction, algorithm 1.
    Y. Romano, E. Patterson and E. Candes (2019), Conformalized quantile regression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.errors import ModelFileError
from ostinato.evaluate import blocks, scores
from ostinato.evaluate.conformal import LEVELS, OWN_STEPS, Conformal, columns_of
from ostinato.evaluate.knots import LEVELS as GIVEN
from ostinato.evaluate.knots import deviates_of, values_of
from ostinato.evaluate.supports import Supports

Values = NDArray[np.float64]
LEAST_SHARE = 0.5
"""Share of a series that must lie before an origin: distributions after a much shorter past say little."""
SHOCK = 0.12
"""Standard deviation of the logarithm of the factor found at one origin, common to all series."""
CHANCE = 1.0
"""The same of one series at one origin."""


@dataclass(frozen=True)
class Recalibration:
    """How much wider, or narrower, than the networks say.

    Attributes:
        plain: interval widths from the errors alone.
        sizes: sizes of the normal numbers that the values of the backtest stood for.
        trust: how much of these sizes is believed, from 0 (the networks are right) to 1.
    """

    plain: Conformal
    sizes: Conformal
    trust: float

    @classmethod
    def from_backtest(
        cls, cv: pd.DataFrame, frame: pd.DataFrame, plain: Conformal, *, model: str, doubt: float = np.inf
    ) -> Recalibration | None:
        """Learn from a backtest.

        Args:
            cv: the backtest: unique_id, ds, cutoff, y, one column per model, and the model's quantiles.
            frame: unique_id, ds, y; the series it was made of.
            plain: interval widths from the errors alone.
            model: the column of the model.
            doubt: standard deviation of the logarithm of the factor by which the quantiles of such networks are too
                narrow or too wide; infinite where nothing is known of it.

        Returns:
            None where the backtest has no quantiles of the model, nothing to compare them with, or too little to tell
            how wide they should be where nothing else is known of that.
        """
        columns = scores.level_columns(model)
        if not set(columns) <= set(cv.columns):
            return None
        heads, deviates = _cells(cv, columns)
        names = heads["unique_id"].drop_duplicates().tolist()
        smooth = dict(zip(names, ~Supports.of(frame, names).counts, strict=True))
        kept = heads["unique_id"].map(smooth).to_numpy(dtype=np.bool_) & np.isfinite(deviates).any(axis=1)
        late = kept & (_share_before(heads, frame) >= LEAST_SHARE)
        kept = late if late.any() else kept
        if not kept.any() or (np.isinf(doubt) and kept.sum() < OWN_STEPS):
            return None
        origins = int(heads["cutoff"][kept].groupby(heads["unique_id"][kept], sort=False).size().max())
        noise = (SHOCK**2 + CHANCE**2 * origins / kept.sum()) / origins
        return cls(
            plain=plain,
            sizes=Conformal.fit(deviates[kept]),
            trust=1.0 if np.isinf(doubt) else float(doubt**2 / (doubt**2 + noise)),
        )

    def apply(
        self,
        table: pd.DataFrame,
        levels: Sequence[float] = LEVELS,
        *,
        quantiles: Sequence[float] = (),
        history: pd.DataFrame,
    ) -> pd.DataFrame:
        """Add the ends of the intervals, and quantiles, in place of those that the networks gave.

        Args:
            table: unique_id, ds, forecast and forecast-q-10 ... forecast-q-90; the same number of rows for each series.
            levels: in percent, between 0 and 100.
            quantiles: levels between 0 and 1.
            history: unique_id, ds, y; which values the series can take.

        Returns:
            As `Conformal.apply`.
        """
        bare = table.drop(columns=scores.level_columns("forecast"))
        names = bare["unique_id"].drop_duplicates().tolist()
        plain = self.plain.apply(bare, levels, quantiles=quantiles, history=history)
        given = _given(table, len(names))
        middle = bare["forecast"].to_numpy(dtype=np.float64).reshape(len(names), -1)
        support = Supports.of(history, names)
        smooth = (~support.counts)[:, None]
        columns: dict[str, Values] = {}
        for name, quantile in columns_of("forecast", levels, quantiles).items():
            side = np.sign(round(quantile - 0.5, 12))  # a tiny difference from the median is none
            nominal = abs(side) * NormalDist().inv_cdf(quantile)
            found = side * self.sizes.sizes(abs(2 * quantile - 1), middle.shape[1])
            values = values_of(given, self._mixed(found, nominal))
            own = support.quantile(values, middle, quantile)
            columns[name] = np.where(smooth, own, plain[name].to_numpy().reshape(middle.shape)).ravel()
        return plain.assign(**columns)

    def sample(self, table: pd.DataFrame, normal: Values, *, history: pd.DataFrame) -> Values:
        """Values that may come true, each step distributed as its intervals say.

        Args:
            table: as for `apply`.
            normal: (n, series, h) standard normal numbers, as `Dependence.draw` gives.
            history: unique_id, ds, y; which values the series can take.

        Returns:
            (n, series, h), in the unit of the series.
        """
        names = table["unique_id"].drop_duplicates().tolist()
        support = Supports.of(history, names)
        found = np.sign(normal) * self.sizes.errors_within(np.abs(normal))
        values = values_of(_given(table, len(names)), self._mixed(found, normal))
        plain = self.plain.sample(table, normal, history=history)
        return np.where(support.counts[:, None], plain, support.sample(values))

    def _mixed(self, found: Values, nominal: Values | float) -> Values:
        """Normal numbers between those of the backtest and those of the networks."""
        return self.trust * found + (1.0 - self.trust) * nominal

    def to_dict(self) -> dict[str, Any]:
        """What was learned beside the plain widths, for JSON."""
        return {"sizes": self.sizes.to_dict(), "trust": self.trust}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], plain: Conformal) -> Recalibration:
        """What `to_dict` gave.

        Args:
            content: a dictionary read from JSON.
            plain: interval widths from the errors alone.

        Raises:
            ModelFileError: a part is missing or is not what it should be.
        """
        try:
            sizes, trust = Conformal.from_dict(content["sizes"]), float(content["trust"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"the intervals of the model file are damaged ({error!r}); fit again"
            ) from error
        if not 0 <= trust <= 1:
            raise ModelFileError(f"the intervals of the model file are damaged (trust is {trust}); fit again")
        return cls(plain, sizes, trust)


def _cells(cv: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, Values]:
    """Series and cut-off of each cell of a backtest, and the normal numbers of its values, (cells, h)."""
    groups = cv.groupby(["unique_id", "cutoff"], sort=False, observed=True)
    h = int(groups.cumcount().max()) + 1
    given = cv[list(columns)].to_numpy(dtype=np.float64)
    deviates = deviates_of(given, cv["y"].to_numpy(dtype=np.float64))
    return cv[["unique_id", "cutoff"]].iloc[::h].reset_index(drop=True), deviates.reshape(-1, h)


def _share_before(heads: pd.DataFrame, frame: pd.DataFrame) -> Values:
    """Share of its series that lies up to the cut-off of each cell, (cells,)."""
    view = blocks.split(frame)
    rows = view.ends[view.owner]
    starts = np.concatenate([[0], view.ends[:-1]])[view.owner]
    share = (np.arange(len(frame)) + 1 - starts) / (rows - starts)
    table = frame[["unique_id", "ds"]].assign(share=share).rename(columns={"ds": "cutoff"})
    found = heads.merge(table, on=["unique_id", "cutoff"], how="left")
    return found["share"].to_numpy(dtype=np.float64)


def _given(table: pd.DataFrame, series: int) -> Values:
    """The quantiles that the networks gave, (series, h, 9)."""
    columns = scores.level_columns("forecast")
    return table[columns].to_numpy(dtype=np.float64).reshape(series, -1, len(GIVEN))
