"""Series to windows: a context of past steps and the horizon that follows it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ostinato.errors import ConfigError, DataError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Windows:
    """Windows of one or more series, in the order of the series and of time.

    Args:
        inputs: `(windows, context)` the past, 0 where it is missing or before the start (padding is on the
            left).
        observed: `(windows, context)` True where the past is real.
        targets: `(windows, horizon)` what follows, 0 where missing.
        mask: `(windows, horizon)` True where a target is real.
        series: `(windows,)` number of the series.
        start: `(windows,)` place of the first target in its series.
    """

    inputs: Floats
    observed: npt.NDArray[np.bool_]
    targets: Floats
    mask: npt.NDArray[np.bool_]
    series: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.inputs)

    def select(self, index: npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice) -> Windows:
        """Return the windows at these places."""
        return Windows(
            self.inputs[index],
            self.observed[index],
            self.targets[index],
            self.mask[index],
            self.series[index],
            self.start[index],
        )

    def latest(self, fraction: float) -> npt.NDArray[np.bool_]:
        """Mark the latest windows of each series, as validation for early stopping.

        Args:
            fraction: Share of each series' windows, in [0, 1); rounded up, but a window always stays.

        Returns:
            `(windows,)`, True for the latest ones.
        """
        if not 0 <= fraction < 1:
            raise ConfigError(f"the validation fraction is {fraction}; use 0 or more and less than 1")
        latest = np.zeros(len(self), dtype=np.bool_)
        for number in np.unique(self.series):
            places = np.flatnonzero(self.series == number)
            share = math.ceil(len(places) * fraction - 1e-9)  # 1e-9: 0.1 is not exact
            held_out = min(share, len(places) - 1)
            latest[places[len(places) - held_out :]] = True
        return latest


def windows(
    series: Sequence[npt.ArrayLike],
    *,
    context: int,
    horizon: int,
    stride: int = 1,
    min_context: int | None = None,
) -> Windows:
    """Cut series into every window that has a real past and a real future.

    Args:
        series: Values `(time,)` of each series; NaN is missing.
        context: Steps of the past in a window.
        horizon: Steps of the future in a window.
        stride: Steps between one window and the next, counted back from the latest.
        min_context: Steps that must lie in the series; the rest is padding on the left. None for `context`,
            no padding.

    Returns:
        The windows; those without any real value in the past or in the future are left out.

    Raises:
        ConfigError: If a length is below 1, or `min_context` is above `context`.
        DataError: If a series is not one row of numbers or holds an infinity.

    Examples:
        >>> cut = windows([[1, 2, 3, 4, 5]], context=2, horizon=1)
        >>> cut.inputs.tolist(), cut.targets.tolist()
        ([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]], [[3.0], [4.0], [5.0]])
    """
    least = context if min_context is None else min_context
    if min(context, horizon, stride, least) < 1 or least > context:
        raise ConfigError(
            f"context is {context}, horizon {horizon}, stride {stride}, min_context {least}; "
            "each must be at least 1 and min_context at most the context"
        )
    parts = [
        _cut(_checked(values, number), number, context, horizon, stride, least)
        for number, values in enumerate(series)
    ]
    if not parts:
        parts = [_cut(np.empty(0), 0, context, horizon, stride, least)]
    return Windows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def last_contexts(series: Sequence[npt.ArrayLike], *, context: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the last `context` steps of each series, from which the future is forecast.

    Args:
        series: Values `(time,)` of each series; NaN is missing.
        context: Steps of the past.

    Returns:
        Inputs `(series, context)` with 0 where missing, padded on the left, and where they are real.
    """
    if context < 1:
        raise ConfigError(f"context is {context}; use at least 1")
    rows = np.full((len(series), context), np.nan)
    for number, values in enumerate(series):
        past = _checked(values, number)[-context:]
        rows[number, context - len(past) :] = past
    return np.nan_to_num(rows), ~np.isnan(rows)


def _checked(values: npt.ArrayLike, number: int) -> Floats:
    """Return the values of a series as numbers."""
    checked = np.asarray(values, dtype=np.float64)
    if checked.ndim != 1:
        raise DataError(f"series {number} has the shape {checked.shape}; give one row of numbers")
    if np.isinf(checked).any():
        place = int(np.flatnonzero(np.isinf(checked))[0])
        raise DataError(f"series {number} is infinite at step {place}; mark it as missing (NaN)")
    return checked


def _cut(
    values: Floats, number: int, context: int, horizon: int, stride: int, least: int
) -> tuple[npt.NDArray[Any], ...]:
    """Return the columns of `Windows` for one series."""
    size = context + horizon
    padded = np.concatenate([np.full(context - least, np.nan), values])
    count = max(0, len(padded) - size + 1)
    rows = np.lib.stride_tricks.sliding_window_view(padded, size) if count else np.empty((0, size))
    first = np.arange(count)
    chosen = first[(count - 1 - first) % stride == 0]
    rows = rows[chosen]
    real = ~np.isnan(rows)
    kept = real[:, :context].any(axis=1) & real[:, context:].any(axis=1)
    rows, real, start = rows[kept], real[kept], chosen[kept] + least
    filled = np.nan_to_num(rows)
    series = np.full(len(rows), number, dtype=np.int64)
    return filled[:, :context], real[:, :context], filled[:, context:], real[:, context:], series, start
