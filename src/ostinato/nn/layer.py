"""What every recurrent layer has in common: weights, kinds of input, and the one call of the kernels."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from ostinato import kernels
from ostinato.errors import ConfigError
from ostinato.nn.cells import Cell, State
from ostinato.nn.cells.base import draw_first
from ostinato.nn.scan import run_cells

Device = torch.device | str | None
Lengths = Tensor | Sequence[int] | None


class RecurrentLayer(nn.Module, ABC):
    """A cell over time: layers on each other, in one or both directions, over padded or packed batches.

    The weights have torch's names, layout, order and first values, so a state dict moves both ways and the
    same seed gives the same layer. Padding leaves the state unchanged, and outputs there are 0.

    Args:
        input_size: Features of the input.
        hidden_size: Features of the hidden state.
        num_layers: Layers, one on the other.
        bias: Whether the cells have biases.
        batch_first: Whether a batch is `(batch, time, features)` rather than `(time, batch, features)`.
        dropout: Probability of dropping an output between two layers while training.
        bidirectional: Whether each layer also runs backwards in time.
        proj_size: Features of a projected hidden state, 0 for none.
        device: Where the weights live.
        dtype: Floating-point type of the weights.
        recurrent_dropout: Probability of dropping a hidden value on its way into the gates while training, with one
            mask for all steps of a row (Gal and Ghahramani 2016).
    """

    cell: ClassVar[type[Cell]]

    def __init__(  # noqa: PLR0913  # the parameters of torch's three layers
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
        super().__init__()
        if min(input_size, hidden_size, num_layers) < 1:
            raise ConfigError(
                f"input_size is {input_size}, hidden_size {hidden_size}, num_layers {num_layers}; "
                "each must be at least 1"
            )
        if not 0 <= dropout <= 1:
            raise ConfigError(f"dropout is {dropout}; it is a probability, so use 0 to 1")
        if not 0 <= proj_size < hidden_size:
            raise ConfigError(
                f"proj_size is {proj_size}; it must be at least 0 and below hidden_size {hidden_size}"
            )
        if proj_size > 0 and self.kernel != "lstm":
            raise ConfigError(f"proj_size is {proj_size}; only an LSTM projects its state, so leave it out")
        if not 0 <= recurrent_dropout <= 1:
            raise ConfigError(f"recurrent_dropout is {recurrent_dropout}; it is a probability, so use 0 to 1")
        if recurrent_dropout > 0 and proj_size > 0:
            raise ConfigError(
                f"recurrent_dropout is {recurrent_dropout} beside proj_size {proj_size}; use only one of them"
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"dropout={dropout} acts between layers, so with num_layers=1 it does nothing", stacklevel=3
            )
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self.recurrent_dropout = float(recurrent_dropout)
        self._weight_names = self._make_weights(device, dtype)
        self.reset_parameters()
        self.flatten_parameters()

    @property
    @abstractmethod
    def kernel(self) -> str | None:
        """The name of the operator over time, for `kernels.run`; None where the cells themselves are run."""

    def cell_options(self) -> dict[str, Any]:
        """Return what the cells are made with beyond their sizes."""
        return {"proj_size": self.proj_size} if self.proj_size > 0 else {}

    def cell_weights(self) -> list[str]:
        """Return the names of a cell's weights, in the order of `all_weights`."""
        names = list(self.cell.weight_shapes(self.input_size, self.hidden_size, self.bias))
        return names + (["weight_hr"] if self.proj_size > 0 else [])

    def reset_parameters(self) -> None:
        """Give every weight its first value, as torch does; gains start at 1."""
        draw_first(self, self.hidden_size)

    def forward(
        self, input: Tensor | PackedSequence, hx: Any = None, lengths: Lengths = None
    ) -> tuple[Any, Any]:
        """Run over time.

        Args:
            input: `(time, batch, features)`, or `(batch, time, features)` with `batch_first`, or one sequence
                `(time, features)`, or a PackedSequence.
            hx: State before the first step, zeros where None: `(num_layers * directions, batch, hidden)`, or a tuple
                of such where the cell's state has several parts, as the `(h, c)` of an LSTM.
            lengths: `(batch,)` real steps of each row, which may be 0; every step is real where None.

        Returns:
            Outputs shaped as the input with `directions * hidden` features, and the state after each row's last
            step, of the kind of `hx`.
        """
        state = None if hx is None else (hx if isinstance(hx, tuple) else (hx,))
        outputs, final = self._run(input, state, lengths)
        return outputs, final if len(final) > 1 else final[0]

    @property
    def directions(self) -> int:
        """2 where the layer is bidirectional, otherwise 1."""
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """The weights of each layer and direction, in torch's order."""
        flat = [getattr(self, name) for name in self._weight_names]
        size = len(flat) // (self.num_layers * self.directions)
        return [flat[start : start + size] for start in range(0, len(flat), size)]

    def flatten_parameters(self) -> None:
        """Lay the weights out in one piece of memory where cuDNN runs them; elsewhere do nothing."""
        modes = {"rnn_relu": 0, "rnn_tanh": 1, "lstm": 2, "gru": 3}  # cudnnRNNMode_t
        if self.kernel not in modes:
            return
        weights = [getattr(self, name) for name in self._weight_names]
        for weight in weights:
            same = weight.dtype == weights[0].dtype
            if not (weight.is_cuda and same and torch.backends.cudnn.is_acceptable(weight)):  # type: ignore[no-untyped-call]
                return
        if len({weight.data_ptr() for weight in weights}) != len(weights):
            return  # shared weights cannot be moved apart
        with torch.cuda.device(weights[0].device), torch.no_grad():
            torch._cudnn_rnn_flatten_weight(
                weights,
                len(weights) // (self.num_layers * self.directions),
                self.input_size,
                modes[self.kernel],
                self.hidden_size,
                self.proj_size,
                self.num_layers,
                self.batch_first,
                self.bidirectional,
            )

    def extra_repr(self) -> str:
        """Say what differs from the defaults."""
        defaults = {
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
        }
        changed = [
            f"{name}={getattr(self, name)}" for name in defaults if getattr(self, name) != defaults[name]
        ]
        return ", ".join([str(self.input_size), str(self.hidden_size), *changed])

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "RecurrentLayer":
        """Flatten again after the weights moved to another device or type (`to`, `cuda`, `double`)."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch left this hook untyped
        self.flatten_parameters()
        return self

    def _make_weights(self, device: Device, dtype: torch.dtype | None) -> list[str]:
        """Register the weights of every layer and direction, and return their names in order."""
        width = self.proj_size or self.hidden_size
        names: list[str] = []
        for layer in range(self.num_layers):
            features = self.input_size if layer == 0 else width * self.directions
            shapes = self.cell.weight_shapes(features, self.hidden_size, self.bias)
            if self.proj_size > 0:
                shapes |= {
                    "weight_hh": (self.cell.gates * self.hidden_size, width),
                    "weight_hr": (width, self.hidden_size),
                }
            for suffix in ("", "_reverse")[: self.directions]:
                for kind, shape in shapes.items():
                    names.append(f"{kind}_l{layer}{suffix}")
                    weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
                    self.register_parameter(names[-1], weight)
        return names

    def _run(
        self, input: Tensor | PackedSequence, hx: State | None, lengths: Lengths
    ) -> tuple[Tensor | PackedSequence, State]:
        """Bring any kind of input to `(batch, time, features)`, run, and give the same kind back."""
        if isinstance(input, PackedSequence):
            return self._run_packed(input, hx, lengths)
        if input.dim() not in (2, 3):
            raise ConfigError(
                f"input has {input.dim()} dimensions; a batch has 3 and a single sequence has 2"
            )
        if input.dim() == 2:
            if lengths is not None:
                raise ConfigError(
                    "lengths came with a single sequence; use it with a batch, or cut the sequence"
                )
            start = None if hx is None else tuple(part.unsqueeze(1) for part in hx)
            outputs, state = self._run_batch(input.unsqueeze(0), start, None)
            return outputs.squeeze(0), tuple(part.squeeze(1) for part in state)
        if self.batch_first:
            return self._run_batch(input, hx, lengths)
        outputs, state = self._run_batch(input.transpose(0, 1), hx, lengths)
        return outputs.transpose(0, 1), state

    def _run_packed(
        self, packed: PackedSequence, hx: State | None, lengths: Lengths
    ) -> tuple[PackedSequence, State]:
        """Run a packed batch; rows of the state are in the order they had before packing, as with torch."""
        if lengths is not None:
            raise ConfigError("lengths came with a PackedSequence, which knows its own; leave lengths out")
        padded, own = pad_packed_sequence(packed, batch_first=True)
        outputs, state = self._run_batch(padded, hx, own)
        order = packed.sorted_indices
        if order is not None:
            outputs, own = outputs.index_select(0, order), own.index_select(0, order.cpu())
        data = pack_padded_sequence(outputs, own, batch_first=True).data
        return PackedSequence(data, packed.batch_sizes, order, packed.unsorted_indices), state

    def _run_batch(self, inputs: Tensor, hx: State | None, lengths: Lengths) -> tuple[Tensor, State]:
        """Run `(batch, time, features)` through the one place where kernels are called."""
        batch, time, features = inputs.shape
        if not 0 <= features - self.input_size <= self.cell.optional_features:
            raise ConfigError(f"input has {features} features, the layer has input_size {self.input_size}")
        state = self._start(inputs) if hx is None else self._checked_state(hx, batch)
        real = None if lengths is None else _checked_lengths(lengths, batch, time)
        if batch == 0 or time == 0:
            width = (self.proj_size or self.hidden_size) * self.directions
            return inputs.new_zeros(batch, time, width), state
        if self.kernel is None:
            # torch.compile must not unroll the steps, as it does not those of torch.nn.
            compiling = torch.compiler.is_dynamo_compiling()
            run: Any = torch.compiler.disable(run_cells) if compiling else run_cells  # type: ignore[no-untyped-call]
            outputs, final = run(self, inputs, state, real)
            return outputs, final
        weights = [getattr(self, name) for name in self._weight_names]
        return kernels.run(self.stack(), inputs, state, weights, real)

    def stack(self) -> kernels.Stack:
        """Describe the layer to the kernels."""
        return kernels.Stack(
            self.kernel or type(self).__name__,
            self.num_layers,
            self.bidirectional,
            self.bias,
            self.dropout,
            self.training,
            len(self._weight_names) // (self.num_layers * self.directions),
            self.recurrent_dropout,
        )

    def _state_widths(self) -> tuple[int, ...]:
        """Return the features of each part of the state."""
        above = self.hidden_size * self.directions if self.num_layers > 1 else 0
        first, *others = self.cell.state_widths(max(self.input_size, above), self.hidden_size)
        return (self.proj_size or first, *others)

    def _start(self, inputs: Tensor) -> State:
        """Return the state before the first step: zeros."""
        rows = self.num_layers * self.directions
        return tuple(inputs.new_zeros(rows, inputs.size(0), width) for width in self._state_widths())

    def _checked_state(self, hx: State, batch: int) -> State:
        """Return the given state if its shapes fit."""
        rows = self.num_layers * self.directions
        expected = [(rows, batch, width) for width in self._state_widths()]
        shapes = [tuple(part.shape) for part in hx]
        if shapes != expected:
            raise ConfigError(f"hx has the shapes {shapes}, this layer and batch need {expected}")
        return hx


def _checked_lengths(lengths: Tensor | Sequence[int], batch: int, time: int) -> Tensor | None:
    """Return the lengths as a tensor, or None where every step is real."""
    real = (
        lengths
        if isinstance(lengths, Tensor)
        else torch.tensor(lengths, dtype=None if lengths else torch.int64)
    )
    if real.is_floating_point() or real.dtype == torch.bool or tuple(real.shape) != (batch,):
        raise ConfigError(
            f"lengths has the shape {tuple(real.shape)} and type {real.dtype}; use {batch} integers"
        )
    if batch == 0:
        return None
    shortest, longest = int(real.min()), int(real.max())
    if shortest < 0 or longest > time:
        raise ConfigError(
            f"lengths run from {shortest} to {longest}, but the input has {time} steps; use 0 to {time}"
        )
    return None if shortest == time else real
