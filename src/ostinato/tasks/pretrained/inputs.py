"""What the pretrained network sees of a past: patches, statistics, and classical forecasts a step."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ostinato.tasks.pretrained import experts as experts_module
from ostinato.tasks.pretrained import scaling as pretrained_scaling
from ostinato.tasks.pretrained.scaling import Array, Past

FINE_PATCH = 4  # steps a fine patch
FINE_STEPS = 64
COARSE_PATCH = 32  # steps a coarse patch, in four means of eight
CONTEXT = 512
PATCH_COUNTS = ((32, 8), (64, 16), (192, 20), (CONTEXT, 30))  # longest history, patches read
PATCH_WIDTH = 13
TRIAL_STEPS = {8: 4, 16: 8, 20: 18, 30: 36}  # patches read, last steps that the experts forecast on trial
LEAST_BEFORE_TRIAL = 4
EXPERTS = len(experts_module.NAMES)
STATISTICS = 30 + EXPERTS
STEP_WIDTH = EXPERTS + 6
LONGEST_STEP = 128.0  # steps beyond it look alike to the network
LARGEST = 40.0  # units a forecast without its season may lie from the last value, times the root of the step


@dataclass(frozen=True)
class Sizes:
    """How wide the inputs of one kind of network are.

    Attributes:
        patch: numbers a patch.
        statistics: numbers a series.
        step: numbers a step ahead.
        experts: forecasts on which the network builds.
    """

    patch: int
    statistics: int
    step: int
    experts: int


SIZES = Sizes(PATCH_WIDTH, STATISTICS, STEP_WIDTH, EXPERTS)


@dataclass(frozen=True)
class Inputs:
    """What a network reads, float32; how wide, its `Sizes` say.

    Attributes:
        patches: (batch, patches, patch), oldest first.
        statistics: (batch, statistics).
        steps: (batch, steps, step).
        experts: (batch, steps, experts), forecasts in units on which the network builds, seasonal naive first.
    """

    patches: Array
    statistics: Array
    steps: Array
    experts: Array


def patches_for(length: int) -> int:
    """How many patches are read of a history of `length` steps."""
    return next((count for longest, count in PATCH_COUNTS if length <= longest), PATCH_COUNTS[-1][1])


def build(history: Array, past: Past, steps: npt.NDArray[np.int64], patches: int) -> Inputs:
    """Makes the inputs of the network.

    Args:
        history: (batch, time), as given to `prepare`.
        past: the prepared histories.
        steps: (steps,), which steps ahead, from 1.
        patches: how many patches to read, from `patches_for`.

    Returns:
        The inputs.
    """
    experts = experts_module.forecast(past, steps)
    limit = LARGEST * np.sqrt(steps.astype(np.float32))[None, :, None]
    season = experts.index[:, :, None]
    forecasts = season + np.clip(experts.forecasts - season, -limit, limit)
    return Inputs(
        patches=_patches(past, patches),
        statistics=np.concatenate([_statistics(past, experts), _trial(history, past, patches)], axis=1),
        steps=_steps(past, experts, forecasts, steps),
        experts=forecasts,
    )


def _patches(past: Past, count: int) -> Array:
    """Coarse patches of the older past, then fine patches of the last steps: (batch, count, PATCH_WIDTH)."""
    fine = min(count, FINE_STEPS // FINE_PATCH)
    coarse = count - fine
    wanted = fine * FINE_PATCH + coarse * COARSE_PATCH
    batch, time = past.values.shape
    last, unit = past.adjusted[:, -1:], past.unit[:, None]
    held = min(wanted, time)
    channels = np.zeros((3, batch, wanted), dtype=np.float32)
    channels[2, :, wanted - held :] = past.observed[:, time - held :]
    channels[0, :, wanted - held :] = squash((past.adjusted[:, time - held :] - last) / unit)
    channels[1, :, wanted - held :] = squash((past.values[:, time - held :] - last) / unit)
    channels[:2] *= channels[2]
    split = coarse * COARSE_PATCH
    result = np.zeros((batch, count, PATCH_WIDTH), dtype=np.float32)
    recent = channels[:, :, split:].reshape(3, batch, fine, FINE_PATCH)
    result[:, coarse:, :12] = recent.transpose(1, 2, 0, 3).reshape(batch, fine, 12)
    if coarse:
        older = channels[:, :, :split].reshape(3, batch, coarse, 4, COARSE_PATCH // 4).mean(axis=4)
        result[:, :coarse, :12] = older.transpose(1, 2, 0, 3).reshape(batch, coarse, 12)
        result[:, :coarse, 12] = 1.0
    return result


def squash(values: npt.NDArray[np.floating]) -> Array:
    """Brings values of any size near one."""
    return np.asarray(0.5 * np.arcsinh(values), dtype=np.float32)


def _statistics(past: Past, experts: experts_module.Experts) -> Array:
    """What is known of each series as a whole: (batch, STATISTICS - EXPERTS)."""
    batch = len(past.values)
    seen = np.maximum(past.observed.sum(axis=1), 1).astype(np.float32)
    zero = ((past.values == 0) & past.observed).sum(axis=1) / seen
    size = np.abs(past.adjusted[:, -1]) / past.unit
    level = np.where(past.logged, 4.0 + np.log(past.unit) * -0.5, np.log1p(size))
    width = min(16, past.values.shape[1])
    moved = np.abs(np.diff(past.adjusted[:, -width:], axis=1)).sum(axis=1)
    late = moved / np.clip(past.length - 1, 1, max(width - 1, 1)) / past.unit
    columns = [
        np.log(np.minimum(past.length, CONTEXT)) / 3 - 1,
        np.full(batch, np.log(past.season_length) / 3),
        np.full(batch, np.log(max(past.long_season, 1)) / 6),
        past.strength[:, 0],
        past.strength[:, 1],
        past.logged.astype(np.float32),
        np.log(past.seasonal_unit / past.unit),
        level / 4,
        zero,
        1 - seen / past.length,
        squash(experts.slope * np.sqrt(past.length)),
        experts.swing / 2,
        np.log(late + 0.05),
        np.log1p(np.abs(np.diff(past.adjusted, axis=1)).max(axis=1, initial=0) / past.unit) / 3,
        np.minimum(past.length / max(past.season_length, 1), 8) / 4,
    ]
    stacked = np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)
    return np.concatenate([stacked, experts.correlation, experts.errors], axis=1).astype(np.float32)


def _trial(history: Array, past: Past, patches: int) -> Array:
    """How far each expert missed the last steps on trial, as a logarithm: (batch, EXPERTS).

    Zero where the past is too short for a trial.
    """
    width = TRIAL_STEPS[patches]
    result = np.zeros((len(history), EXPERTS), dtype=np.float32)
    known = past.observed[:, :-width].sum(axis=1) >= LEAST_BEFORE_TRIAL
    known &= past.observed[:, -width:].any(axis=1)
    if not known.any():
        return result
    before = pretrained_scaling.prepare(
        history[known, :-width], past.season_length, past.long_season, past.logged[known]
    )
    forecasts = experts_module.forecast(before, np.arange(1, width + 1)).forecasts
    forecasts *= before.unit[:, None, None]
    forecasts += (before.adjusted[:, -1] - past.adjusted[known, -1])[:, None, None]
    actual = past.values[known, -width:] - past.adjusted[known, -1:]
    seen = past.observed[known, -width:].astype(np.float32)
    missed = np.einsum("bse,bs->be", np.abs(forecasts - actual[:, :, None]), seen)
    mean = missed / seen.sum(axis=1, keepdims=True) / past.unit[known, None]
    result[known] = np.log(np.minimum(mean, 1e4) + 0.05) / 2
    return result


def _steps(
    past: Past,
    experts: experts_module.Experts,
    forecasts: Array,
    steps: npt.NDArray[np.int64],
) -> Array:
    """What is known of each step ahead: (batch, steps, STEP_WIDTH)."""
    batch = len(past.values)
    ahead = np.minimum(steps.astype(np.float32), LONGEST_STEP)
    share = np.minimum(ahead[None] / np.minimum(past.length, CONTEXT)[:, None], 2.0)
    naive = forecasts[:, :, :1]
    season = np.minimum(ahead / past.season_length, 8.0)
    spread = np.log(forecasts.std(axis=2) + 0.05)
    rest = [
        np.broadcast_to(np.log(ahead) / 3, (batch, len(steps))),
        np.broadcast_to(np.log1p(season), (batch, len(steps))),
        share,
        squash(experts.index),
        spread / 2,
        squash(naive[:, :, 0]),
    ]
    relative = squash(forecasts - experts.index[:, :, None])
    return np.concatenate([relative, np.stack(rest, axis=2)], axis=2).astype(np.float32)
