"""The gated recurrent unit with decay, for inputs with missing values and irregular steps."""

from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from ostinato.nn.cells.base import Cell, State


@final
class GRUDCell(Cell):
    """The gated recurrent unit whose inputs and state fade while nothing is observed; gates in the order r, z, n.

        m = 1 where x is observed, 0 where it is missing (NaN)
        d = time since x was last observed
        fade_x = exp(-max(0, decay_x * d + bias_x))     of each feature
        fade_h = exp(-max(0, decay_h d + bias_h))       of each unit
        x^ = x where observed, otherwise fade_x * (the last value observed)
        h' = GRU([x^, m], fade_h * h)                   as in `GRUCell`

    A missing value fades from the last one observed to the mean, which is taken to be 0: scale inputs so. Steps are
    one apart; an input with one feature more than `input_size` says in the last one how long ago the step before was.
    The weights are `weight_ih (3 * hidden, 2 * input)`, `decay_x (input,)` and `decay_h (hidden, input)`. The state is
    `h (batch, hidden)`, the last values observed and the time since then, each `(batch, input)`.

    Args: as for `Cell`; an input is NaN where a value is missing.

    References:
        Che et al. (2018), Recurrent neural networks for multivariate time series with missing values, Scientific
        Reports 8, eqs. 10-16, https://doi.org/10.1038/s41598-018-24271-9.

    Examples:
        >>> import torch
        >>> cell = GRUDCell(1, 4)
        >>> _, state = cell(torch.tensor([[2.0]]))
        >>> _, (h, last, since) = cell(torch.tensor([[float("nan")]]), state)
        >>> last, since
        (tensor([[2.]]), tensor([[1.]]))
    """

    gates = 3
    state_size = 3
    optional_features = 1
    decay_x: Tensor
    decay_h: Tensor
    bias_x: Tensor
    bias_h: Tensor

    @classmethod
    def weight_shapes(cls, input_size: int, hidden_size: int, bias: bool) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight by its name, in order."""
        shapes = super().weight_shapes(2 * input_size, hidden_size, bias)
        shapes |= {"decay_x": (input_size,), "decay_h": (hidden_size, input_size)}
        return shapes | ({"bias_x": (input_size,), "bias_h": (hidden_size,)} if bias else {})

    @property
    def kernel(self) -> None:
        """None: the cell is looped."""

    @classmethod
    def state_widths(cls, input_size: int, hidden_size: int) -> tuple[int, ...]:
        """Return the features of each part of the state."""
        return hidden_size, input_size, input_size

    def input_part(self, x: Tensor) -> Tensor:
        """Return the input itself: what the weights see of it depends on the state."""
        return x

    def advance(self, part: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by one time step; see `Cell.advance`.

        The last two parts of the state may be wider than the input, as in a stack of layers; the rest is kept 0.
        """
        size = self.decay_x.size(0)
        h, last, since = state[0], state[1][:, :size], state[2][:, :size]
        x, gap = part[:, :size], part[:, size:]  # gap: (batch, 1) or (batch, 0)
        seen = ~torch.isnan(x)
        elapsed = since + (gap if gap.size(1) else 1.0)  # (batch, input)
        x_hat = torch.where(seen, x, self._fade_x(elapsed) * last)
        h = self._fade_h(elapsed) * h
        x_r, x_z, x_n = super().input_part(torch.cat([x_hat, seen.to(x_hat)], dim=1)).chunk(3, dim=1)
        h_r, h_z, h_n = self.hidden_part(h).chunk(3, dim=1)  # 3 of (batch, hidden)
        r = torch.sigmoid(x_r + h_r)
        z = torch.sigmoid(x_z + h_z)
        n = torch.tanh(x_n + r * h_n)
        h = (1 - z) * n + z * h
        unused = (0, state[1].size(1) - size)
        last, since = torch.where(seen, x, last), torch.where(seen, 0.0, elapsed)
        return h, (h, F.pad(last, unused), F.pad(since, unused))

    def _fade_x(self, elapsed: Tensor) -> Tensor:
        """Return what is left of each feature's last value: `(batch, input)`."""
        total = self.decay_x * elapsed + (self.bias_x if self.bias else 0.0)
        return torch.exp(-F.relu(total))

    def _fade_h(self, elapsed: Tensor) -> Tensor:
        """Return what is left of each unit: `(batch, hidden)`."""
        return torch.exp(-F.relu(F.linear(elapsed, self.decay_h, self.bias_h if self.bias else None)))
