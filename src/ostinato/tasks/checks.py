"""Checks of what a person asks of a forecaster, each with a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ostinato.errors import ConfigError


def check_horizon(h: object) -> int:
    """The horizon, if it is a whole number above 0.

    Raises:
        ConfigError: it is not.
    """
    if isinstance(h, bool) or not isinstance(h, int | np.integer) or h < 1:
        raise ConfigError(f"horizon h is {h!r}; use a whole number of steps, at least 1")
    return int(h)


def check_season(season_length: int | None) -> None:
    """Refuse a season of no steps.

    Raises:
        ConfigError: it is below 1.
    """
    if season_length is not None and season_length < 1:
        raise ConfigError(f"season_length is {season_length}; use 1 for no season, or the steps in a season")


def check_seed(seed: int) -> int:
    """The seed, if every generator takes it.

    Raises:
        ConfigError: it is no whole number from 0 to 2**32 - 1.
    """
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ConfigError(f"the seed is {seed!r}; use a whole number from 0 to {2**32 - 1}")
    return int(seed)


def draw_seed(seed: int | None) -> int:
    """The seed, or one that nobody chose where there is none.

    Raises:
        ConfigError: it is no whole number from 0 to 2**32 - 1.
    """
    return int(np.random.default_rng().integers(2**31)) if seed is None else check_seed(seed)


def check_levels(levels: float | Sequence[float]) -> tuple[float, ...]:
    """The levels in rising order, if they all lie between 0 and 100.

    Raises:
        ConfigError: one does not.
    """
    return _between(levels, 100, "level is {}; use percentages between 0 and 100, such as 80")


def check_quantiles(quantiles: float | Sequence[float]) -> tuple[float, ...]:
    """The quantiles in rising order, if they all lie between 0 and 1.

    Raises:
        ConfigError: one does not.
    """
    return _between(quantiles, 1, "quantile is {}; use numbers between 0 and 1, such as 0.9")


def _between(numbers: float | Sequence[float], most: float, message: str) -> tuple[float, ...]:
    several: tuple[Any, ...] = (numbers,) if isinstance(numbers, (str, float, int)) else tuple(numbers)
    for number in several:
        if not isinstance(number, (float, int, np.number)) or not 0 < number < most:
            raise ConfigError(message.format(f"{number:g}" if isinstance(number, float) else number))
    return tuple(sorted({float(number) for number in several}))


def epochs_for(wanted: int | None, updates_an_epoch: int, updates: int) -> int:
    """The passes over training data: those wanted, or so many that a small set is learned and a large one in time.

    Args:
        wanted: what a person asked for; None to choose.
        updates_an_epoch: updates of the weights in one pass.
        updates: updates to aim at.

    Returns:
        10 to 60 where it is chosen.
    """
    return wanted if wanted is not None else min(max(round(updates / max(updates_an_epoch, 1)), 10), 60)
