"""The long short-term memory with layer normalisation."""

from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from ostinato.nn.cells.base import Cell, State


@final
class LayerNormLSTMCell(Cell):
    """The long short-term memory whose sums are normalised over the units; gates in torch's order i, f, g, o.

        N(a; gain, bias) = gain * (a - mean(a)) / sqrt(variance(a) + 1e-5) + bias
        i, f, g, o = N(W_ih x; gain_ih, b_ih) + N(W_hh h; gain_hh, b_hh)        each N over all four gates
        c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h' = sigmoid(o) * tanh(N(c'; gain_c, bias_c))

    The gains `gain_ih` and `gain_hh` `(4 * hidden,)` and `gain_c (hidden,)` start at 1. An input of a single
    feature loses its size in N: give at least two, such as the value and a constant.

    Args: as for `Cell`.

    References:
        Ba, Kiros and Hinton (2016), Layer normalization, supplementary material, eqs. 20-22,
        https://arxiv.org/abs/1607.06450.

    Examples:
        >>> import torch
        >>> output, (h, c) = LayerNormLSTMCell(3, 4)(torch.zeros(2, 3))
        >>> output.shape
        torch.Size([2, 4])
    """

    gates = 4
    state_size = 2
    gain_ih: Tensor
    gain_hh: Tensor
    gain_c: Tensor
    bias_c: Tensor

    @classmethod
    def weight_shapes(cls, input_size: int, hidden_size: int, bias: bool) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight by its name, in order."""
        rows = cls.gates * hidden_size
        shapes = super().weight_shapes(input_size, hidden_size, bias)
        shapes |= {"gain_ih": (rows,), "gain_hh": (rows,), "gain_c": (hidden_size,)}
        return shapes | ({"bias_c": (hidden_size,)} if bias else {})

    @property
    def kernel(self) -> None:
        """None: the cell is looped."""

    def input_part(self, x: Tensor) -> Tensor:
        """Return `N(W_ih x; gain_ih, b_ih)`: `(..., 4 * hidden)`."""
        return _normal(F.linear(x, self.weight_ih), self.gain_ih, self.bias_ih)

    def hidden_part(self, h: Tensor) -> Tensor:
        """Return `N(W_hh h; gain_hh, b_hh)`: `(batch, 4 * hidden)`."""
        return _normal(F.linear(self.masked(h), self.weight_hh), self.gain_hh, self.bias_hh)

    def advance(self, part: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by one time step; see `Cell.advance`."""
        h, c = state
        i, f, g, o = (part + self.hidden_part(h)).chunk(4, dim=1)  # 4 of (batch, hidden)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        shown = _normal(c, self.gain_c, self.bias_c if self.bias else None)
        h = torch.sigmoid(o) * torch.tanh(shown)
        return h, (h, c)


def _normal(total: Tensor, gain: Tensor, bias: Tensor | None) -> Tensor:
    """Return the sums of each row with mean 0 and variance 1, stretched and shifted."""
    return F.layer_norm(total, gain.shape, gain, bias)
