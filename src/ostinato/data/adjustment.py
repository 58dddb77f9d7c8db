"""Seasonal adjustment: what is taken out of a series before a network sees it, and put back after."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.seasons import moving_average

Values = NDArray[np.float64]

MIN_SEASONS = 2
"""Whole seasons that a series needs before seasonal indices are estimated from it."""

SMALLEST_LOG_EVIDENCE = 2.0
"""Log-likelihood units by which the logarithm must win before it is used."""


@dataclass(frozen=True)
class SeasonalAdjustment:
    """A logarithm, where the evidence favours it, and additive seasonal indices on that scale.

    On the logarithmic scale additive indices are multiplicative ones on the original scale. Fitted on the
    past alone; missing values (NaN) are skipped and stay missing.

    Attributes:
        log: whether values are passed through the natural logarithm.
        indices: (season_length,) index of each position in the season; zeros when there is no season.
    """

    log: bool
    indices: Values

    @classmethod
    def fit(cls, values: Values, season_length: int, *, log: bool | None = None) -> "SeasonalAdjustment":
        """Estimate the transform of one series from its past.

        Args:
            values: (time,) the past, in the series' own unit; NaN where missing.
            season_length: steps in a season; 1 for none.
            log: force the logarithm on or off; decided by evidence when None.

        Returns:
            The fitted adjustment.

        References:
            The choice of scale is the Box-Cox likelihood at lambda 0 and 1: Box and Cox (1964), "An analysis
            of transformations", section 3. The indices are the classical centred-moving-average
            decomposition, shrunk as in Miller and Williams (2003), "Shrinkage estimators of time series
            seasonal factors", equation 4.

        Example:
            >>> import numpy as np
            >>> months = np.arange(48)
            >>> series = 100 * 1.01**months * (1 + 0.2 * np.sin(2 * np.pi * months / 12))
            >>> adjustment = SeasonalAdjustment.fit(series, 12)
            >>> adjustment.log
            True
        """
        if log is None:
            log = log_is_favoured(values, season_length)
        scaled = np.log(values) if log else values
        return cls(bool(log), seasonal_indices(scaled, season_length))

    def transform(self, values: Values, start: int = 0) -> Values:
        """Take the season out.

        Args:
            values: (..., time) in the series' own unit; the first stands at position `start`.
            start: steps since the beginning of the fitted past.

        Returns:
            (..., time) adjusted values, on the logarithmic scale if `log`.
        """
        scaled = np.log(values) if self.log else values
        return scaled - self._season(start, values.shape[-1])

    def inverse(self, values: Values, start: int = 0) -> Values:
        """Put the season back: `inverse(transform(v, s), s) == v`."""
        seasonal = values + self._season(start, values.shape[-1])
        return np.exp(np.minimum(seasonal, 700.0)) if self.log else seasonal

    def _season(self, start: int, length: int) -> Values:
        return self.indices[(start + np.arange(length)) % len(self.indices)]

    def to_dict(self) -> dict[str, Any]:
        """The adjustment as plain numbers, for a model file."""
        return {"log": self.log, "indices": [float(index) for index in self.indices]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SeasonalAdjustment":
        """The adjustment that `to_dict` wrote."""
        return cls(bool(data["log"]), np.asarray(data["indices"], dtype=np.float64))


def log_is_favoured(values: Values, season_length: int) -> bool:
    """Whether the logarithm makes the steps of a positive series closer to one normal distribution.

    Compares the Box-Cox profile log-likelihood of the seasonal (or plain) differences at lambda 0 and 1.

    Args:
        values: (time,) the past; NaN where missing.
        season_length: steps in a season; 1 for none.
    """
    known = values[~np.isnan(values)]
    if len(known) < 8 or known.min() <= 0 or known.max() == known.min():
        return False
    lag = season_length if len(known) > 2 * season_length else 1
    level = _difference_variance(values, lag)
    logarithm = _difference_variance(np.log(values), lag)
    if level <= 0 or logarithm <= 0:
        return level > logarithm
    jacobian = -float(np.log(known).sum())  # lambda - 1 = -1 for the logarithm
    gain = 0.5 * len(known) * (np.log(level) - np.log(logarithm)) + jacobian
    return bool(gain > SMALLEST_LOG_EVIDENCE)


def _difference_variance(values: Values, lag: int) -> float:
    steps = values[lag:] - values[:-lag]
    steps = steps[~np.isnan(steps)]
    return float(np.var(steps)) if len(steps) > 1 else 0.0


def seasonal_indices(values: Values, season_length: int) -> Values:
    """Additive seasonal indices of one series, shrunk towards zero by how uncertain they are.

    Args:
        values: (time,) the past; NaN where missing.
        season_length: steps in a season, `m`.

    Returns:
        (m,) indices that sum to zero; all zero when there are fewer than two seasons, when a position of the
        season was never observed, or when the seasonal means differ by no more than chance would have it.
    """
    none = np.zeros(max(season_length, 1))
    if season_length < 2 or len(values) < MIN_SEASONS * season_length:
        return none
    trend = moving_average(values, season_length)
    groups = _by_position(values - trend, season_length)
    if min(len(group) for group in groups) == 0:
        return none
    means = _centred_means(groups)
    if np.isnan(values).any():  # a missing month biases the average around it: fill it in and average again
        season = means[np.arange(len(values)) % season_length]
        filled = np.where(np.isnan(values), trend + season, values)
        groups = _by_position(values - moving_average(filled, season_length), season_length)
        means = _centred_means(groups)
    return means * _shrinkage(groups, means)


def _by_position(detrended: Values, season_length: int) -> list[Values]:
    """The known values of each position in the season."""
    groups = [detrended[position::season_length] for position in range(season_length)]
    return [group[~np.isnan(group)] for group in groups]


def _centred_means(groups: list[Values]) -> Values:
    means = np.array([group.mean() for group in groups])
    centred: Values = means - means.mean()
    return centred


def _shrinkage(groups: list[Values], means: Values) -> float:
    """James-Stein factor in [0, 1] from the variance within and between the positions of the season."""
    season_length = len(groups)
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    freedom = sum(len(group) for group in groups) - season_length
    between = float(sum(len(group) * mean**2 for group, mean in zip(groups, means, strict=True)))
    if between <= 0:
        return 0.0
    if freedom < 1 or season_length <= 3:
        return 1.0 if freedom < 1 or between / (season_length - 1) > within / freedom else 0.0
    noise = within / freedom
    return max(0.0, 1.0 - (season_length - 3) * noise / between)
