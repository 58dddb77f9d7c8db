"""The gated recurrent unit with layer normalisation."""

from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from ostinato.nn.cells.base import Cell, State


@final
class LayerNormGRUCell(Cell):
    """The gated recurrent unit whose sums are normalised over the units; gates in torch's order r, z, n.

        N(a; gain, bias) = gain * (a - mean(a)) / sqrt(variance(a) + 1e-5) + bias
        r, z = sigmoid(N(W_ih x) + N(W_hh h))           each N over both gates
        n = tanh(N(W_in x) + r * N(W_hn h))             each N over the candidate
        h' = (1 - z) * n + z * h

    `gain_ih`, `b_ih`, `gain_hh` and `b_hh`, each `(3 * hidden,)`, are the gains and biases of N; the gains start at
    1. An input of a single feature loses its size in N: give at least two, such as the value and a constant.

    Args: as for `Cell`.

    References:
        Ba, Kiros and Hinton (2016), Layer normalization, supplementary material, eqs. 23-25,
        https://arxiv.org/abs/1607.06450; the roles of z and 1 - z are swapped, as in `GRUCell`.

    Examples:
        >>> import torch
        >>> output, (h,) = LayerNormGRUCell(3, 4)(torch.zeros(2, 3))
        >>> output.shape
        torch.Size([2, 4])
    """

    gates = 3
    state_size = 1
    gain_ih: Tensor
    gain_hh: Tensor

    @classmethod
    def weight_shapes(cls, input_size: int, hidden_size: int, bias: bool) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight by its name, in order."""
        rows = cls.gates * hidden_size
        shapes = super().weight_shapes(input_size, hidden_size, bias)
        return shapes | {"gain_ih": (rows,), "gain_hh": (rows,)}

    @property
    def kernel(self) -> None:
        """None: the cell is looped."""

    def input_part(self, x: Tensor) -> Tensor:
        """Return `N(W_ih x; gain_ih, b_ih)`: `(..., 3 * hidden)`."""
        return self._normal(F.linear(x, self.weight_ih), self.gain_ih, self.bias_ih)

    def hidden_part(self, h: Tensor) -> Tensor:
        """Return `N(W_hh h; gain_hh, b_hh)`: `(batch, 3 * hidden)`."""
        return self._normal(F.linear(self.masked(h), self.weight_hh), self.gain_hh, self.bias_hh)

    def advance(self, part: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by one time step; see `Cell.advance`."""
        (h,) = state
        x_r, x_z, x_n = part.chunk(3, dim=1)  # 3 of (batch, hidden)
        h_r, h_z, h_n = self.hidden_part(h).chunk(3, dim=1)  # 3 of (batch, hidden)
        r = torch.sigmoid(x_r + h_r)
        z = torch.sigmoid(x_z + h_z)
        n = torch.tanh(x_n + r * h_n)
        h = (1 - z) * n + z * h
        return h, (h,)

    def _normal(self, total: Tensor, gain: Tensor, bias: Tensor | None) -> Tensor:
        """Return the sums of both gates with mean 0 and variance 1, and those of the candidate."""
        sizes = [2 * self.hidden_size, self.hidden_size]
        biases: tuple[Tensor | None, ...] = (None, None) if bias is None else torch.split(bias, sizes)
        parts = zip(torch.split(total, sizes, dim=-1), torch.split(gain, sizes), biases, strict=True)
        return torch.cat([F.layer_norm(each, gain.shape, gain, bias) for each, gain, bias in parts], dim=-1)
