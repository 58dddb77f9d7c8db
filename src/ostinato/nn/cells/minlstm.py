"""The minimal long short-term memory, whose gates do not see the state, so that all steps run at once."""

from typing import final

from torch import Tensor
from torch.nn import functional as F

from ostinato.nn.cells.base import Cell, State
from ostinato.nn.cells.mingru import input_weights, log_positive


@final
class MinLSTMCell(Cell):
    """The minimal long short-term memory; gates in the order i, f, n.

        i = sigmoid(W_ii x + b_ii)                      what to write
        f = sigmoid(W_if x + b_if)                      what to keep
        n = g(W_in x + b_in)                            the candidate, above 0; g as in `MinGRUCell`
        h' = f / (f + i) * h + i / (f + i) * n

    The gates are divided by their sum, so that the size of the state does not depend on the length of the sequence.
    There is no `weight_hh`, as in `MinGRUCell`.

    Args: as for `Cell`.

    References:
        Feng et al. (2024), Were RNNs all we needed?, section 3.2 and, in logarithms, appendix B.2.2,
        https://arxiv.org/abs/2410.01201.

    Examples:
        >>> import torch
        >>> output, (h,) = MinLSTMCell(3, 4)(torch.zeros(2, 3))
        >>> output.shape
        torch.Size([2, 4])
    """

    gates = 3
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
        """Return log(f / (f + i)) and log(i / (f + i) * n), each `(..., hidden)`."""
        i, f, n = part.chunk(3, dim=-1)  # 3 of (..., hidden)
        ratio = F.logsigmoid(f) - F.logsigmoid(i)  # log(f / i)
        return F.logsigmoid(ratio), F.logsigmoid(-ratio) + log_positive(n)
