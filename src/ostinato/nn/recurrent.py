"""Recurrent layers: a cell over time, with torch.nn's signatures, return values and state dicts."""

from typing import Any, final

import torch

from ostinato.errors import ConfigError
from ostinato.nn.cells import GRUCell, LSTMCell, RNNCell
from ostinato.nn.layer import Device, RecurrentLayer
from ostinato.nn.looped import (
    GRUD,
    SLSTM,
    LayerNormGRU,
    LayerNormLSTM,
    MinGRU,
    MinLSTM,
    PeepholeLSTM,
    ZoneoutLSTM,
)


@final
class RNN(RecurrentLayer):
    """The simple recurrent layer; `RNNCell` has the equations. Takes the place of `torch.nn.RNN`.

    Args: as for `torch.nn.RNN`, and `recurrent_dropout`, as for `RecurrentLayer`.

    Examples:
        >>> import torch
        >>> output, h = RNN(3, 4, batch_first=True)(torch.zeros(2, 5, 3), lengths=[5, 0])
        >>> output.shape, h.shape
        (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    cell = RNNCell

    def __init__(  # noqa: PLR0913  # torch's signature
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        recurrent_dropout: float = 0.0,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ConfigError(f"nonlinearity is {nonlinearity!r}; use 'tanh' or 'relu'")
        self.nonlinearity = nonlinearity
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
        return {"nonlinearity": self.nonlinearity}

    @property
    def kernel(self) -> str:
        """The operator over time: `rnn_tanh` or `rnn_relu`."""
        return f"rnn_{self.nonlinearity}"


@final
class GRU(RecurrentLayer):
    """The gated recurrent layer; `GRUCell` has the equations. Takes the place of `torch.nn.GRU`.

    Args: as for `torch.nn.GRU`, and `recurrent_dropout`, as for `RecurrentLayer`.

    Examples:
        >>> import torch
        >>> output, h = GRU(3, 4, bidirectional=True)(torch.zeros(5, 2, 3))
        >>> output.shape, h.shape
        (torch.Size([5, 2, 8]), torch.Size([2, 2, 4]))
    """

    cell = GRUCell

    @property
    def kernel(self) -> str:
        """The operator over time."""
        return "gru"


@final
class LSTM(RecurrentLayer):
    """The long short-term memory layer; `LSTMCell` has the equations. Takes the place of `torch.nn.LSTM`.

    Args: as for `torch.nn.LSTM`, and `recurrent_dropout`, as for `RecurrentLayer`.

    Examples:
        >>> import torch
        >>> output, (h, c) = LSTM(3, 4, num_layers=2)(torch.zeros(5, 2, 3))
        >>> output.shape, h.shape, c.shape
        (torch.Size([5, 2, 4]), torch.Size([2, 2, 4]), torch.Size([2, 2, 4]))
    """

    cell = LSTMCell

    @property
    def kernel(self) -> str:
        """The operator over time."""
        return "lstm"


LAYERS: dict[str, type[RecurrentLayer]] = {
    "rnn": RNN,
    "lstm": LSTM,
    "gru": GRU,
    "lnlstm": LayerNormLSTM,
    "lngru": LayerNormGRU,
    "zoneout": ZoneoutLSTM,
    "peephole": PeepholeLSTM,
    "slstm": SLSTM,
    "mingru": MinGRU,
    "minlstm": MinLSTM,
    "grud": GRUD,
}
"""Recurrent layers by the name of their cell, as `cell=` and `--cell` take it."""
