"""Forecasts of series that lie one after the other in an array: what the pretrained forecaster is made of."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from ostinato.errors import ConfigError
from ostinato.tasks import pretrained_direct, pretrained_inputs, pretrained_network, pretrained_scaling
from ostinato.tasks.pretrained_network import LEVELS, Member
from ostinato.tasks.pretrained_scaling import Array

BLOCK = 512  # series run at once
LEAST_MOVEMENT = 1e-3  # of a series over its level
LONGEST = 8192  # steps looked at, however long the season


def forecast_values(
    values: npt.NDArray[np.float64],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    h: int,
    *,
    season_length: int,
    long_season: int = 0,
    members: tuple[Member, ...] | None = None,
) -> npt.NDArray[np.float64]:
    """Forecasts series that lie one after the other in an array.

    Args:
        values: all series, NaN where missing; each has a value.
        starts: (series,), where each begins.
        ends: (series,), one past where each ends.
        h: steps to forecast.
        season_length: steps of the season, 1 for none.
        long_season: steps of a second, longer season, 0 for none.
        members: networks whose quantiles are averaged; None for those of the package.

    Returns:
        (series, h, 9), the quantiles 0.1 to 0.9, increasing.

    Raises:
        ConfigError: the horizon or a season is below its least value.
    """
    if h < 1 or season_length < 1 or long_season < 0:
        raise ConfigError(
            f"h is {h}, season_length {season_length} and long_season {long_season}; "
            "use an h and a season_length of at least 1 and a long_season of at least 0"
        )
    networks = pretrained_network.load_members() if members is None else members
    longest = max(pretrained_inputs.CONTEXT, min(4 * max(season_length, long_season), LONGEST))
    lengths = np.minimum(ends - starts, longest)
    result = np.empty((len(ends), h, len(LEVELS)))
    limits = {limit for limit, _ in pretrained_inputs.PATCH_COUNTS[:-1]} | {pretrained_direct.LONGEST}
    bounds = [0, *sorted(limits), longest]
    blocks = _blocks(lengths, bounds)

    def run(block: npt.NDArray[np.intp], longest_read: int) -> None:
        history, level = _histories(values, ends[block], lengths[block])
        found = _forecast_block(history, h, (season_length, long_season), networks, longest_read)
        result[block] = found + level[:, None, None]

    with ThreadPoolExecutor(min(len(blocks), os.cpu_count() or 1)) as threads:  # NumPy lets threads run
        for done in [threads.submit(run, *block) for block in blocks]:
            done.result()
    return result


def at_level(result: npt.NDArray[np.float64], level: float) -> npt.NDArray[np.float64]:
    """The quantile of any level: interpolated inside, with normal tails outside: (series, h)."""
    if level < LEVELS[0] or level > LEVELS[-1]:
        outer = 0 if level < LEVELS[0] else len(LEVELS) - 1
        centre = result[:, :, LEVELS.index(0.5)]
        ratio = NormalDist().inv_cdf(level) / NormalDist().inv_cdf(LEVELS[outer])
        return np.asarray(centre + (result[:, :, outer] - centre) * ratio)
    below = min(int(np.searchsorted(LEVELS, level, side="right")) - 1, len(LEVELS) - 2)
    share = (level - LEVELS[below]) / (LEVELS[below + 1] - LEVELS[below])
    return np.asarray(result[:, :, below] * (1 - share) + result[:, :, below + 1] * share)


def _blocks(lengths: npt.NDArray[np.int64], bounds: list[int]) -> list[tuple[npt.NDArray[np.intp], int]]:
    """Series of similar length that are run together, and the bound they lie below."""
    order = np.argsort(lengths, kind="stable")
    blocks = []
    for low, high in pairwise(bounds):
        rows = order[(lengths[order] > low) & (lengths[order] <= high)]
        blocks += [(rows[begin : begin + BLOCK], high) for begin in range(0, len(rows), BLOCK)]
    return blocks


def _forecast_block(
    history: Array, h: int, seasons: tuple[int, int], members: tuple[Member, ...], longest: int
) -> npt.NDArray[np.float64]:
    """Forecasts histories of one bucket of lengths: (batch, h, 9).

    Only series of which logarithms are taken are prepared once more for the members that read plain values.
    """
    members = _suited(members, longest)
    total = np.zeros((len(history), h, len(LEVELS)))
    rows = np.arange(len(history))
    for plain in (False, True):
        if not len(rows) or all(member.plain != plain for member in members):
            continue
        told = pretrained_scaling.no_logarithm(history[rows], plain)
        past = pretrained_scaling.prepare(history[rows], *seasons, told)
        for direct in sorted({member.direct for member in members}):
            inputs = _inputs(history[rows], past, h, longest, direct=direct)
            for member in members:
                if member.direct == direct and (member.plain or not plain):
                    units = pretrained_network.quantiles(member, inputs).astype(np.float64)
                    levels = _bounded(
                        units * past.unit[:, None, None] + past.adjusted[:, -1][:, None, None], past
                    )
                    fits = ~past.logged | (member.plain == plain)
                    total[rows[fits]] += levels[fits]
        rows = rows[past.logged]
    return _whole(total / len(members), history)


def _suited(members: tuple[Member, ...], longest: int) -> tuple[Member, ...]:
    """The members for histories of one bucket: direct ones learnt from short histories alone."""
    if longest <= pretrained_direct.LONGEST:
        return members
    return tuple(member for member in members if not member.direct) or members


def _inputs(
    history: Array, past: pretrained_scaling.Past, h: int, longest: int, *, direct: bool
) -> pretrained_inputs.Inputs:
    """What members of one kind read."""
    steps = np.arange(1, h + 1)
    if direct:
        return pretrained_direct.build(past, steps, pretrained_direct.read_for(longest))
    return pretrained_inputs.build(history, past, steps, pretrained_inputs.patches_for(longest))


def _whole(levels: npt.NDArray[np.float64], history: Array) -> npt.NDArray[np.float64]:
    """Rounds the quantiles of counts that have been zero, for theirs are whole numbers: (batch, h, 9)."""
    values = np.where(np.isfinite(history), history, np.float32(0))
    counts = (
        (values == np.rint(values)).all(axis=1) & ((history == 0).any(axis=1)) & (values >= 0).all(axis=1)
    )
    return np.where(counts[:, None, None], np.rint(levels), levels)


def _bounded(levels: npt.NDArray[np.float64], past: pretrained_scaling.Past) -> npt.NDArray[np.float64]:
    """Undoes the logarithm; keeps series that were never negative so: (batch, h, 9)."""
    logged = past.logged[:, None, None]
    highest = past.values.max(axis=1)[:, None, None] + 7.0  # a thousand times the largest value
    raised = np.exp(np.where(logged, np.minimum(levels, highest), 0.0))
    never_negative = (past.values.min(axis=1) >= 0)[:, None, None]
    plain = np.where(never_negative, np.maximum(levels, 0.0), levels)
    return np.where(logged, raised, plain)


def _histories(
    values: npt.NDArray[np.float64], ends: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> tuple[Array, npt.NDArray[np.float64]]:
    """The last values of each series, NaN before the start, and the level taken off: (batch, longest), (batch,).

    Only from series that hardly move on their level, which single precision could not tell apart.
    """
    back = np.arange(-int(lengths.max()), 0)
    history = values[np.maximum(ends[:, None] + back, 0)]
    history[back < -lengths[:, None]] = np.nan
    seen = np.isfinite(history)
    highest = np.where(seen, history, -np.inf).max(axis=1)
    lowest = np.where(seen, history, np.inf).min(axis=1)
    still = highest - lowest < LEAST_MOVEMENT * np.abs(lowest)
    level = np.where(still, (highest + lowest) / 2, 0.0)
    return (history - level[:, None]).astype(np.float32), level
