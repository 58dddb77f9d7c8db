"""Optimizers, learning-rate schedules and the moving average of the weights."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ostinato.train.config import TrainConfig

_FUSED_DEVICES = ("cpu", "cuda")
_MOMENTUM = 0.9


def make_optimizer(parameters: Sequence[nn.Parameter], config: TrainConfig) -> torch.optim.Optimizer:
    """Return the optimizer of the settings, in one fused operator where torch has one.

    Args:
        parameters: The weights to be trained.
        config: The settings.
    """
    kinds = {weight.device.type for weight in parameters}
    fused = kinds <= set(_FUSED_DEVICES) and all(weight.is_floating_point() for weight in parameters)
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=rate, weight_decay=decay, fused=fused)
    if config.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=fused)
    return torch.optim.SGD(parameters, lr=rate, weight_decay=decay, momentum=_MOMENTUM, fused=fused)


def learning_rate(config: TrainConfig, epoch: int, losses: Sequence[float]) -> float:
    """Return the learning rate of an epoch: a pure function, so that a resumed run has the same.

    Args:
        config: The settings.
        epoch: The epoch, from 0.
        losses: The judged loss of each epoch before.

    References:
        Cosine: Loshchilov and Hutter (2017), eq. 5 without restarts, https://arxiv.org/abs/1608.03983.

    Examples:
        >>> learning_rate(TrainConfig(epochs=10, learning_rate=1.0, schedule="cosine"), 5, [])
        0.5
    """
    if config.schedule == "cosine":
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / config.epochs))
    if config.schedule == "plateau":
        return config.learning_rate * 0.5 ** _plateaus(losses, config.plateau)
    return config.learning_rate


def _plateaus(losses: Sequence[float], length: int) -> int:
    """Count how often the loss failed to improve for `length` epochs in a row."""
    best, waited, count = math.inf, 0, 0
    for loss in losses:
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == length:
            waited, count = 0, count + 1
    return count


def gradient_norm(parameters: Sequence[nn.Parameter], clip_norm: float | None) -> Tensor:
    """Return the norm of all gradients together, and scale them down to `clip_norm` where it is larger.

    References:
        Pascanu, Mikolov and Bengio (2013), algorithm 1, https://arxiv.org/abs/1211.5063.
    """
    gradients = [weight.grad for weight in parameters if weight.grad is not None]
    if not gradients:
        return torch.zeros(())
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    if clip_norm is not None:
        # Always multiplied: on a GPU, asking whether it is needed would wait for the device.
        torch._foreach_mul_(gradients, (clip_norm / (norm + 1e-6)).clamp(max=1.0))
    return norm


class Average:
    """The moving average of the weights.

    The decay grows with the updates, min(decay, (1 + n) / (10 + n)), so that the first weights are soon
    forgotten.

    Args:
        parameters: The weights.
        decay: Share of the average that stays at each update.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float) -> None:
        self.parameters: list[Tensor] = list(parameters)
        self.decay = decay
        self.values = [weight.detach().clone() for weight in parameters]

    @torch.no_grad()
    def update(self, count: int) -> None:
        """Move the average towards the weights after update number `count`, from 1."""
        decay = min(self.decay, (1 + count) / (10 + count))
        torch._foreach_lerp_(self.values, self.parameters, 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the average and the weights."""
        weights = [weight.detach().clone() for weight in self.parameters]
        torch._foreach_copy_(self.parameters, self.values)
        torch._foreach_copy_(self.values, weights)
