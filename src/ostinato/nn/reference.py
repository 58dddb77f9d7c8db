"""The slow, obvious reference: cells looped over time. Every fast path must agree with it."""

from typing import Any

import torch
from torch import Tensor

from ostinato import kernels
from ostinato.nn.cells import Cell, State
from ostinato.nn.layer import RecurrentLayer
from ostinato.nn.recurrent import RNN


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
    batch, time, _ = inputs.shape
    state = cell.initial_state(inputs[:, 0]) if state is None else state
    lengths = torch.full((batch,), time) if lengths is None else lengths
    outputs: list[Tensor] = []
    for step in reversed(range(time)) if reverse else range(time):
        output, after = cell.step(inputs[:, step], state)
        real = (step < lengths).unsqueeze(1)  # (batch, 1)
        outputs.append(torch.where(real, output, 0.0))
        state = tuple(torch.where(real, new, old) for new, old in zip(after, state, strict=True))
    return torch.stack(outputs[::-1] if reverse else outputs, dim=1), state


def loop_layer(
    layer: RecurrentLayer, inputs: Tensor, state: State, lengths: Tensor | None = None
) -> tuple[Tensor, State]:
    """Run a recurrent layer by looping its cells, layer after layer and direction after direction.

    Args:
        layer: The layer whose weights are used; gradients flow back to them.
        inputs: `(batch, time, features)`.
        state: One tensor `(num_layers * directions, batch, hidden)` for each part of the state.
        lengths: `(batch,)` real steps of each row; every step is real where None.

    Returns:
        The outputs `(batch, time, directions * hidden)` and the final state, shaped as the given one.
    """

    def scan(
        inputs: Tensor, start: State, weights: Any, lengths: Tensor | None, reverse: bool
    ) -> tuple[Tensor, State]:
        cell = layer_cell(layer, inputs.size(2), weights)
        return loop_cell(cell, inputs, start, lengths, reverse)

    weights: list[Tensor] = [weight for group in layer.all_weights for weight in group]
    return kernels.scan_stack(scan, layer.stack(), inputs, state, weights, lengths)


def layer_cell(layer: RecurrentLayer, input_size: int, weights: list[Tensor]) -> Cell:
    """Return a cell whose weights are the given tensors themselves, so that gradients reach them.

    Args:
        layer: The layer whose cell it is.
        input_size: Features of the inputs of this one layer of the stack.
        weights: The weights of one layer in one direction, in torch's order.

    Returns:
        The cell.
    """
    options: dict[str, Any] = {"nonlinearity": layer.nonlinearity} if isinstance(layer, RNN) else {}
    if layer.proj_size > 0:
        options["proj_size"] = layer.proj_size
    cell = layer.cell(input_size, layer.hidden_size, layer.bias, device="meta", **options)
    names = ["weight_ih", "weight_hh"] + (["bias_ih", "bias_hh"] if layer.bias else [])
    names += ["weight_hr"] if layer.proj_size > 0 else []
    for name, weight in zip(names, weights, strict=True):
        delattr(cell, name)
        setattr(cell, name, weight)
    return cell
