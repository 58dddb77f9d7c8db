"""What a long direct network sees of a past: up to 512 values in patches, and no forecast but its own season."""

import numpy as np
import numpy.typing as npt

from ostinato.tasks.pretrained.direct import ahead, seasons_before, statistics
from ostinato.tasks.pretrained.inputs import CONTEXT, Inputs, Sizes, squash
from ostinato.tasks.pretrained.scaling import Array, Past

PATCH = 16  # steps a patch
SEASONS_BACK = ((1,), (2,), (3,), (4, 5, 6, 7))  # each a mean
LONG_SEASONS_BACK = ((1,), (2, 3))
LEVELS = (1, 2, 4, 8)  # seasons whose mean is a statistic
LONGEST_STEP = 128.0  # steps beyond it look alike to the network
SIZES = Sizes(patch=3 * PATCH, statistics=22, step=11, experts=1)


def build(past: Past, steps: npt.NDArray[np.int64], patches: int) -> Inputs:
    """Makes the inputs of a long direct network.

    Args:
        past: the prepared histories.
        steps: (steps,), which steps ahead, from 1.
        patches: how many patches to read, from `read_for`.

    Returns:
        The inputs; their only "expert" is the last adjusted value with the season, on which the network builds.
    """
    index = past.index[:, (steps - 1) % past.index.shape[1]] / past.unit[:, None]
    return Inputs(
        patches=_patches(past, patches),
        statistics=np.stack([*statistics(past), *_more_statistics(past)], axis=1),
        steps=_steps(past, index, steps),
        experts=np.ascontiguousarray(index[:, :, None], dtype=np.float32),
    )


def read_for(length: int) -> int:
    """How many patches are read of histories of at most `length` steps."""
    return -(-min(max(length, 1), CONTEXT) // PATCH)


def _patches(past: Past, count: int) -> Array:
    """Adjusted values, raw values and a mask in patches, the last of which ends at the origin: (batch, count, any)."""
    batch, time = past.values.shape
    wanted = count * PATCH
    held = min(wanted, time)
    last, unit = past.adjusted[:, -1:], past.unit[:, None]
    channels = np.zeros((3, batch, wanted), dtype=np.float32)
    seen = past.observed[:, time - held :]
    channels[0, :, wanted - held :] = squash((past.adjusted[:, time - held :] - last) / unit) * seen
    channels[1, :, wanted - held :] = squash((past.values[:, time - held :] - last) / unit) * seen
    channels[2, :, wanted - held :] = seen
    parts = channels.reshape(3, batch, count, PATCH).transpose(1, 2, 0, 3)
    return np.ascontiguousarray(parts.reshape(batch, count, 3 * PATCH))


def _more_statistics(past: Past) -> list[Array]:
    """What is known of each series beyond what direct networks of short histories are told: (batch,) each."""
    batch = len(past.values)
    season, long = past.season_length, past.long_season
    columns = [
        past.strength[:, 1],
        np.full(batch, np.log(max(long, 1)) / 6),
        _correlation_of_steps(past.adjusted),
        *(_level(past, seasons * season) for seasons in LEVELS),
        _level(past, season, before=season),
        _level(past, max(season // 4, 2)),
        _level(past, long) if long else np.zeros(batch),
    ]
    return [np.asarray(column, dtype=np.float32) for column in columns]


def _correlation_of_steps(adjusted: Array) -> Array:
    """Autocorrelation of the steps at lag one: (batch,)."""
    moves = np.diff(adjusted, axis=1)
    products = (moves[:, 1:] * moves[:, :-1]).sum(axis=1)
    return np.asarray(products / np.maximum((moves**2).sum(axis=1), 1e-12), dtype=np.float32)


def _level(past: Past, width: int, *, before: int = 0) -> Array:
    """Mean of `width` adjusted values that end `before` steps before the last, as far as there are some: (batch,)."""
    batch, time = past.values.shape
    begin = time - past.length.astype(np.int64)
    end = np.maximum(time - before, begin + 1)
    start = np.minimum(np.maximum(end - width, begin), end - 1)
    sums = np.zeros((batch, time + 1))
    np.cumsum(past.adjusted - past.adjusted[:, -1:], axis=1, out=sums[:, 1:])
    rows = np.arange(batch)
    return squash((sums[rows, end] - sums[rows, start]) / (end - start) / past.unit)


def _steps(past: Past, index: Array, steps: npt.NDArray[np.int64]) -> Array:
    """What is known of each step ahead: how far, its season, and the values seasons before it."""
    columns = ahead(past, index, steps, LONGEST_STEP)
    columns += [seasons_before(past, index, steps, past.season_length, backs) for backs in SEASONS_BACK]
    for backs in LONG_SEASONS_BACK:
        if past.long_season:
            columns.append(seasons_before(past, index, steps, past.long_season, backs))
        else:
            columns.append(np.zeros_like(index))
    return np.stack(columns, axis=2)
