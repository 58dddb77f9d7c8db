"""The paths that torch's own operators compute: other devices and types, and shapes on which they are faster.

`scan_stack` builds stacks, directions and dropout around any function that carries one layer in one direction
over time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ostinato.kernels.stack import Stack

if TYPE_CHECKING:
    from torch import Tensor

    from ostinato.kernels.stack import Scan, State


def run_torch(
    stack: Stack, inputs: Tensor, state: State, weights: list[Tensor], lengths: Tensor | None
) -> tuple[Tensor, State]:
    """Run a recurrent layer by torch's operators; arguments and results as for `kernels.run`."""
    if stack.active_recurrent_dropout > 0:
        return run_masked(stack, inputs, state, weights, lengths)
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

    directions = stack.directions
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
        inputs = torch.cat(outputs, dim=2)  # (batch, time, directions * hidden)
    return inputs, tuple(torch.stack(parts) for parts in zip(*finals, strict=True))


def run_masked(
    stack: Stack, inputs: Tensor, state: State, weights: list[Tensor], lengths: Tensor | None
) -> tuple[Tensor, State]:
    """Run step by step with recurrent dropout, which torch's operators do not know."""
    import torch

    kept = 1.0 - stack.active_recurrent_dropout

    def scan(
        inputs: Tensor, start: State, weights: Sequence[Tensor], lengths: Tensor | None, reverse: bool
    ) -> tuple[Tensor, State]:
        mask = torch.bernoulli(torch.full_like(start[0], kept)) / max(kept, 1e-12)
        return scan_masked(stack.kind, mask, inputs, start, weights, lengths, reverse)

    return scan_stack(scan, stack, inputs, state, weights, lengths)


def scan_masked(
    kind: str,
    mask: Tensor,
    inputs: Tensor,
    state: State,
    weights: Sequence[Tensor],
    lengths: Tensor | None,
    reverse: bool,
) -> tuple[Tensor, State]:
    """Carry one layer in one direction over time, with a mask on the hidden state that enters the gates.

    Args:
        kind: As in `Stack`.
        mask: `(batch, hidden)`, multiplies h before its matrix product; h itself is carried unmasked.
        inputs: `(batch, time, features)`.
        state: Each part `(batch, hidden)`.
        weights: `weight_ih, weight_hh` and, with biases, `bias_ih, bias_hh`.
        lengths: `(batch,)` real steps of each row, or None.
        reverse: Whether to go back in time.

    Returns:
        The outputs `(batch, time, hidden)`, 0 at padding, and the state after each row's last real step.
    """
    import torch

    bias_ih, bias_hh = (weights[2], weights[3]) if len(weights) > 2 else (None, None)
    of_inputs = torch.nn.functional.linear(inputs, weights[0], bias_ih)  # (batch, time, gates * hidden)
    time = inputs.size(1)
    outputs: list[Tensor] = []
    for step in reversed(range(time)) if reverse else range(time):
        of_state = torch.nn.functional.linear(state[0] * mask, weights[1], bias_hh)
        after = _step(kind, of_inputs[:, step], of_state, state)
        if lengths is not None:
            real = (step < lengths).unsqueeze(1)  # (batch, 1)
            outputs.append(after[0].where(real, 0.0))
            state = tuple(new.where(real, old) for new, old in zip(after, state, strict=True))
        else:
            outputs.append(after[0])
            state = after
    return torch.stack(outputs[::-1] if reverse else outputs, dim=1), state


def _step(kind: str, of_inputs: Tensor, of_state: Tensor, state: State) -> State:
    """Return the state after one step, from the two sides of the sums before the gates."""
    if kind == "lstm":
        i, f, g, o = (of_inputs + of_state).chunk(4, dim=1)
        c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c
    if kind == "gru":
        (r_x, z_x, n_x), (r_h, z_h, n_h) = of_inputs.chunk(3, dim=1), of_state.chunk(3, dim=1)
        r, z = (r_x + r_h).sigmoid(), (z_x + z_h).sigmoid()
        n = (n_x + r * n_h).tanh()
        return (n + z * (state[0] - n),)
    total = of_inputs + of_state
    return (total.tanh() if kind == "rnn_tanh" else total.relu(),)


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
