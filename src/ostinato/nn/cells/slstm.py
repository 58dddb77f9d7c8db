"""The long short-term memory with exponential gating."""

from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from ostinato.nn.cells.base import Cell, State


@final
class SLSTMCell(Cell):
    """The long short-term memory with an exponential input gate and a normaliser; gates i, f, z, o.

        i, f, z, o = W_ih x + b_ih + W_hh h + b_hh
        m' = max(log sigmoid(f) + m, i)                 the stabiliser: the largest exponent so far
        i' = exp(i - m'),  f' = exp(log sigmoid(f) + m - m')
        c' = f' * c + i' * tanh(z)
        n' = f' * n + i'                                how much was written
        h' = sigmoid(o) * c' / n'

    The stabiliser cancels in `c' / n'`, so the numbers are those of `i = exp(i)` without it, but nothing overflows.
    A new input can outweigh everything before it, whatever the gates said then: the cell can revise what it stored.
    The state is `h, c, n, m`, zeros before the first step; where `n` is 0 nothing was written, and `m` counts for
    nothing. The recurrent weights are full matrices, which the paper calls one head.

    Args: as for `Cell`.

    References:
        Beck et al. (2024), xLSTM: extended long short-term memory, eqs. 8-17, with the sigmoid forget gate of eq.
        13, https://arxiv.org/abs/2405.04517.

    Examples:
        >>> import torch
        >>> output, (h, c, n, m) = SLSTMCell(3, 4)(torch.zeros(2, 3))
        >>> output.shape
        torch.Size([2, 4])
    """

    gates = 4
    state_size = 4

    @property
    def kernel(self) -> None:
        """None: the cell is looped."""

    def advance(self, part: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by one time step; see `Cell.advance`."""
        h, c, n, m = state
        i, f, z, o = (part + self.hidden_part(h)).chunk(4, dim=1)  # 4 of (batch, hidden)
        kept = F.logsigmoid(f) + m
        after = torch.where(n == 0, i, torch.maximum(kept, i))
        write, keep = torch.exp(i - after), torch.exp(torch.minimum(kept - after, torch.zeros_like(kept)))
        c = keep * c + write * torch.tanh(z)
        n = keep * n + write
        h = torch.sigmoid(o) * c / n
        return h, (h, c, n, after)
