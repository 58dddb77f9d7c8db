"""The long short-term memory with peepholes."""

from typing import final

import torch
from torch import Tensor

from ostinato.nn.cells.base import Cell, State


@final
class PeepholeLSTMCell(Cell):
    """The long short-term memory whose gates see the memory itself; gates in torch's order i, f, g, o.

        i = sigmoid(W_ii x + b_ii + W_hi h + b_hi + p_i * c)
        f = sigmoid(W_if x + b_if + W_hf h + b_hf + p_f * c)
        g = tanh(W_ig x + b_ig + W_hg h + b_hg)
        c' = f * c + i * g
        o = sigmoid(W_io x + b_io + W_ho h + b_ho + p_o * c')
        h' = o * tanh(c')

    The weights `p_i, p_f, p_o` are one `peephole (3 * hidden,)`: each unit sees its own memory alone.

    Args: as for `Cell`.

    References:
        Gers and Schmidhuber (2000), Recurrent nets that time and count, IJCNN, section 2,
        https://doi.org/10.1109/IJCNN.2000.861302.

    Examples:
        >>> import torch
        >>> output, (h, c) = PeepholeLSTMCell(3, 4)(torch.zeros(2, 3))
        >>> output.shape
        torch.Size([2, 4])
    """

    gates = 4
    state_size = 2
    peephole: Tensor

    @classmethod
    def weight_shapes(cls, input_size: int, hidden_size: int, bias: bool) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight by its name, in order."""
        return super().weight_shapes(input_size, hidden_size, bias) | {"peephole": (3 * hidden_size,)}

    @property
    def kernel(self) -> None:
        """None: the cell is looped."""

    def advance(self, part: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by one time step; see `Cell.advance`."""
        h, c = state
        i, f, g, o = (part + self.hidden_part(h)).chunk(4, dim=1)  # 4 of (batch, hidden)
        p_i, p_f, p_o = self.peephole.chunk(3)  # 3 of (hidden,)
        c, before = torch.sigmoid(f + p_f * c) * c, c
        c = c + torch.sigmoid(i + p_i * before) * torch.tanh(g)
        h = torch.sigmoid(o + p_o * c) * torch.tanh(c)
        return h, (h, c)
