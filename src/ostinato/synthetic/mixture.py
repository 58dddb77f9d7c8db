"""All families mixed in equal parts and changed as real data are: what the pretrained network is fed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, overload

import numpy as np
import numpy.typing as npt

from ostinato.errors import ConfigError
from ostinato.synthetic import augment
from ostinato.synthetic.draws import Array, Chance, space
from ostinato.synthetic.economic import economic, steady_growth
from ostinato.synthetic.events import intermittent_counts, steps_and_spikes
from ostinato.synthetic.processes import chaos_and_growth, gaussian_process, regime_switching
from ostinato.synthetic.structural import (
    exponential_smoothing,
    local_level,
    local_trend,
    seasonal_arima,
    trend_season,
)

if TYPE_CHECKING:
    import torch


class Family(Protocol):
    """Draws series of one kind."""

    def __call__(self, count: int, length: int, *, season_length: int, rng: Chance) -> Array:
        """Draws (count, length)."""
        ...


FAMILIES: dict[str, Family] = {
    "seasonal_arima": seasonal_arima,
    "trend_season": trend_season,
    "exponential_smoothing": exponential_smoothing,
    "local_level": local_level,
    "local_trend": local_trend,
    "gaussian_process": gaussian_process,
    "regime_switching": regime_switching,
    "steps_and_spikes": steps_and_spikes,
    "intermittent_counts": intermittent_counts,
    "chaos_and_growth": chaos_and_growth,
    "economic": economic,
    "steady_growth": steady_growth,
}

AUGMENTATIONS: dict[str, Callable[..., Array]] = {
    "mix_up": augment.mix_up,
    "modulate": augment.modulate,
    "censor": augment.censor,
    "flip": augment.flip,
    "round_off": augment.round_off,
    "make_gaps": augment.make_gaps,
}


@overload
def generate(
    count: int,
    length: int,
    *,
    season_length: int = ...,
    seed: int | np.random.Generator = ...,
    families: tuple[str, ...] = ...,
    augmented: bool = ...,
    device: None = ...,
) -> npt.NDArray[np.float32]: ...


@overload
def generate(
    count: int,
    length: int,
    *,
    season_length: int = ...,
    seed: int | np.random.Generator = ...,
    families: tuple[str, ...] = ...,
    augmented: bool = ...,
    device: "str | torch.device",
) -> "torch.Tensor": ...


def generate(
    count: int,
    length: int,
    *,
    season_length: int = 12,
    seed: int | np.random.Generator = 0,
    families: tuple[str, ...] = tuple(FAMILIES),
    augmented: bool = True,
    device: "str | torch.device | None" = None,
) -> "npt.NDArray[np.float32] | torch.Tensor":
    """Draws synthetic series from all families in equal parts, shuffled.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        seed: a whole number, or a generator to go on drawing from.
        families: names from `FAMILIES`.
        augmented: whether to mix, modulate, censor, flip, round and thin out some of them.
        device: where torch draws them, such as "cuda"; None for NumPy on the processor. The series of a seed differ
            from one kind of device to another.

    Returns:
        (count, length), NaN where a value is missing: an array, or a tensor on the device.

    Raises:
        ConfigError: a family of that name does not exist, or a size is below 1.

    Example:
        >>> from ostinato.synthetic import generate
        >>> generate(9, 100, season_length=12, seed=1).shape
        (9, 100)
    """
    unknown = [name for name in families if name not in FAMILIES]
    if unknown or not families:
        raise ConfigError(f"family {unknown[:1] or '()'} is not known; choose from {', '.join(FAMILIES)}")
    if min(count, length, season_length) < 1:
        raise ConfigError(
            f"count {count}, length {length} and season_length {season_length} must be at least 1"
        )
    rng = _chance(seed, device)
    share = -(-count // len(families))
    drawn = [FAMILIES[name](share, length, season_length=season_length, rng=rng) for name in families]
    series: npt.NDArray[np.float32] | torch.Tensor = space(rng).concatenate(drawn)[
        rng.permutation(share * len(families))[:count]
    ]
    if augmented:
        for change in AUGMENTATIONS.values():
            series = change(series, rng=rng)
    return series


def _chance(seed: int | np.random.Generator, device: "str | torch.device | None") -> Chance:
    """The source of chance of a seed, or of what a generator draws next."""
    if device is None:
        return np.random.default_rng(seed)
    from ostinato.synthetic.device import DeviceRandom

    number = seed if isinstance(seed, int) else int(seed.integers(2**63 - 1))
    return DeviceRandom(number, device)
