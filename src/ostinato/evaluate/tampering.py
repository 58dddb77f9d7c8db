"""Ways to change everything after a cut-off, so that whatever moves before it has seen the future."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
Change = Callable[[Values, np.random.Generator], Values]
APPENDED = "a series that begins after the cut-off"


@dataclass(frozen=True)
class Columns:
    """Which column of a frame is what.

    Attributes:
        identity: names the series; None where there is one series.
        time: the times.
        changed: what is not known in advance: the target first, then covariates.
    """

    identity: str | None
    time: str
    changed: tuple[str, ...]


def cuts(frame: pd.DataFrame, columns: Columns, rows: int) -> Flags:
    """Mark the last rows of each series.

    Args:
        frame: sorted by series and time.
        columns: which column is what.
        rows: how many of each series.

    Returns:
        (rows of the frame,), True after the cut-off.
    """
    if columns.identity is None:
        return np.asarray(np.arange(len(frame)) >= len(frame) - rows)
    left = frame.groupby(columns.identity, sort=False, observed=True).cumcount(ascending=False)
    return np.asarray(left.to_numpy() < rows)


def changed(frame: pd.DataFrame, after: Flags, columns: Columns, kind: str, seed: int) -> pd.DataFrame:
    """The frame with everything after the cut-off changed in one way.

    Args:
        frame: sorted by series and time.
        after: (rows,), True after the cut-off.
        columns: which column is what.
        kind: a key of `CHANGES`, or `APPENDED`.
        seed: of what is drawn.
    """
    random = np.random.default_rng(seed)
    if kind == APPENDED:
        return _with_another_series(frame, after, columns)
    table = frame.copy()
    for name in columns.changed:
        values = table[name].to_numpy(dtype=np.float64, na_value=np.nan).copy()
        values[after] = CHANGES[kind](values[after], random)
        table[name] = values
    return table


def _with_another_series(frame: pd.DataFrame, after: Flags, columns: Columns) -> pd.DataFrame:
    """The rows after the cut-off of the first series once more, ten times as large, as a series of their own."""
    assert columns.identity is not None, "only frames of several series get another one"
    first = frame[columns.identity].iloc[0]
    rows = frame[after & (frame[columns.identity] == first).to_numpy()].copy()
    names = frame[columns.identity]
    rows[columns.identity] = names.max() + 1 if names.dtype.kind in "iu" else f"{names.astype(str).max()}~"
    for name in columns.changed:
        rows[name] = 10.0 * rows[name]
    both: pd.DataFrame = pd.concat([frame, rows], ignore_index=True)
    return both


def _size(values: Values) -> float:
    """How large the known values are; 1 where there is nothing to tell by."""
    known = np.abs(values[np.isfinite(values)])
    return float(known.max()) if known.size and known.max() > 0 else 1.0


def _noise(values: Values, random: np.random.Generator) -> Values:
    return random.normal(0.0, 3.0 * _size(values), len(values))


def _constant(values: Values, _: np.random.Generator) -> Values:
    return np.full(len(values), 2.0 * _size(values))


def _missing(values: Values, _: np.random.Generator) -> Values:
    return np.full(len(values), np.nan)


def _flipped(values: Values, _: np.random.Generator) -> Values:
    return -values - 0.5 * _size(values)  # a symmetric series would not change otherwise


def _huge(values: Values, random: np.random.Generator) -> Values:
    return 1e6 * _size(values) * (1.0 + random.random(len(values)))


def _reversed(values: Values, _: np.random.Generator) -> Values:
    return values[::-1] + 0.1 * _size(values)


CHANGES: dict[str, Change] = {
    "noise": _noise,
    "a constant": _constant,
    "missing values": _missing,
    "the sign": _flipped,
    "huge values": _huge,
    "the order of time": _reversed,
}
"""What the values after the cut-off become."""
