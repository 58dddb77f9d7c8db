"""Heads: from a hidden state to an output, with the loss that fits it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ostinato.errors import ConfigError
from ostinato.nn import losses


class Head(nn.Module, ABC):
    """A hidden state `(..., hidden)` to an output, plus the loss of that output."""

    @abstractmethod
    def forward(self, hidden: Tensor) -> Tensor:
        """Return the output for a hidden state `(..., hidden)`."""

    @abstractmethod
    def loss(self, output: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the scalar loss of an output over the real targets (mask True = real)."""


@final
class PointHead(Head):
    """One number for each step of the horizon: a linear layer.

    Args:
        hidden_size: Features of the hidden state.
        horizon: Steps ahead.
        loss: A name in `LOSSES`: `"mse"`, `"mae"` or `"huber"`.
        device: Where the weights live.
        dtype: Floating-point type of the weights.

    Examples:
        >>> import torch
        >>> PointHead(8, 12)(torch.zeros(2, 8)).shape
        torch.Size([2, 12])
    """

    def __init__(
        self,
        hidden_size: int,
        horizon: int = 1,
        *,
        loss: str = "mse",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if loss not in ("mse", "mae", "huber"):
            raise ConfigError(f"loss is {loss!r}; a point head takes 'mse', 'mae' or 'huber'")
        self.loss_name = loss
        self.linear = nn.Linear(hidden_size, horizon, device=device, dtype=dtype)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return `(..., horizon)` for `(..., hidden)`."""
        output: Tensor = self.linear(hidden)
        return output

    def loss(self, output: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the loss of `(..., horizon)` against a target of the same shape."""
        return losses.LOSSES[self.loss_name](output, target, mask)


@final
class QuantileHead(Head):
    """Quantiles that never cross, for each step of the horizon.

    The level nearest to 0.5 is a plain linear output; each level above it adds a softplus to the one before,
    each level below it takes one away, so the quantiles are in order whatever the weights.

    Args:
        hidden_size: Features of the hidden state.
        horizon: Steps ahead.
        levels: Quantile levels, rising, in (0, 1).
        device: Where the weights live.
        dtype: Floating-point type of the weights.

    References:
        Gasthaus et al. (2019), Probabilistic forecasting with spline quantile function RNNs, section 3, uses
        the same idea of a sum of positive steps, https://proceedings.mlr.press/v89/gasthaus19a.html.

    Examples:
        >>> import torch
        >>> output = QuantileHead(8, 12, levels=(0.1, 0.5, 0.9))(torch.zeros(2, 8))
        >>> output.shape, bool((output.diff(dim=-1) > 0).all())
        (torch.Size([2, 12, 3]), True)
    """

    def __init__(
        self,
        hidden_size: int,
        horizon: int = 1,
        *,
        levels: Sequence[float] = (0.1, 0.5, 0.9),
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        rising = all(low < high for low, high in pairwise(levels))
        if not levels or not rising or not 0 < levels[0] <= levels[-1] < 1:
            raise ConfigError(
                f"levels are {tuple(levels)}; use rising numbers between 0 and 1, such as 0.1, 0.5, 0.9"
            )
        self.levels = tuple(levels)
        self.horizon = horizon
        self.middle = min(range(len(levels)), key=lambda index: abs(levels[index] - 0.5))
        self.linear = nn.Linear(hidden_size, horizon * len(levels), device=device, dtype=dtype)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return `(..., horizon, levels)` for `(..., hidden)`, rising along the last dimension."""
        raw = self.linear(hidden).unflatten(-1, (self.horizon, len(self.levels)))  # (..., horizon, levels)
        base = raw[..., self.middle : self.middle + 1]
        above = F.softplus(raw[..., self.middle + 1 :]).cumsum(-1)
        below = F.softplus(raw[..., : self.middle]).flip(-1).cumsum(-1).flip(-1)
        return torch.cat([base - below, base, base + above], dim=-1)

    def loss(self, output: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the pinball loss of `(..., horizon, levels)` against `(..., horizon)`."""
        return losses.quantile(output, target, mask, self.levels)


@final
class SoftmaxHead(Head):
    """Logits over classes, for classifying and for generating text.

    Args:
        hidden_size: Features of the hidden state.
        classes: Number of classes, at least 2.
        device: Where the weights live.
        dtype: Floating-point type of the weights.

    Examples:
        >>> import torch
        >>> SoftmaxHead(8, 5)(torch.zeros(2, 7, 8)).shape
        torch.Size([2, 7, 5])
    """

    def __init__(
        self,
        hidden_size: int,
        classes: int = 2,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if classes < 2:
            raise ConfigError(f"classes is {classes}; a softmax needs at least 2")
        self.linear = nn.Linear(hidden_size, classes, device=device, dtype=dtype)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the logits `(..., classes)` for `(..., hidden)`."""
        logits: Tensor = self.linear(hidden)
        return logits

    def loss(self, output: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the cross-entropy of `(..., classes)` against class numbers `(...)`, in nats."""
        return losses.cross_entropy(output, target, mask)


HEADS: dict[str, type[Head]] = {"point": PointHead, "quantile": QuantileHead, "softmax": SoftmaxHead}
