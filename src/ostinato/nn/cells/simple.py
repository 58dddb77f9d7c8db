"""The simple recurrent cell."""

from typing import final

import torch
from torch import Tensor

from ostinato.errors import ConfigError
from ostinato.nn.cells.base import Cell, State


@final
class RNNCell(Cell):
    """The simple recurrent cell, with tanh or ReLU.

        h' = f(W_ih x + b_ih + W_hh h + b_hh),  f = tanh or max(0, .)

    Args: as for `Cell`, and
        nonlinearity: `"tanh"` or `"relu"`.

    References:
        Elman (1990), Finding structure in time, Cognitive Science 14(2),
        https://doi.org/10.1207/s15516709cog1402_1.
        ReLU: Le, Jaitly and Hinton (2015), https://arxiv.org/abs/1504.00941.

    Examples:
        >>> import torch
        >>> output, state = RNNCell(3, 4)(torch.zeros(2, 3))
        >>> output.shape, len(state)
        (torch.Size([2, 4]), 1)
    """

    gates = 1
    state_size = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ConfigError(f"nonlinearity is {nonlinearity!r}; use 'tanh' or 'relu'")
        super().__init__(input_size, hidden_size, bias, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity

    @property
    def kernel(self) -> str:
        """The operator over time: `rnn_tanh` or `rnn_relu`."""
        return f"rnn_{self.nonlinearity}"

    def advance(self, part: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by one time step; see `Cell.advance`."""
        (h,) = state
        total = part + self.hidden_part(h)  # (batch, hidden)
        h = torch.tanh(total) if self.nonlinearity == "tanh" else torch.relu(total)
        return h, (h,)
