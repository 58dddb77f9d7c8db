"""Recurrent layers whose cells have no kernel: looped step by step or, where they allow it, scanned all at once.

They have the arguments and return values of `RecurrentLayer`. `docs/cells.md` says when each is worth its time.
"""

from typing import Any, final

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from ostinato.errors import ConfigError
from ostinato.nn.cells import (
    GRUDCell,
    LayerNormGRUCell,
    LayerNormLSTMCell,
    MinGRUCell,
    MinLSTMCell,
    PeepholeLSTMCell,
    SLSTMCell,
    ZoneoutLSTMCell,
)
from ostinato.nn.cells.zoneout import check_zoneout
from ostinato.nn.layer import Device, Lengths, RecurrentLayer


@final
class LayerNormLSTM(RecurrentLayer):
    """The LSTM with layer normalisation; `LayerNormLSTMCell` has the equations.

    Examples:
        >>> output, state = LayerNormLSTM(3, 4, batch_first=True)(torch.zeros(2, 5, 3), lengths=[5, 0])
        >>> output.shape, len(state)
        (torch.Size([2, 5, 4]), 2)
    """

    cell = LayerNormLSTMCell

    @property
    def kernel(self) -> None:
        """None: the cell is looped."""


@final
class LayerNormGRU(RecurrentLayer):
    """The GRU with layer normalisation; `LayerNormGRUCell` has the equations.

    Examples:
        >>> output, h = LayerNormGRU(3, 4, batch_first=True)(torch.zeros(2, 5, 3), lengths=[5, 0])
        >>> output.shape, h.shape
        (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    cell = LayerNormGRUCell

    @property
    def kernel(self) -> None:
        """None: the cell is looped."""


@final
class PeepholeLSTM(RecurrentLayer):
    """The LSTM whose gates see its memory; `PeepholeLSTMCell` has the equations.

    Examples:
        >>> output, state = PeepholeLSTM(3, 4, batch_first=True)(torch.zeros(2, 5, 3), lengths=[5, 0])
        >>> output.shape, len(state)
        (torch.Size([2, 5, 4]), 2)
    """

    cell = PeepholeLSTMCell

    @property
    def kernel(self) -> None:
        """None: the cell is looped."""


@final
class SLSTM(RecurrentLayer):
    """The LSTM with exponential gating; `SLSTMCell` has the equations.

    Examples:
        >>> output, state = SLSTM(3, 4, batch_first=True)(torch.zeros(2, 5, 3), lengths=[5, 0])
        >>> output.shape, len(state)
        (torch.Size([2, 5, 4]), 4)
    """

    cell = SLSTMCell

    @property
    def kernel(self) -> None:
        """None: the cell is looped."""


@final
class MinGRU(RecurrentLayer):
    """The minimal GRU, all steps at once; `MinGRUCell` has the equations.

    The gates do not see the state: recurrent dropout has nothing to act on.

    Examples:
        >>> output, h = MinGRU(3, 4, batch_first=True)(torch.zeros(2, 5, 3), lengths=[5, 0])
        >>> output.shape, h.shape
        (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    cell = MinGRUCell

    @property
    def kernel(self) -> None:
        """None: the cell is scanned."""


@final
class MinLSTM(RecurrentLayer):
    """The minimal LSTM, all steps at once; `MinLSTMCell` has the equations.

    The gates do not see the state: recurrent dropout has nothing to act on.

    Examples:
        >>> output, h = MinLSTM(3, 4, batch_first=True)(torch.zeros(2, 5, 3), lengths=[5, 0])
        >>> output.shape, h.shape
        (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    cell = MinLSTMCell

    @property
    def kernel(self) -> None:
        """None: the cell is scanned."""


@final
class ZoneoutLSTM(RecurrentLayer):
    """The LSTM in which units now and then keep their last value; `ZoneoutLSTMCell` has the equations.

    Args: as for `RecurrentLayer`, and the probabilities `zoneout_h` and `zoneout_c` that a unit of `h` and of `c` keeps
        its value.

    Examples:
        >>> output, (h, c) = ZoneoutLSTM(3, 4, zoneout_c=0.25)(torch.zeros(5, 2, 3))
        >>> output.shape, h.shape
        (torch.Size([5, 2, 4]), torch.Size([1, 2, 4]))
    """

    cell = ZoneoutLSTMCell

    def __init__(  # noqa: PLR0913  # torch's signature
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        recurrent_dropout: float = 0.0,
        zoneout_h: float = 0.05,
        zoneout_c: float = 0.5,
    ) -> None:
        check_zoneout(zoneout_h, zoneout_c)
        self.zoneout_h = zoneout_h
        self.zoneout_c = zoneout_c
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
            recurrent_dropout=recurrent_dropout,
        )

    def cell_options(self) -> dict[str, Any]:
        """Return what the cells are made with beyond their sizes."""
        return {"zoneout_h": self.zoneout_h, "zoneout_c": self.zoneout_c}

    @property
    def kernel(self) -> None:
        """None: the cell is looped."""


@final
class GRUD(RecurrentLayer):
    """The GRU with decay, for missing values (NaN) and irregular steps; `GRUDCell` has the equations.

    The layers above the first see no missing values, and steps one apart. In a stack the parts of the state that hold
    the last values are as wide as the widest input.

    Examples:
        >>> values = torch.tensor([[[1.0], [float("nan")], [3.0]]])  # (batch, time, features)
        >>> hours = torch.tensor([[0.0, 0.5, 24.0]])
        >>> output, (h, last, since) = GRUD(1, 4, batch_first=True)(values, gaps=hours)
        >>> output.shape, last.item()
        (torch.Size([1, 3, 4]), 3.0)
    """

    cell = GRUDCell

    @property
    def kernel(self) -> None:
        """None: the cell is looped."""

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Any = None,
        lengths: Lengths = None,
        gaps: Tensor | None = None,
    ) -> tuple[Any, Any]:
        """Run over time; see `RecurrentLayer.forward`.

        Args:
            input: As there, NaN where a value is missing.
            hx: State before the first step, zeros where None.
            lengths: `(batch,)` real steps of each row.
            gaps: Time since the step before, shaped as the input without its features; 1 where None. A PackedSequence
                carries it as one more feature, the last.

        Returns:
            The outputs, and the state `(h, last values, time since then)`.
        """
        if gaps is not None:
            if isinstance(input, PackedSequence) or gaps.shape != input.shape[:-1]:
                raise ConfigError(
                    f"gaps has the shape {tuple(gaps.shape)}; give one number for each step of a padded input"
                )
            input = torch.cat([input, gaps.to(input).unsqueeze(-1)], dim=-1)
        return super().forward(input, hx, lengths)
