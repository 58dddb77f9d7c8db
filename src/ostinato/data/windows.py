"""Windows of many series: a context of past steps and the horizon that follows it, cut when they are needed.

Series lie one after the other in flat arrays. A window is two numbers, its series and the place where its future
begins, so that a hundred thousand series cost no more than their values; windows become arrays a batch at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ostinato.errors import ConfigError, DataError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Store:
    """Series one after the other.

    Attributes:
        values: `(rows,)` NaN where missing.
        starts: `(series,)` the first row of each series.
        lengths: `(series,)` rows of each series.
        covariates: `(rows, columns)` NaN where missing; no columns where there are none.
    """

    values: Floats
    starts: Integers
    lengths: Integers
    covariates: npt.NDArray[np.float32]

    @classmethod
    def of(cls, series: Sequence[npt.ArrayLike], covariates: npt.NDArray[np.float32] | None = None) -> Store:
        """Put series one after the other.

        Args:
            series: values `(time,)` of each series; NaN is missing.
            covariates: `(rows, columns)` of all series, in the same order.

        Raises:
            DataError: a series holds an infinity.
        """
        parts = [np.asarray(values, dtype=np.float64) for values in series]
        lengths = np.array([len(part) for part in parts], dtype=np.int64)
        values = np.concatenate([*parts, np.empty(0)])
        starts = np.cumsum(lengths) - lengths
        infinite = np.flatnonzero(np.isinf(values))
        if len(infinite):
            number = int(np.searchsorted(starts, infinite[0], side="right")) - 1
            step = int(infinite[0] - starts[number])
            raise DataError(f"series {number} is infinite at step {step}; mark it as missing (NaN)")
        none = np.empty((len(values), 0), dtype=np.float32)
        return cls(values, starts, lengths, none if covariates is None else covariates)


@dataclass(frozen=True)
class Windows:
    """Windows as arrays.

    Attributes:
        inputs: `(windows, context)` the past, 0 where it is missing or before the start (padding is on the left).
        observed: `(windows, context)` True where the past is real.
        targets: `(windows, horizon)` what follows, 0 where missing.
        mask: `(windows, horizon)` True where a target is real.
        covariates: `(windows, context + horizon, columns)` NaN where missing or outside the series.
    """

    inputs: Floats
    observed: Flags
    targets: Floats
    mask: Flags
    covariates: npt.NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.inputs)


def cut(store: Store, series: Integers, origins: Integers, *, context: int, horizon: int) -> Windows:
    """Cut windows out of series.

    Args:
        store: the series.
        series: `(windows,)` the number of the series of each window.
        origins: `(windows,)` the place in that series where its future begins; its length for a future unknown.
        context: steps of the past.
        horizon: steps of the future; may be 0.

    Returns:
        The windows, in the order asked for.

    Examples:
        >>> store = Store.of([[1, 2, 3, 4, 5]])
        >>> windows = cut(store, np.array([0, 0]), np.array([1, 3]), context=2, horizon=1)
        >>> windows.inputs.tolist(), windows.observed.tolist(), windows.targets.tolist()
        ([[0.0, 1.0], [2.0, 3.0]], [[False, True], [True, True]], [[2.0], [4.0]])
    """
    if context < 1 or horizon < 0:
        raise ConfigError(f"context is {context} and horizon {horizon}; use at least 1 and 0")
    places = origins[:, None] + np.arange(-context, horizon)  # (windows, context + horizon)
    inside = (places >= 0) & (places < store.lengths[series][:, None])
    rows = np.where(inside, store.starts[series][:, None] + places, 0)
    if len(store.values):
        values = np.where(inside, store.values[rows], np.nan)
        covariates = np.where(inside[..., None], store.covariates[rows], np.float32(np.nan))
    else:
        values = np.full(rows.shape, np.nan)
        covariates = np.full((*rows.shape, store.covariates.shape[1]), np.nan, dtype=np.float32)
    real = ~np.isnan(values)
    filled = np.where(real, values, 0.0)
    past, future = np.s_[:, :context], np.s_[:, context:]
    return Windows(filled[past], real[past], filled[future], real[future], covariates)


@dataclass(frozen=True)
class Share:
    """Some of the windows of each series, by number: window `k` has `least + k` steps of the past.

    Attributes:
        first: `(series,)` the first of them.
        count: `(series,)` how many follow one another from there.
        least: steps of the past that the shortest window has.
    """

    first: Integers
    count: Integers
    least: int

    @classmethod
    def of_all(cls, lengths: Integers, *, least: int, horizon: int) -> Share:
        """All windows of series of these lengths."""
        count = np.maximum(lengths - least - horizon + 1, 0)
        return cls(np.zeros_like(count), count, least)

    @property
    def total(self) -> int:
        """The number of windows."""
        return int(self.count.sum())

    def split(self, fraction: float) -> tuple[Share, Share]:
        """Hold out the latest windows of each series, as validation for early stopping.

        Args:
            fraction: share of each series' windows, in [0, 1); rounded up, but a window always stays.

        Returns:
            The windows that stay, and those held out.
        """
        if not 0 <= fraction < 1:
            raise ConfigError(f"the validation fraction is {fraction}; use 0 or more and less than 1")
        share = np.ceil(self.count * fraction - 1e-9).astype(np.int64)  # 1e-9: 0.1 is not exact
        held_out = np.minimum(share, np.maximum(self.count - 1, 0))
        stay = self.count - held_out
        return Share(self.first, stay, self.least), Share(self.first + stay, held_out, self.least)

    def places(self, numbers: Integers) -> tuple[Integers, Integers]:
        """Series and origin of windows by their number among all of this share.

        Args:
            numbers: `(windows,)` from 0 to `total - 1`.
        """
        ends = np.cumsum(self.count)
        series = np.searchsorted(ends, numbers, side="right")
        within = numbers - (ends - self.count)[series]
        return series, self.least + self.first[series] + within

    def spread(self, most: int) -> Integers:
        """Numbers of at most so many windows, evenly spread over all."""
        total = self.total
        if total <= most:
            return np.arange(total)
        return ((np.arange(most) + 0.5) * (total / most)).astype(np.int64)
