"""How far back the data itself reaches: correlation of the targets with the inputs before them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Values = NDArray[np.float64]

STRONG = 0.5
"""A correlation from which on a lag is said to matter; it explains a quarter of the variance."""
FEWEST = 30
"""Pairs of target and input below which a correlation says nothing."""
MOST_COLUMNS = 256
"""Columns of inputs or targets above which they are not compared: tokens of a language have no lag of their own."""


def dependence_by_lag(inputs: Tensor, targets: Tensor, mask: Tensor | None = None) -> Values:
    """The strongest correlation of any target feature with any input feature, lag by lag.

    Args:
        inputs: (batch, time, features).
        targets: (batch, time) or (batch, time, ...), one a step; whole numbers are classes.
        mask: (batch, time) True where a target is real.

    Returns:
        (time,) absolute correlation at lag 0, 1, ...; 0 where fewer than 30 pairs are known, and everywhere with more
        than 256 features or classes.
    """
    if max(_width(inputs), _width(targets)) > MOST_COLUMNS:
        return np.zeros(inputs.size(1))
    x = _columns(inputs)
    y = _columns(targets)
    rows, time, _ = x.shape
    real = np.ones((rows, time), dtype=bool) if mask is None else _flags(mask, rows, time)
    result = np.zeros(time)
    for lag in range(time):
        kept = real[:, lag:]
        if int(kept.sum()) < FEWEST:
            continue
        result[lag] = _strongest(x[:, : time - lag][kept], y[:, lag:][kept])
    return result


def strongest_lag(by_lag: Values) -> int | None:
    """The lag with the strongest correlation, if that is at least 0.5; None otherwise.

    Examples:
        >>> strongest_lag(np.array([0.1, 0.2, 0.9, 0.3]))
        2
    """
    if not len(by_lag) or by_lag.max() < STRONG:
        return None
    return int(by_lag.argmax())


def _width(values: Tensor) -> int:
    """How many columns there will be."""
    if values.numel() == 0 or values.is_floating_point() or values.dtype == torch.bool:
        return values[:1, :1].numel()
    return values[:1, :1].numel() * (int(values.max()) - int(values.min()) + 1)


def _columns(values: Tensor) -> Values:
    """(batch, time, columns) numbers; classes become columns of zeros and ones."""
    if not values.is_floating_point() and values.dtype != torch.bool:
        values = torch.nn.functional.one_hot(values.long() - int(values.min()))
    plain = values.detach().double().cpu().numpy()
    return np.asarray(plain.reshape(*plain.shape[:2], -1))


def _flags(mask: Tensor, rows: int, time: int) -> NDArray[np.bool_]:
    return np.asarray(mask.detach().cpu().numpy().reshape(rows, time, -1).all(axis=2), dtype=bool)


def _strongest(x: Values, y: Values) -> float:
    """The largest absolute correlation between a column of x and one of y, each (pairs, columns)."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    sizes = np.sqrt((x**2).sum(axis=0))[:, None] * np.sqrt((y**2).sum(axis=0))[None, :]
    products = np.abs(x.T @ y)
    return float(np.max(np.divide(products, sizes, out=np.zeros_like(products), where=sizes > 1e-12)))
