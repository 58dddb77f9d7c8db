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

    Subclasses say how many gates and parts of the state they have and write `advance`; the weights are held
    here under torch's names: `weight_ih (gates * hidden, input)`, `weight_hh (gates * hidden, hidden)`,
    `bias_ih` and `bias_hh` `(gates * hidden,)`. A cell with others names them in `weight_shapes`.

    Args:
        input_size: Features of the input.
        hidden_size: Features of the hidden state.
        bias: Whether the cell has biases.
        device: Where the weights live.
        dtype: Floating-point type of the weights.
    """

    gates: ClassVar[int]
    state_size: ClassVar[int]
    optional_features: ClassVar[int] = 0
    """Features that an input may have beyond `input_size`."""
    scans: ClassVar[bool] = False
    """Whether the cell has `coefficients`, so that all steps are computed at once."""
    weight_ih: Tensor
    weight_hh: Tensor
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
        self.mask: Tensor | None = None
        for name, shape in self.weight_shapes(input_size, hidden_size, bias).items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        for name in ("bias_ih", "bias_hh"):
            if name not in self._parameters:
                self.register_parameter(name, None)
        self.reset_parameters()

    @classmethod
    def weight_shapes(cls, input_size: int, hidden_size: int, bias: bool) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight by its name, in order."""
        rows = cls.gates * hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, hidden_size),
        }
        return shapes | ({"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {})

    def reset_parameters(self) -> None:
        """Give every weight its first value; see `draw_first`."""
        draw_first(self, self.hidden_size)

    @property
    @abstractmethod
    def kernel(self) -> str | None:
        """The name of the operator over time that agrees with looping this cell; None where there is none."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by one time step.

        Args:
            x: `(batch, input)`.
            state: The parts of the state, each `(batch, hidden)`.

        Returns:
            The output `(batch, hidden)` and the new state.
        """
        return self.advance(self.input_part(x), state)

    @abstractmethod
    def advance(self, part: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by one time step, given what `input_part` made of the input.

        A layer computes that part for all steps at once.
        """

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Advance by one time step, from zeros where no state is given."""
        return self.step(x, self.initial_state(x) if state is None else state)

    @classmethod
    def state_widths(cls, input_size: int, hidden_size: int) -> tuple[int, ...]:  # noqa: ARG003 - a cell may use it
        """Return the features of each part of the state."""
        return (hidden_size,) * cls.state_size

    def initial_state(self, x: Tensor) -> State:
        """Return the state before the first step: zeros `(batch, width)`, of the kind of `x`."""
        widths = self.state_widths(self.input_size, self.hidden_size)
        return tuple(x.new_zeros(x.size(0), width) for width in widths)

    def input_part(self, x: Tensor) -> Tensor:
        """Return what does not depend on the state, `W_ih x + b_ih`: `(..., gates * hidden)`."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def hidden_part(self, h: Tensor) -> Tensor:
        """Return `W_hh h + b_hh`: `(batch, gates * hidden)`."""
        return F.linear(self.masked(h), self.weight_hh, self.bias_hh)

    def masked(self, h: Tensor) -> Tensor:
        """Return the hidden state as the gates see it, without the values that are dropped."""
        return h if self.mask is None else h * self.mask

    def draw_mask(self, h: Tensor, probability: float) -> None:
        """Draw which hidden values the gates do not see from now on, one mask for all steps of a row.

        Args:
            h: `(batch, hidden)`.
            probability: Share that is dropped; the others are stretched, so that the mean stays.

        References:
            Gal and Ghahramani (2016), A theoretically grounded application of dropout in recurrent neural networks,
            https://arxiv.org/abs/1512.05287.
        """
        kept = 1.0 - probability
        self.mask = torch.bernoulli(torch.full_like(h, kept)) / max(kept, 1e-12) if probability > 0 else None

    def extra_repr(self) -> str:
        """Say the sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")

    def coefficients(self, part: Tensor) -> tuple[Tensor, Tensor]:
        """Return log a and log b of a cell whose step is `h' = a * h + b`, each `(..., hidden)`."""
        raise NotImplementedError(f"{type(self).__name__} is not linear in its state")


def draw_first(module: nn.Module, hidden_size: int) -> None:
    """Draw every weight from U(-1/sqrt(hidden), 1/sqrt(hidden)), as torch does; gains start at 1."""
    bound = 1.0 / math.sqrt(hidden_size)
    for name, weight in module.named_parameters():
        if name.startswith("gain"):
            nn.init.ones_(weight)
        else:
            nn.init.uniform_(weight, -bound, bound)
