"""What a direct network sees of a past: its last values step by step, and no forecast but its own season."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ostinato.tasks.pretrained.inputs import Inputs, Sizes, squash
from ostinato.tasks.pretrained.scaling import Array, Past

READ = 64  # last steps that are read
LONGEST = 128  # steps of the longest history it learnt from
CHANNELS = 4
SEASONS_BACK = 3
LONGEST_STEP = 48.0  # steps beyond it look alike to the network
SIZES = Sizes(patch=CHANNELS, statistics=12, step=5 + SEASONS_BACK, experts=1)


def build(past: Past, steps: npt.NDArray[np.int64], read: int) -> Inputs:
    """Makes the inputs of a direct network.

    Args:
        past: the prepared histories.
        steps: (steps,), which steps ahead, from 1.
        read: how many of the last steps to read, from `read_for`.

    Returns:
        The inputs; their only "expert" is the last adjusted value with the season, on which the network builds.
    """
    index = past.index[:, (steps - 1) % past.index.shape[1]] / past.unit[:, None]
    return Inputs(
        patches=_values(past, read),
        statistics=np.stack(statistics(past), axis=1),
        steps=_steps(past, index, steps),
        experts=np.ascontiguousarray(index[:, :, None], dtype=np.float32),
    )


def read_for(length: int) -> int:
    """How many steps are read of histories of at most `length` steps."""
    return min(max(length, 1), READ)


def _values(past: Past, read: int) -> Array:
    """Adjusted values, raw values, steps between adjusted values, and a mask: (batch, read, CHANNELS)."""
    batch, time = past.values.shape
    held = min(read, time)
    last, unit = past.adjusted[:, -1:], past.unit[:, None]
    seen = past.observed[:, time - held :]
    moves = np.zeros((batch, held), dtype=np.float32)
    moves[:, max(0, held - time + 1) :] = np.diff(past.adjusted[:, max(0, time - held - 1) :], axis=1)
    result = np.zeros((batch, read, CHANNELS), dtype=np.float32)
    channels = result[:, read - held :]
    channels[..., 0] = squash((past.adjusted[:, time - held :] - last) / unit) * seen
    channels[..., 1] = squash((past.values[:, time - held :] - last) / unit) * seen
    channels[..., 2] = np.arcsinh(moves / unit) * seen
    channels[..., 3] = seen
    return result


def statistics(past: Past) -> list[Array]:
    """What is known of each series as a whole: (batch,) each."""
    batch, time = past.values.shape
    rows = np.arange(batch)
    seen = np.maximum(past.observed.sum(axis=1), 1).astype(np.float32)
    first = past.adjusted[rows, (time - past.length).astype(np.int64)]
    whole = (past.adjusted[:, -1] - first) / np.maximum(past.length - 1, 1) / past.unit
    width = min(8, time)
    late = np.abs(np.diff(past.adjusted[:, -width:], axis=1)).sum(axis=1) / max(width - 1, 1) / past.unit
    size = np.abs(past.adjusted[:, -1]) / past.unit
    columns = [
        np.log(past.length) / 3 - 1,
        np.full(batch, np.log(past.season_length) / 3),
        np.minimum(past.length / past.season_length, 8) / 4,
        past.strength[:, 0],
        past.logged.astype(np.float32),
        np.log(past.seasonal_unit / past.unit),
        np.where(past.logged, 4.0 + np.log(past.unit) * -0.5, np.log1p(size)) / 4,
        ((past.values == 0) & past.observed).sum(axis=1) / seen,
        1 - seen / past.length,
        np.arcsinh(whole),
        np.log(late + 0.05),
        np.log1p(np.abs(np.diff(past.adjusted, axis=1)).max(axis=1, initial=0) / past.unit) / 3,
    ]
    return [np.asarray(column, dtype=np.float32) for column in columns]


def _steps(past: Past, index: Array, steps: npt.NDArray[np.int64]) -> Array:
    """What is known of each step ahead: how far, its season, and the values some seasons before it."""
    before = [
        seasons_before(past, index, steps, past.season_length, (back,)) for back in range(1, SEASONS_BACK + 1)
    ]
    return np.stack(ahead(past, index, steps, LONGEST_STEP) + before, axis=2)


def ahead(past: Past, index: Array, steps: npt.NDArray[np.int64], longest: float) -> list[Array]:
    """How far each step is and what its season adds, five columns: (batch, steps) each.

    Args:
        past: the prepared histories.
        index: (batch, steps), the season of each step in units.
        steps: (steps,), which steps ahead, from 1.
        longest: steps beyond it look alike.
    """
    shape = (len(past.values), len(steps))
    capped = np.minimum(steps.astype(np.float32), longest)
    columns = [
        np.broadcast_to(np.log(capped) / 3, shape),
        np.broadcast_to(capped / 16, shape),
        np.broadcast_to(np.log1p(np.minimum(capped / past.season_length, 8.0)), shape),
        np.minimum(capped / past.length[:, None], 2.0),
        squash(index),
    ]
    return [np.asarray(column, dtype=np.float32) for column in columns]


def seasons_before(
    past: Past, index: Array, steps: npt.NDArray[np.int64], season: int, backs: Sequence[int]
) -> Array:
    """Mean of the values some seasons before each step, over what its season says: (batch, steps).

    Args:
        past: the prepared histories.
        index: (batch, steps), the season of each step in units.
        steps: (steps,), which steps ahead, from 1.
        season: steps of the season.
        backs: how many seasons before; those before the start are left out, 0 where all are.
    """
    time = past.values.shape[1]
    total = np.zeros((len(past.values), len(steps)), dtype=np.float32)
    count = np.zeros_like(total)
    for back in backs:
        position = time + (steps - 1) % season - back * season
        known = position >= time - past.length[:, None]
        total += np.where(known, past.values[:, np.maximum(position, 0)], np.float32(0))
        count += known
    relative = (total / np.maximum(count, 1) - past.adjusted[:, -1:]) / past.unit[:, None] - index
    return np.where(count > 0, squash(relative), np.float32(0))
