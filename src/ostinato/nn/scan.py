"""Cells over time where no kernel computes them: looped step by step, or scanned, all steps at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ostinato import kernels
from ostinato.nn.cells import Cell, State

if TYPE_CHECKING:
    from ostinato.nn.layer import RecurrentLayer

BLOCK = 64
"""Steps scanned at once; logarithms summed over many more would lose digits."""
NOTHING = -1e4
"""The logarithm of what is written at padding: its exponential is 0, and it has no infinities to subtract."""


def run_cells(
    layer: RecurrentLayer,
    inputs: Tensor,
    state: State,
    lengths: Tensor | None = None,
    *,
    scanning: bool = True,
) -> tuple[Tensor, State]:
    """Run a recurrent layer by its cells, layer after layer and direction after direction.

    Args:
        layer: The layer whose weights are used; gradients flow back to them.
        inputs: `(batch, time, features)`.
        state: One tensor `(num_layers * directions, batch, width)` for each part of the state.
        lengths: `(batch,)` real steps of each row; every step is real where None.
        scanning: Whether cells that can be scanned are; otherwise all are looped.

    Returns:
        The outputs `(batch, time, directions * hidden)` and the final state, shaped as the given one.
    """

    def scan(
        inputs: Tensor, start: State, weights: Any, lengths: Tensor | None, reverse: bool
    ) -> tuple[Tensor, State]:
        cell = layer_cell(layer, inputs.size(2), weights)
        cell.draw_mask(start[0], layer.stack().active_recurrent_dropout)
        run = scan_cell if scanning and cell.scans else loop_cell
        return run(cell, inputs, start, lengths, reverse)

    weights: list[Tensor] = [weight for group in layer.all_weights for weight in group]
    return kernels.scan_stack(scan, layer.stack(), inputs, state, weights, lengths)


def layer_cell(layer: RecurrentLayer, input_size: int, weights: list[Tensor]) -> Cell:
    """Return a cell whose weights are the given tensors themselves, so that gradients reach them.

    Args:
        layer: The layer whose cell it is.
        input_size: Features of the inputs of this one layer of the stack.
        weights: The weights of one layer in one direction, in the order of `layer.all_weights`.

    Returns:
        The cell.
    """
    cell = layer.cell(input_size, layer.hidden_size, layer.bias, device="meta", **layer.cell_options())
    for name, weight in zip(layer.cell_weights(), weights, strict=True):
        delattr(cell, name)
        setattr(cell, name, weight)
    return cell.train(layer.training)


def loop_cell(
    cell: Cell,
    inputs: Tensor,
    state: State | None = None,
    lengths: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, State]:
    """Loop a cell over time, one step after the other.

    Args:
        cell: The cell.
        inputs: `(batch, time, features)`.
        state: The parts of the state, each `(batch, hidden)`; zeros where None.
        lengths: `(batch,)` real steps of each row; every step is real where None.
        reverse: Whether to go from each row's last real step to its first.

    Returns:
        The outputs `(batch, time, hidden)`, 0 at padding, and the state after the last real step.
    """
    state = cell.initial_state(inputs[:, 0]) if state is None else state
    real = None if lengths is None else _real_steps(inputs, lengths)  # (batch, time)
    parts = cell.input_part(_cleaned(inputs, real))
    outputs: list[Tensor] = []
    for step in reversed(range(inputs.size(1))) if reverse else range(inputs.size(1)):
        output, after = cell.advance(parts[:, step], state)
        if real is None:
            state = after
        else:
            now = real[:, step : step + 1]  # (batch, 1)
            output = torch.where(now, output, 0.0)
            state = tuple(torch.where(now, new, old) for new, old in zip(after, state, strict=True))
        outputs.append(output)
    return torch.stack(outputs[::-1] if reverse else outputs, dim=1), state


def scan_cell(
    cell: Cell, inputs: Tensor, state: State, lengths: Tensor | None = None, reverse: bool = False
) -> tuple[Tensor, State]:
    """Run a cell that is linear in its state over all steps at once; arguments and results as for `loop_cell`."""
    real = None if lengths is None else _real_steps(inputs, lengths)
    keep, write = cell.coefficients(cell.input_part(_cleaned(inputs, real)))  # each (batch, time, hidden)
    if real is not None:  # padding keeps the state and writes nothing
        keep = keep.masked_fill(~real.unsqueeze(2), 0.0)
        write = write.masked_fill(~real.unsqueeze(2), NOTHING)
    if reverse:
        keep, write = keep.flip(1), write.flip(1)
    outputs = scan_logarithms(keep, write, state[0])
    final = outputs[:, -1]
    outputs = outputs.flip(1) if reverse else outputs
    return outputs if real is None else outputs.masked_fill(~real.unsqueeze(2), 0.0), (final,)


def scan_logarithms(keep: Tensor, write: Tensor, start: Tensor) -> Tensor:
    """Compute `h_t = exp(keep_t) * h_{t-1} + exp(write_t)` for all steps at once.

    With `K_t` the sum of `keep` up to `t`, `h_t = exp(K_t) * start + exp(K_t + log sum_s exp(write_s - K_s))`.

    Args:
        keep: `(batch, time, hidden)`, at most 0.
        write: `(batch, time, hidden)`.
        start: `(batch, hidden)`, of any sign.

    Returns:
        `(batch, time, hidden)`.

    References:
        Heinsen (2023), Efficient parallelization of a ubiquitous sequential computation, eqs. 5-7,
        https://arxiv.org/abs/2311.06281.
    """
    outputs: list[Tensor] = []
    for kept, written in zip(torch.split(keep, BLOCK, dim=1), torch.split(write, BLOCK, dim=1), strict=True):
        total = kept.cumsum(dim=1)
        fresh = (total + torch.logcumsumexp(written - total, dim=1)).exp()
        outputs.append(total.exp() * start.unsqueeze(1) + fresh)
        start = outputs[-1][:, -1]
    return torch.cat(outputs, dim=1)


def _real_steps(inputs: Tensor, lengths: Tensor) -> Tensor:
    """Return which steps are no padding, `(batch, time)`."""
    return torch.arange(inputs.size(1), device=inputs.device) < lengths.to(inputs.device).unsqueeze(1)


def _cleaned(inputs: Tensor, real: Tensor | None) -> Tensor:
    """Return the inputs with zeros at padding, whose values must not reach a gradient."""
    return inputs if real is None else inputs.masked_fill(~real.unsqueeze(2), 0.0)
