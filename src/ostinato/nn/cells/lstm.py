"""The long short-term memory cell."""

from typing import final

import torch
from torch import Tensor, nn

from ostinato.errors import ConfigError
from ostinato.nn.cells.base import Cell, State


@final
class LSTMCell(Cell):
    """The long short-term memory with a forget gate; gates in torch's order i, f, g, o.

        i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)      what to write
        f = sigmoid(W_if x + b_if + W_hf h + b_hf)      what to keep
        g = tanh(W_ig x + b_ig + W_hg h + b_hg)         the candidate
        o = sigmoid(W_io x + b_io + W_ho h + b_ho)      what to show
        c' = f * c + i * g
        h' = o * tanh(c')                               or W_hr (o * tanh(c')) with a projection

    Args: as for `Cell`, and
        hidden_size: Features of the memory `c`.
        proj_size: Features of `h` where it is projected down, 0 for none.

    References:
        Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9(8),
        https://doi.org/10.1162/neco.1997.9.8.1735. Forget gate: Gers, Schmidhuber and Cummins (2000), Neural
        Computation 12(10), https://doi.org/10.1162/089976600300015015. Projection: Sak, Senior and Beaufays
        (2014), eq. 6, https://arxiv.org/abs/1402.1128.

    Examples:
        >>> import torch
        >>> output, (h, c) = LSTMCell(3, 4)(torch.zeros(2, 3))
        >>> output is h, c.shape
        (True, torch.Size([2, 4]))
    """

    gates = 4
    state_size = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        proj_size: int = 0,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if not 0 <= proj_size < hidden_size:
            raise ConfigError(
                f"proj_size is {proj_size}; it must be at least 0 and below hidden_size {hidden_size}"
            )
        super().__init__(input_size, hidden_size, bias, device=device, dtype=dtype)
        self.proj_size = proj_size
        if proj_size > 0:
            rows = self.gates * hidden_size
            self.weight_hh = nn.Parameter(torch.empty(rows, proj_size, device=device, dtype=dtype))
            self.weight_hr = nn.Parameter(torch.empty(proj_size, hidden_size, device=device, dtype=dtype))
            self.reset_parameters()

    @property
    def kernel(self) -> str:
        """The operator over time."""
        return "lstm"

    def initial_state(self, x: Tensor) -> State:
        """Return zeros: `h (batch, hidden or proj)` and `c (batch, hidden)`."""
        batch = x.size(0)
        return x.new_zeros(batch, self.proj_size or self.hidden_size), x.new_zeros(batch, self.hidden_size)

    def advance(self, part: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by one time step; see `Cell.advance`."""
        h, c = state
        i, f, g, o = (part + self.hidden_part(h)).chunk(4, dim=1)  # 4 of (batch, hidden)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        if self.proj_size > 0:
            h = h @ self.weight_hr.T  # (batch, proj)
        return h, (h, c)
