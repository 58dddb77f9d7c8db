"""Prediction intervals from the errors of a backtest, per step ahead.

Split conformal prediction takes the interval's half width from the sorted absolute errors of forecasts
made like the one in question: at level L of n errors it is the L (n + 1)-th smallest, which holds L of the
time whatever the errors' distribution. A backtest has few origins (eight, say), so:

* with 60 cells (series times origins) or more, each step ahead has its own sorted errors;
* with fewer, the errors of all steps are divided by a smooth spread (a power of the step, fitted to
  the mean absolute errors) and pooled. Errors of one origin go together, so the n of the formula is the
  effective number of errors, from their intra-class correlation;
* between two sorted errors the width is interpolated; beyond the largest, where n is too small for
  the level, it grows as the tail of a normal distribution does;
* with several series, errors are in MASE's unit of each series.

Widths never shrink as the level grows, so intervals of higher levels hold those of lower ones.

References:
    J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman (2018), Distribution-free
    predictive inference for regression, section 2.2.
    K. Stankeviciute, A. M. Alaa and M. van der Schaar (2021), Conformal time-series forecasting.
    L. Kish (1965), Survey sampling, section 5.4 (effective number of clustered values).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ostinato.errors import ConfigError, DataError, ModelFileError
from ostinato.evaluate import blocks, scores
from ostinato.evaluate.supports import Supports

Values = NDArray[np.float64]
OWN_STEPS = 60  # cells from which each step ahead has errors enough of its own
KEPT = 401  # sorted errors kept of a step; of more, evenly spaced quantiles
LEVELS = (80.0, 95.0)


@dataclass(frozen=True)
class Conformal:
    """Half widths of prediction intervals, per step ahead and level.

    Attributes:
        spread: size of the errors at each step ahead, h numbers, in the unit of `errors`.
        errors: sorted absolute errors in units of the spread; one row for all steps, or one a step.
        count: effective number of errors behind each row.
        scales: unit of each series by its id as text; empty = all 1.
    """

    spread: tuple[float, ...]
    errors: tuple[tuple[float, ...], ...]
    count: float
    scales: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def fit(cls, errors: ArrayLike, scales: Mapping[str, float] | None = None) -> Conformal:
        """Learn the widths from errors of a backtest.

        Args:
            errors: forecast minus truth, shape (cells, h); one row per origin (and series, already in
                units of the series); NaN = missing.
            scales: unit of each series by its id as text.

        Returns:
            The widths of `h` steps.

        Raises:
            DataError: there is no error at all.
        """
        sizes = np.abs(np.asarray(errors, dtype=np.float64))
        if sizes.ndim != 2 or not (~np.isnan(sizes)).any():
            raise DataError(
                "there are no backtest errors to make intervals from; "
                "give a history long enough for one origin"
            )
        spread = _spread(sizes)
        scores_ = sizes / spread
        rows = [_sorted(column) for column in scores_.T] if len(sizes) >= OWN_STEPS else []
        count = float(len(sizes))
        if not rows or min(len(row) for row in rows) < OWN_STEPS:
            rows = [_sorted(scores_)]
            count = _effective(scores_)
        kept = tuple(tuple(float(value) for value in _thin(row)) for row in rows)
        return cls(tuple(float(value) for value in spread), kept, count, dict(scales or {}))

    @classmethod
    def from_backtest(
        cls, cv: pd.DataFrame, frame: pd.DataFrame, season_length: int, *, model: str
    ) -> Conformal:
        """Learn the widths of one model from a backtest.

        Args:
            cv: the backtest: unique_id, ds, cutoff, y and one column per model.
            frame: unique_id, ds, y; the series it was made of.
            season_length: steps in a season.
            model: the column of the model.

        Returns:
            The widths, in the unit of each series where there are several.

        Raises:
            ConfigError: `cv` has no column `model`.
            DataError: there is no error at all.
        """
        errors = scores.errors_of(cv, model)  # (cells, h)
        if frame["unique_id"].nunique() == 1:
            return cls.fit(errors)
        at_origin = scores.cells(cv, frame, season_length).scale[:, None]
        view = blocks.split(frame)
        at_end = scores.running_scale(frame, season_length)[view.ends - 1]
        names = [str(name) for name in blocks.names(view)]
        scales = {name: float(scale) for name, scale in zip(names, np.nan_to_num(at_end), strict=True)}
        # A series that has not moved yet has no unit; its errors say nothing about the others.
        return cls.fit(
            np.divide(errors, at_origin, out=np.full(errors.shape, np.nan), where=at_origin > 0), scales
        )

    def interval(self, forecast: ArrayLike, levels: Sequence[float] = LEVELS) -> tuple[Values, Values]:
        """Ends of the intervals around a forecast.

        Args:
            forecast: shape (h,) or (series, h), with at most the steps of the backtest.
            levels: in percent, between 0 and 100.

        Returns:
            Lower and upper ends, each of shape (len(levels), *forecast.shape), in units of the spread's
            errors: for several series multiply the widths by their scales, as `apply` does.

        Raises:
            ConfigError: a level outside (0, 100), or more steps than the backtest had.
        """
        middle = np.asarray(forecast, dtype=np.float64)
        widths = self.widths(middle.shape[-1], levels)
        widths = widths.reshape(len(levels), *(1,) * (middle.ndim - 1), middle.shape[-1])
        return middle - widths, middle + widths

    def widths(self, h: int, levels: Sequence[float] = LEVELS) -> Values:
        """Half widths of the intervals of the first `h` steps, (len(levels), h)."""
        for level in levels:
            if not 0 < level < 100:
                raise ConfigError(f"level is {level}; it must lie between 0 and 100 percent")
        return np.stack([self.sizes(level / 100, h) for level in levels])

    def sizes(self, share: float, h: int) -> Values:
        """Absolute errors that are not exceeded with one probability, (h,)."""
        deviate = NormalDist().inv_cdf(0.5 + share / 2)
        return self.errors_at(np.full(h, share), np.full(h, deviate))

    def errors_at(self, shares: Values, deviates: Values) -> Values:
        """Absolute errors that are not exceeded with given probabilities.

        Args:
            shares: (..., h) probabilities from 0 to 1, with at most the steps of the backtest.
            deviates: (..., h) the sizes that a standard normal number does not exceed with these probabilities.

        Returns:
            (..., h), in the unit of the errors.

        Raises:
            ConfigError: more steps than the backtest had.
        """
        h = shares.shape[-1]
        if h > len(self.spread):
            raise ConfigError(
                f"horizon is {h} but the intervals were learned for {len(self.spread)} steps; "
                f"forecast at most {len(self.spread)}"
            )
        rows = self.errors if len(self.errors) > 1 else self.errors * h
        found = [
            _quantiles(rows[step], self.count, shares[..., step], deviates[..., step]) for step in range(h)
        ]
        sizes: Values = np.stack(found, axis=-1) * np.asarray(self.spread[:h])
        return sizes

    def errors_within(self, deviates: Values) -> Values:
        """Absolute errors as likely not exceeded as sizes (..., h) of standard normal numbers are: (..., h)."""
        return self.errors_at(np.interp(deviates, DEVIATES, WITHIN), deviates)

    def apply(
        self,
        table: pd.DataFrame,
        levels: Sequence[float] = LEVELS,
        column: str = "forecast",
        *,
        quantiles: Sequence[float] = (),
        history: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """Add the ends of the intervals, and quantiles, to a table of forecasts.

        Args:
            table: unique_id, ds and the forecasts, the same number of rows for each series.
            levels: in percent, between 0 and 100.
            column: name of the forecasts' column.
            quantiles: levels between 0 and 1.
            history: unique_id, ds, y; the intervals of a series that was never negative do not go below 0, and those
                of one that held whole numbers alone end at whole numbers.

        Returns:
            The table with forecast-lo-80, forecast-hi-80 and so on for each level and forecast-q-10 and so on for each
            quantile; NaN for a series without a scale.
        """
        names = table["unique_id"].drop_duplicates().tolist()
        middle = table[column].to_numpy(dtype=np.float64).reshape(len(names), -1)
        units = self.units(names)[:, None]
        support = Supports.anything(len(names)) if history is None else Supports.of(history, names)
        result: dict[str, Values] = {}
        for name, quantile in columns_of(column, levels, quantiles).items():
            away = self.sizes(abs(2 * quantile - 1), middle.shape[1])
            values = middle + np.sign(round(quantile - 0.5, 12)) * units * away
            result[name] = support.quantile(values, middle, quantile).ravel()
        return table.assign(**result)

    def sample(
        self,
        table: pd.DataFrame,
        normal: Values,
        column: str = "forecast",
        *,
        history: pd.DataFrame | None = None,
    ) -> Values:
        """Values that may come true, each step distributed as its intervals say.

        Args:
            table: unique_id, ds and the forecasts, the same number of rows for each series.
            normal: (n, series, h) standard normal numbers, as `Dependence.draw` gives.
            column: name of the forecasts' column.
            history: unique_id, ds, y; which values the series can take.

        Returns:
            (n, series, h), in the unit of the series.
        """
        names = table["unique_id"].drop_duplicates().tolist()
        middle = table[column].to_numpy(dtype=np.float64).reshape(len(names), -1)
        distance = self.errors_within(np.abs(normal))
        values = middle + self.units(names)[:, None] * np.sign(normal) * distance
        support = Supports.anything(len(names)) if history is None else Supports.of(history, names)
        return support.sample(values)

    def units(self, names: Sequence[object]) -> Values:
        """The unit of each series, (series,); NaN for one without a scale."""
        return np.array([self.scales.get(str(name), np.nan) if self.scales else 1.0 for name in names])

    def to_dict(self) -> dict[str, Any]:
        """The widths as plain lists and numbers, for JSON."""
        return {
            "spread": list(self.spread),
            "errors": [list(row) for row in self.errors],
            "count": self.count,
            "scales": dict(self.scales),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Conformal:
        """The widths from what `to_dict` gave.

        Args:
            content: a dictionary read from JSON.

        Raises:
            ModelFileError: a part is missing or is not what it should be.
        """
        try:
            spread = tuple(float(value) for value in content["spread"])
            errors = tuple(tuple(float(value) for value in row) for row in content["errors"])
            count = float(content["count"])
            scales = {str(name): float(value) for name, value in content["scales"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelFileError(
                f"the intervals of the model file are damaged ({error!r}); fit again"
            ) from error
        if not spread or len(errors) not in (1, len(spread)) or not all(errors) or not count > 0:
            raise ModelFileError(
                "the intervals of the model file are damaged (sizes do not agree); fit again"
            )
        return cls(spread, errors, count, scales)


def columns_of(column: str, levels: Sequence[float], quantiles: Sequence[float]) -> dict[str, float]:
    """The quantile behind each column of intervals and quantiles of a forecast."""
    ends = {
        f"{column}-{end}-{level:g}": 0.5 + sign * level / 200
        for level in levels
        for end, sign in (("lo", -1), ("hi", 1))
    }
    return {**ends, **{f"{column}-q-{100 * quantile:g}": quantile for quantile in quantiles}}


def _spread(sizes: Values) -> Values:
    """A power of the step, between constant and linear growth, that fits the mean sizes, (h,)."""
    known = ~np.isnan(sizes)
    count = known.sum(axis=0)
    means = np.divide(
        np.where(known, sizes, 0.0).sum(axis=0), count, out=np.full(len(count), np.nan), where=count > 0
    )
    usable = means > 0  # also false for NaN
    if not usable.any():
        return np.ones(len(means))
    steps = np.log(np.arange(1, len(means) + 1))
    power = 0.0
    if usable.sum() > 1:
        power = float(np.clip(np.polyfit(steps[usable], np.log(means[usable]), 1)[0], 0.0, 1.0))
    shape = np.exp(power * steps)
    spread: Values = shape * (means[usable].mean() / shape[usable].mean())
    return spread


def _effective(errors: Values) -> float:
    """How many independent errors the (cells, h) errors are worth, between cells and cells * h."""
    cells, h = errors.shape
    whole = errors[~np.isnan(errors).any(axis=1)]
    if h == 1 or len(whole) < 3:
        return float((~np.isnan(errors).all(axis=1)).sum())
    between = h * whole.mean(axis=1).var(ddof=1)
    within = whole.var(axis=1, ddof=1).mean()
    total = between + (h - 1) * within
    correlation = float(np.clip((between - within) / total, 0.0, 1.0)) if total > 0 else 1.0
    return float(cells * h / (1 + (h - 1) * correlation))


def _sorted(values: Values) -> Values:
    """The known values, smallest first."""
    return np.sort(values[~np.isnan(values)])


def _thin(values: Values) -> Values:
    """At most KEPT sorted values that have the same quantiles."""
    return values if len(values) <= KEPT else np.quantile(values, np.linspace(0, 1, KEPT))


def _quantiles(values: Sequence[float], count: float, shares: Values, deviates: Values) -> Values:
    """Conformal quantiles of sorted errors, of which `count` are independent, at probabilities of any shape."""
    row = np.asarray(values)
    place = shares * (count + 1) / count
    inside = np.interp(place, np.linspace(0.0, 1.0, len(row)), row)
    reached = NormalDist().inv_cdf(0.5 + count / (count + 1) / 2)
    found: Values = np.where(place <= 1, inside, row[-1] * deviates / reached)
    return found


DEVIATES = np.linspace(0.0, 8.0, 4001)
WITHIN = np.array([2 * NormalDist().cdf(deviate) - 1 for deviate in DEVIATES])
