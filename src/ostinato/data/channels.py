"""Series of one or many channels as a network sees them: without gaps, and of one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ostinato.errors import DataError

Values = NDArray[np.float64]


def to_series(values: ArrayLike, place: int) -> Values:
    """One series as `(time, channels)`; missing values between known ones lie on a straight line.

    Args:
        values: `(time,)` or `(time, channels)`; NaN where missing. A channel without any value stays so.
        place: which series it is, for messages.

    Raises:
        DataError: it has other dimensions, is no array of numbers, or has infinite values.

    Example:
        >>> to_series([1.0, float("nan"), 3.0], 0).ravel().tolist()
        [1.0, 2.0, 3.0]
    """
    try:
        array = np.array(values, dtype=np.float64)  # a copy: gaps are filled in place
    except (TypeError, ValueError) as error:
        raise DataError(f"series {place} is no array of numbers ({error}); give (time, channels)") from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise DataError(f"series {place} has {array.ndim} dimensions; give (time,) or (time, channels)")
    if np.isinf(array).any():
        raise DataError(
            f"series {place} has an infinite value; replace it, or write NaN where a value is missing"
        )
    if np.isnan(array).any():
        for channel in array.T:
            _fill(channel)
    return array


def _fill(channel: Values) -> None:
    """Fill the gaps of a channel in place, unless it has no value at all."""
    known = np.flatnonzero(~np.isnan(channel))
    if len(known):
        channel[:] = np.interp(np.arange(len(channel)), known, channel[known])


@dataclass(frozen=True)
class Channels:
    """Location and scale of each channel, taken from training series alone.

    Attributes:
        mean: `(channels,)`.
        spread: `(channels,)` standard deviations, 1 for a constant channel.
    """

    mean: tuple[float, ...]
    spread: tuple[float, ...]

    @classmethod
    def fit(cls, series: Sequence[Values]) -> Channels:
        """Location and scale over all steps of all series.

        Args:
            series: `(time, channels)` each; a channel that has no value in one is known from the others.

        Raises:
            DataError: the series differ in their number of channels.
        """
        known = {place: values for place, values in enumerate(series) if len(values)}
        if not known:
            raise DataError("all series are empty; give at least one with values")
        first = next(iter(known))
        for place, values in known.items():
            if values.shape[1] != known[first].shape[1]:
                raise DataError(
                    f"series {place} has {values.shape[1]} channels and series {first} has {known[first].shape[1]}; "
                    "give all the same channels"
                )
        steps = np.concatenate(list(known.values()))
        steps[:, np.isnan(steps).all(axis=0)] = 0.0  # a channel without a value anywhere
        mean, spread = np.nanmean(steps, axis=0), np.nanstd(steps, axis=0)
        constant = spread <= 1e-12 * np.maximum(np.abs(mean), 1.0)
        return cls(tuple(mean.tolist()), tuple(np.where(constant, 1.0, spread).tolist()))

    @property
    def count(self) -> int:
        """The number of channels."""
        return len(self.mean)

    def transform(self, values: Values, place: int) -> Values:
        """A series with channels of mean 0 and standard deviation 1, as they were in training.

        Args:
            values: `(time, channels)`; a channel without a value becomes its mean, 0.
            place: which series it is, for messages.

        Raises:
            DataError: it has another number of channels.
        """
        if not len(values):
            return np.zeros((0, self.count))
        if values.shape[1] != self.count:
            raise DataError(
                f"series {place} has {values.shape[1]} channels and those in training had {self.count}; "
                "give the same channels"
            )
        scaled: Values = (values - np.array(self.mean)) / np.array(self.spread)
        return np.where(np.isnan(scaled), 0.0, scaled)

    def to_dict(self) -> dict[str, Any]:
        """Location and scale as plain values for JSON."""
        return {"mean": list(self.mean), "spread": list(self.spread)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Channels:
        """The channels that `to_dict` described."""
        return cls(tuple(map(float, saved["mean"])), tuple(map(float, saved["spread"])))
