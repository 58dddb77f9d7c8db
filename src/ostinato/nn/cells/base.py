"""What every cell has in common: weights with torch's names and layout, and one step."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ostinato.errors import ConfigError

State = tuple[Tensor, ...]


class Cell(nn.Module, ABC):
    """One time step of a recurrent network.

    Subclasses say how many gates and parts of the state they have and write `step`; the weights are held
    here under torch's names: `weight_ih (gates * hidden, input)`, `weight_hh (gates * hidden, hidden)`,
    `bias_ih` and `bias_hh` `(gates * hidden,)`.

    Args:
        input_size: Features of the input.
        hidden_size: Features of the hidden state.
        bias: Whether the cell has biases.
        device: Where the weights live.
        dtype: Floating-point type of the weights.
    """

    gates: ClassVar[int]
    state_size: ClassVar[int]
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if input_size < 1 or hidden_size < 1:
            raise ConfigError(
                f"input_size is {input_size} and hidden_size is {hidden_size}; both must be at least 1"
            )
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = self.gates * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size, device=device, dtype=dtype))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            empty = nn.Parameter(torch.empty(rows, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, empty)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw every weight from U(-1/sqrt(hidden), 1/sqrt(hidden)), as torch does."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            nn.init.uniform_(weight, -bound, bound)

    @property
    @abstractmethod
    def kernel(self) -> str:
        """The name of the operator over time that agrees with looping this cell."""

    @abstractmethod
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by one time step.

        Args:
            x: `(batch, input)`.
            state: The parts of the state, each `(batch, hidden)`.

        Returns:
            The output `(batch, hidden)` and the new state.
        """

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Advance by one time step, from zeros where no state is given."""
        return self.step(x, self.initial_state(x) if state is None else state)

    def initial_state(self, x: Tensor) -> State:
        """Return the state before the first step: zeros `(batch, hidden)`, of the kind of `x`."""
        return tuple(x.new_zeros(x.size(0), self.hidden_size) for _ in range(self.state_size))

    def input_part(self, x: Tensor) -> Tensor:
        """Return `W_ih x + b_ih`: `(batch, gates * hidden)`."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def hidden_part(self, h: Tensor) -> Tensor:
        """Return `W_hh h + b_hh`: `(batch, gates * hidden)`."""
        return F.linear(h, self.weight_hh, self.bias_hh)

    def extra_repr(self) -> str:
        """Say the sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")
