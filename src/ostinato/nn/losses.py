"""Losses: pure functions of prediction, target and mask, each the mean over the real values.

A mask is True where a target is real. What a masked target holds, NaN included, changes neither the loss nor
any gradient; without a single real value the loss is 0.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ostinato.errors import ConfigError

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def mse(prediction: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean squared error.

    Args:
        prediction: Any shape.
        target: The same shape.
        mask: The same shape, True = real; every target is real where None.

    Returns:
        A scalar, in squared units of the target.

    Examples:
        >>> mse(torch.tensor([1.0, 5.0]), torch.tensor([3.0, float("nan")]), torch.tensor([True, False]))
        tensor(4.)
    """
    return _mean(_error(prediction, target, mask).square(), mask)


def mae(prediction: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean absolute error; arguments as for `mse`, in units of the target."""
    return _mean(_error(prediction, target, mask).abs(), mask)


def huber(prediction: Tensor, target: Tensor, mask: Tensor | None = None, delta: float = 1.0) -> Tensor:
    """Squared error up to `delta` and linear beyond, so that outliers pull less.

        loss(e) = e**2 / 2 where |e| <= delta, otherwise delta * (|e| - delta / 2)

    Args:
        prediction: Any shape.
        target: The same shape.
        mask: The same shape, True = real; every target is real where None.
        delta: Where the loss becomes linear, in units of the target; above 0.

    Returns:
        A scalar.

    References:
        Huber (1964), Robust estimation of a location parameter, https://doi.org/10.1214/aoms/1177703732.
    """
    if delta <= 0:
        raise ConfigError(f"delta is {delta}; the Huber loss needs a delta above 0")
    error = _error(prediction, target, mask)
    return _mean(F.huber_loss(error, torch.zeros_like(error), reduction="none", delta=delta), mask)


def quantile(
    prediction: Tensor, target: Tensor, mask: Tensor | None = None, levels: Sequence[float] = (0.1, 0.5, 0.9)
) -> Tensor:
    """Pinball loss, whose minimum is the quantile at each level.

        loss(q, y) = max(level * (y - q), (level - 1) * (y - q))

    Args:
        prediction: `(..., levels)`.
        target: `(...)`.
        mask: `(...)`, True = real; every target is real where None.
        levels: Quantile levels in (0, 1).

    Returns:
        A scalar: the mean over levels and real values, in units of the target.

    References:
        Koenker and Bassett (1978), Regression quantiles, https://doi.org/10.2307/1913643.
    """
    if prediction.size(-1) != len(levels):
        raise ConfigError(
            f"prediction has {prediction.size(-1)} quantiles but there are {len(levels)} levels"
        )
    wide = None if mask is None else mask.unsqueeze(-1).expand_as(prediction)  # (..., levels)
    error = -_error(prediction, target.unsqueeze(-1).expand_as(prediction), wide)  # y - q, 0 where masked
    tilt = prediction.new_tensor(levels) - 0.5
    total = 0.5 * error.abs().sum() + (tilt * error).sum()  # the same maximum, in fewer operations
    return total / (max(error.numel(), 1) if wide is None else wide.sum().clamp(min=1))


def cross_entropy(prediction: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Cross-entropy of a softmax over classes.

    Args:
        prediction: `(..., classes)` logits.
        target: `(...)` class numbers, int64.
        mask: `(...)`, True = real; every target is real where None.

    Returns:
        A scalar, in nats per target.
    """
    if mask is not None:
        prediction = prediction.masked_fill(~mask.unsqueeze(-1), 0.0)
        target = target.masked_fill(~mask, 0)
    classes = prediction.size(-1)
    each = F.cross_entropy(prediction.reshape(-1, classes), target.reshape(-1), reduction="none")
    return _mean(each.reshape(target.shape), mask)


LOSSES: dict[str, Loss] = {
    "mse": mse,
    "mae": mae,
    "huber": huber,
    "quantile": quantile,
    "cross_entropy": cross_entropy,
}


def _error(prediction: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
    """Return prediction - target, 0 and without gradient where masked."""
    if prediction.shape != target.shape:
        raise ConfigError(
            f"prediction has shape {tuple(prediction.shape)} and target {tuple(target.shape)}; use the same"
        )
    error = prediction - target
    return error if mask is None else error.masked_fill(~mask, 0.0)


def _mean(loss: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean over real values; masked ones are 0 already, or made so here."""
    if mask is None:
        return loss.mean() if loss.numel() > 0 else loss.sum()
    return loss.masked_fill(~mask, 0.0).sum() / mask.sum().clamp(min=1)
