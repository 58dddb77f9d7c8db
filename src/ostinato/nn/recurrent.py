"""Recurrent layers: a cell over time, with torch.nn's signatures, return values and state dicts."""

from typing import final

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from ostinato.errors import ConfigError
from ostinato.nn.cells import GRUCell, LSTMCell, RNNCell
from ostinato.nn.layer import Device, Lengths, RecurrentLayer


@final
class RNN(RecurrentLayer):
    """The simple recurrent layer; `RNNCell` has the equations. Takes the place of `torch.nn.RNN`.

    Args: as for `torch.nn.RNN`, and `recurrent_dropout`: probability of dropping a hidden value on its way into
        the gates while training, with one mask for all steps of a row (Gal and Ghahramani 2016).

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
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )
        self._drop_recurrently(recurrent_dropout)

    @property
    def kernel(self) -> str:
        """The operator over time: `rnn_tanh` or `rnn_relu`."""
        return f"rnn_{self.nonlinearity}"

    def forward(
        self, input: Tensor | PackedSequence, hx: Tensor | None = None, lengths: Lengths = None
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Run over time.

        Args:
            input: `(time, batch, features)`, or `(batch, time, features)` with `batch_first`, or one sequence
                `(time, features)`, or a PackedSequence.
            hx: `(num_layers * directions, batch, hidden)` state before the first step, zeros where None.
            lengths: `(batch,)` real steps of each row, which may be 0; every step is real where None.

        Returns:
            Outputs shaped as the input with `directions * hidden` features, and the state after each row's
            last step.
        """
        outputs, state = self._run(input, None if hx is None else (hx,), lengths)
        return outputs, state[0]


@final
class GRU(RecurrentLayer):
    """The gated recurrent layer; `GRUCell` has the equations. Takes the place of `torch.nn.GRU`.

    Args: as for `torch.nn.GRU`, and `recurrent_dropout`: probability of dropping a hidden value on its way into
        the gates while training, with one mask for all steps of a row (Gal and Ghahramani 2016).

    Examples:
        >>> import torch
        >>> output, h = GRU(3, 4, bidirectional=True)(torch.zeros(5, 2, 3))
        >>> output.shape, h.shape
        (torch.Size([5, 2, 8]), torch.Size([2, 2, 4]))
    """

    cell = GRUCell

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
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )
        self._drop_recurrently(recurrent_dropout)

    @property
    def kernel(self) -> str:
        """The operator over time."""
        return "gru"

    def forward(
        self, input: Tensor | PackedSequence, hx: Tensor | None = None, lengths: Lengths = None
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Run over time; see `RNN.forward`."""
        outputs, state = self._run(input, None if hx is None else (hx,), lengths)
        return outputs, state[0]


@final
class LSTM(RecurrentLayer):
    """The long short-term memory layer; `LSTMCell` has the equations. Takes the place of `torch.nn.LSTM`.

    Args: as for `torch.nn.LSTM`, and `recurrent_dropout`: probability of dropping a hidden value on its way into
        the gates while training, with one mask for all steps of a row (Gal and Ghahramani 2016).

    Examples:
        >>> import torch
        >>> output, (h, c) = LSTM(3, 4, num_layers=2)(torch.zeros(5, 2, 3))
        >>> output.shape, h.shape, c.shape
        (torch.Size([5, 2, 4]), torch.Size([2, 2, 4]), torch.Size([2, 2, 4]))
    """

    cell = LSTMCell

    def __init__(  # noqa: PLR0913  # torch's signature
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )
        self._drop_recurrently(recurrent_dropout)

    @property
    def kernel(self) -> str:
        """The operator over time."""
        return "lstm"

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: tuple[Tensor, Tensor] | None = None,
        lengths: Lengths = None,
    ) -> tuple[Tensor | PackedSequence, tuple[Tensor, Tensor]]:
        """Run over time; see `RNN.forward`. The state is the pair `(h, c)`."""
        outputs, (h, c) = self._run(input, hx, lengths)
        return outputs, (h, c)


LAYERS: dict[str, type[RNN] | type[LSTM] | type[GRU]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
