"""The speed of the fused kernels for models that already exist: their torch.nn layers change class, nothing else."""

from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from ostinato import kernels
from ostinato.kernels import Stack


def accelerate(model: nn.Module) -> nn.Module:
    """Make every `torch.nn.RNN`, `LSTM` and `GRU` in a model run on the fused kernels, in place.

    The layers stay the same objects with the same parameters, so optimisers, hooks, state dicts and
    `isinstance` go on working. What the kernels do not compute (other devices and types, projections) runs as
    before. Subclasses of torch's layers are left alone, since their own `forward` may do something else.

    Args:
        model: Any torch module; it may itself be such a layer.

    Returns:
        The same model.

    Examples:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.LSTM(3, 4))
        >>> accelerate(model)[0]
        FusedLSTM(3, 4)
        >>> restore(model)[0]
        LSTM(3, 4)
    """
    for module in model.modules():
        if type(module) in FUSED:
            module.__class__ = FUSED[type(module)]
    return model


def restore(model: nn.Module) -> nn.Module:
    """Undo `accelerate`, in place.

    Args:
        model: Any torch module.

    Returns:
        The same model.
    """
    originals = {fused: original for original, fused in FUSED.items()}
    for module in model.modules():
        if type(module) in originals:
            module.__class__ = originals[type(module)]
    return model


@final
class FusedRNN(nn.RNN):
    """A `torch.nn.RNN` that runs on the fused kernels."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Run over time, as `torch.nn.RNN` does."""
        return _run(self, input, hx) if _can_run(self, input) else super().forward(input, hx)


@final
class FusedLSTM(nn.LSTM):
    """A `torch.nn.LSTM` that runs on the fused kernels."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Run over time, as `torch.nn.LSTM` does."""
        return _run(self, input, hx) if _can_run(self, input) else super().forward(input, hx)


@final
class FusedGRU(nn.GRU):
    """A `torch.nn.GRU` that runs on the fused kernels."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Run over time, as `torch.nn.GRU` does."""
        return _run(self, input, hx) if _can_run(self, input) else super().forward(input, hx)


FUSED: dict[type[nn.Module], type[nn.Module]] = {nn.RNN: FusedRNN, nn.LSTM: FusedLSTM, nn.GRU: FusedGRU}


def _can_run(layer: nn.RNNBase, input: Tensor | PackedSequence) -> bool:
    """Say whether the layer's `forward` may be ours: on a CPU, on a batch with rows and steps."""
    data = input.data if isinstance(input, PackedSequence) else input
    plain = layer.proj_size == 0 and data.device.type == "cpu" and data.dtype == torch.float32
    return plain and data.numel() > 0 and data.dim() in (2, 3)


def _run(layer: nn.RNNBase, input: Tensor | PackedSequence, hx: Any) -> Any:
    """Bring any kind of input to a batch, run, and give the same kind back."""
    state = None if hx is None else (hx if isinstance(hx, tuple) else (hx,))
    if isinstance(input, PackedSequence):
        outputs: Any
        outputs, state = _run_packed(layer, input, state)
    elif input.dim() == 2:
        start = None if state is None else tuple(part.unsqueeze(1) for part in state)
        outputs, state = _run_batch(layer, input.unsqueeze(0), start, None)
        outputs, state = outputs.squeeze(0), tuple(part.squeeze(1) for part in state)
    elif layer.batch_first:
        outputs, state = _run_batch(layer, input, state, None)
    else:
        outputs, state = _run_batch(layer, input.transpose(0, 1), state, None)
        outputs = outputs.transpose(0, 1)
    return outputs, state if layer.mode == "LSTM" else state[0]


def _run_packed(
    layer: nn.RNNBase, packed: PackedSequence, state: tuple[Tensor, ...] | None
) -> tuple[PackedSequence, tuple[Tensor, ...]]:
    """Run a packed batch; rows of the state are in the order they had before packing."""
    padded, lengths = pad_packed_sequence(packed, batch_first=True)
    outputs, final_state = _run_batch(layer, padded, state, lengths)
    order = packed.sorted_indices
    if order is not None:
        outputs, lengths = outputs.index_select(0, order), lengths.index_select(0, order)
    data = pack_padded_sequence(outputs, lengths, batch_first=True).data
    return PackedSequence(data, packed.batch_sizes, order, packed.unsorted_indices), final_state


def _run_batch(
    layer: nn.RNNBase, inputs: Tensor, state: tuple[Tensor, ...] | None, lengths: Tensor | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run `(batch, time, features)` on the kernels, after torch's own checks of the shapes."""
    if state is None:
        rows = layer.num_layers * (2 if layer.bidirectional else 1)
        zeros = inputs.new_zeros(rows, inputs.size(0), layer.hidden_size)
        state = (zeros, zeros) if layer.mode == "LSTM" else (zeros,)
    checked = inputs if layer.batch_first else inputs.transpose(0, 1)
    given: Any = state if layer.mode == "LSTM" else state[0]
    layer.check_forward_args(checked, given, None)
    stack = Stack(
        layer.mode.lower(),
        layer.num_layers,
        layer.bidirectional,
        layer.bias,
        layer.dropout,
        layer.training,
        4 if layer.bias else 2,
    )
    weights = [getattr(layer, name) for name in layer._flat_weights_names]
    return kernels.run(stack, inputs, state, weights, lengths)
