"""The minimal gated recurrent unit, whose gate does not see the state, so that all steps run at once."""

from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from ostinato.nn.cells.base import Cell, State


@final
class MinGRUCell(Cell):
    """The minimal gated recurrent unit; gates in the order z, n.

        z = sigmoid(W_iz x + b_iz)                      how much is written
        n = g(W_in x + b_in)                            the candidate, above 0
        h' = (1 - z) * h + z * n
        g(a) = a + 0.5 where a >= 0, otherwise sigmoid(a)

    There is no `weight_hh`: what is kept and written depends on the input alone, so the step is linear in `h`, and a
    layer computes all steps in parallel. A single layer cannot react to its own state; stack two.

    Args: as for `Cell`.

    References:
        Feng et al. (2024), Were RNNs all we needed?, section 3.1 and, in logarithms, appendix B.2.1,
        https://arxiv.org/abs/2410.01201.

    Examples:
        >>> import torch
        >>> output, (h,) = MinGRUCell(3, 4)(torch.zeros(2, 3))
        >>> output.shape
        torch.Size([2, 4])
    """

    gates = 2
    state_size = 1
    scans = True

    @classmethod
    def weight_shapes(cls, input_size: int, hidden_size: int, bias: bool) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight by its name, in order."""
        return input_weights(cls.gates * hidden_size, input_size, bias)

    @property
    def kernel(self) -> None:
        """None: the cell is scanned."""

    def advance(self, part: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by one time step; see `Cell.advance`."""
        keep, write = self.coefficients(part)
        h = keep.exp() * state[0] + write.exp()
        return h, (h,)

    def coefficients(self, part: Tensor) -> tuple[Tensor, Tensor]:
        """Return log(1 - z) and log(z * n), each `(..., hidden)`."""
        z, n = part.chunk(2, dim=-1)  # 2 of (..., hidden)
        return F.logsigmoid(-z), F.logsigmoid(z) + log_positive(n)


def input_weights(rows: int, input_size: int, bias: bool) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of a cell that does not see its state."""
    shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, input_size)}
    return shapes | ({"bias_ih": (rows,)} if bias else {})


def log_positive(value: Tensor) -> Tensor:
    """Return log g(a): g(a) = a + 0.5 where a >= 0, otherwise sigmoid(a)."""
    return torch.where(value >= 0, (F.relu(value) + 0.5).log(), F.logsigmoid(value))
