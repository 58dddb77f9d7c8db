"""The numbers that a fitted object holds, by the path that leads to them: scalers, seasons, weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]
DEEPEST = 6
MOST_ITEMS = 1000
"""Items of one list that are looked at: many series have many scalers, and one tells enough."""


def fitted_state(fitted: object) -> dict[str, Values]:
    """The numbers in the attributes of a fitted object that end in an underscore.

    Args:
        fitted: an object that follows scikit-learn's convention.

    Returns:
        Flat arrays by path, such as `scaler_.offset`; frames, functions and text are left out.

    Example:
        >>> class Fitted:
        ...     season_length_ = 12
        >>> fitted = Fitted()
        >>> fitted.mean_ = [1.0, 2.0]
        >>> fitted_state(fitted)
        {'mean_[0]': array([1.]), 'mean_[1]': array([2.])}
    """
    names = [name for name in vars(fitted) if name.endswith("_") and not name.startswith("_")]
    return {path: found for name in names for path, found in _numbers(name, getattr(fitted, name), DEEPEST)}


def _numbers(path: str, value: object, depth: int) -> Iterator[tuple[str, Values]]:
    """All numbers below a value."""
    if depth == 0 or isinstance(value, (str, bytes, pd.DataFrame, pd.Series, type)):
        return
    numbers = _plain(value)
    if numbers is not None:
        yield path, numbers
        return
    for name, part in _parts(value):
        yield from _numbers(f"{path}{name}", part, depth - 1)


def _plain(value: object) -> Values | None:
    """A number, an array or a tensor as flat float64; None of anything else."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, (bool, int, float, np.number, np.ndarray)):
        array = np.asarray(value)
        return array.astype(np.float64).ravel() if array.dtype.kind in "biuf" else None
    return None


def _parts(value: object) -> list[tuple[str, Any]]:
    """What a container, a dataclass, a network or another fitted object holds, with a name for each part."""
    if isinstance(value, Mapping):
        return [(f"[{key!r}]", part) for key, part in value.items()]
    if isinstance(value, (list, tuple)):
        return [(f"[{number}]", part) for number, part in enumerate(value[:MOST_ITEMS])]
    if is_dataclass(value):
        return [(f".{field.name}", getattr(value, field.name)) for field in fields(value)]
    if callable(getattr(value, "state_dict", None)):
        return [(f".{name}", part) for name, part in value.state_dict().items()]  # type: ignore[attr-defined]
    held = getattr(value, "__dict__", {})
    return [(f".{name}", part) for name, part in held.items() if not name.startswith("_")]
