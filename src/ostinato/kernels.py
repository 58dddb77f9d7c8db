"""Where a recurrent layer meets the operators that compute it.

A layer calls `run` and nothing else. `run` decides which path computes the numbers; today that is torch's own
operator on every device (cuDNN on CUDA). `scan_stack` is the other half of the seam: it takes any function
that carries one layer in one direction over time and builds stacks, directions and dropout around it, so
that a fused kernel needs to know nothing of them.

Torch is imported by the functions, so that importing this module is cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    State = tuple[Tensor, ...]
    Scan = Callable[[Tensor, State, Sequence[Tensor], Tensor | None, bool], tuple[Tensor, State]]


@dataclass(frozen=True)
class Stack:
    """What a recurrent layer is made of, without its numbers.

    Args:
        kind: `"rnn_tanh"`, `"rnn_relu"`, `"lstm"` or `"gru"`.
        num_layers: Layers, one on the other.
        bidirectional: Whether each layer also runs backwards in time.
        bias: Whether the weights include biases.
        dropout: Probability of dropping an output between two layers while training.
        training: Whether the layer is being trained.
        weights_per_scan: Weights of one layer in one direction.
    """

    kind: str
    num_layers: int
    bidirectional: bool
    bias: bool
    dropout: float
    training: bool
    weights_per_scan: int


def run(
    stack: Stack, inputs: Tensor, state: State, weights: list[Tensor], lengths: Tensor | None
) -> tuple[Tensor, State]:
    """Run a recurrent layer over time on the fastest path there is for these tensors.

    Args:
        stack: What the layer is made of.
        inputs: `(batch, time, features)`, with at least one row and one step.
        state: One tensor `(num_layers * directions, batch, hidden)` for each part of the state.
        weights: The weights of each layer and direction in torch's order: `weight_ih, weight_hh, bias_ih,
            bias_hh` and, for an LSTM with a projection, `weight_hr`.
        lengths: `(batch,)` real steps of each row, or None where every step is real.

    Returns:
        The outputs `(batch, time, directions * hidden)`, 0 at padding, and the state after each row's last
        real step.
    """
    if lengths is None:
        return _run_torch(stack, inputs, state, weights)
    return _run_torch_packed(stack, inputs, state, weights, lengths)


def scan_stack(
    scan: Scan, stack: Stack, inputs: Tensor, state: State, weights: list[Tensor], lengths: Tensor | None
) -> tuple[Tensor, State]:
    """Build stacks, directions and dropout around a function that runs one layer in one direction.

    Args:
        scan: `scan(inputs, state, weights, lengths, reverse) -> (outputs, state)` with inputs and outputs
            `(batch, time, ...)`, each part of the state `(batch, hidden)`, outputs 0 at padding, and the
            state unchanged there.
        stack: What the layer is made of.
        inputs: `(batch, time, features)`.
        state: One tensor `(num_layers * directions, batch, hidden)` for each part of the state.
        weights: As for `run`.
        lengths: `(batch,)` real steps of each row, or None where every step is real.

    Returns:
        The same as `run`.
    """
    import torch

    directions = 2 if stack.bidirectional else 1
    finals: list[State] = []
    for layer in range(stack.num_layers):
        if layer > 0 and stack.dropout > 0:
            inputs = torch.dropout(inputs, stack.dropout, stack.training)
        outputs = []
        for direction in range(directions):
            index = layer * directions + direction
            own = weights[index * stack.weights_per_scan : (index + 1) * stack.weights_per_scan]
            start = tuple(part[index] for part in state)
            output, final = scan(inputs, start, own, lengths, direction == 1)
            outputs.append(output)
            finals.append(final)
        inputs = (
            torch.cat(outputs, dim=2) if directions == 2 else outputs[0]
        )  # (batch, time, directions * hidden)
    return inputs, tuple(torch.stack(parts) for parts in zip(*finals, strict=True))


def _run_torch(stack: Stack, inputs: Tensor, state: State, weights: list[Tensor]) -> tuple[Tensor, State]:
    """Run torch's operator on a batch without padding."""
    outputs, *final = _operator(stack.kind)(
        inputs,
        state if stack.kind == "lstm" else state[0],
        weights,
        stack.bias,
        stack.num_layers,
        stack.dropout,
        stack.training,
        stack.bidirectional,
        True,
    )
    return outputs, tuple(final)


def _run_torch_packed(
    stack: Stack, inputs: Tensor, state: State, weights: list[Tensor], lengths: Tensor
) -> tuple[Tensor, State]:
    """Run torch's operator on a padded batch, rows of length zero included."""
    from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

    # Torch cannot pack a row without steps: such a row is given one, and its result is thrown away below.
    shortest = lengths.clamp(min=1).cpu()
    packed = pack_padded_sequence(inputs, shortest, batch_first=True, enforce_sorted=False)
    assert packed.sorted_indices is not None
    assert packed.unsorted_indices is not None
    start = tuple(part.index_select(1, packed.sorted_indices) for part in state)
    data, *final = _operator(stack.kind)(
        packed.data,
        packed.batch_sizes,
        start if stack.kind == "lstm" else start[0],
        weights,
        stack.bias,
        stack.num_layers,
        stack.dropout,
        stack.training,
        stack.bidirectional,
    )
    result = PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
    outputs, _ = pad_packed_sequence(result, batch_first=True, total_length=inputs.size(1))
    final = [part.index_select(1, packed.unsorted_indices) for part in final]
    empty = lengths.to(inputs.device) == 0
    outputs = outputs.masked_fill(empty[:, None, None], 0.0)
    pairs = zip(final, state, strict=True)
    return outputs, tuple(before.where(empty[None, :, None], after) for after, before in pairs)


def _operator(kind: str) -> Any:
    """Return torch's operator over time for this kind of cell."""
    import torch

    operators: dict[str, Any] = {
        "rnn_tanh": torch.rnn_tanh,
        "rnn_relu": torch.rnn_relu,
        "lstm": torch.lstm,
        "gru": torch.gru,
    }
    return operators[kind]
