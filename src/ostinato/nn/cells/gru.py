"""The gated recurrent unit."""

from typing import final

import torch
from torch import Tensor

from ostinato.nn.cells.base import Cell, State


@final
class GRUCell(Cell):
    """The gated recurrent unit; gates in torch's order r, z, n.

        r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)      how much of the past the candidate sees
        z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)      how much of the past stays
        n = tanh(W_in x + b_in + r * (W_hn h + b_hn))   the candidate
        h' = (1 - z) * n + z * h

    The reset gate is applied after the product with `W_hn`, as cuDNN and torch do, so that one product
    serves all three gates; the paper applies it before and swaps the roles of z and 1 - z.

    Args: as for `Cell`.

    References:
        Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, eqs. 5-8,
        https://arxiv.org/abs/1406.1078. This form: the documentation of torch.nn.GRU.

    Examples:
        >>> import torch
        >>> output, (h,) = GRUCell(3, 4)(torch.zeros(2, 3))
        >>> output.shape
        torch.Size([2, 4])
    """

    gates = 3
    state_size = 1

    @property
    def kernel(self) -> str:
        """The operator over time."""
        return "gru"

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
