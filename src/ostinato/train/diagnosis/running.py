"""Running a recurrent layer so that its states can be seen: by the fused kernels, or step by step on its cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ostinato import kernels
from ostinato.nn.cells import Cell, State
from ostinato.nn.layer import RecurrentLayer
from ostinato.nn.reference import layer_cell
from ostinato.train.diagnosis.scan import Call, Scan


def run_seen(layer: RecurrentLayer, name: str, inputs: Tensor, hx: State | None, lengths: Tensor) -> Call:
    """Run a layer by the kernels where they can, otherwise step by step.

    Args:
        layer: the layer.
        name: what to call it.
        inputs: (batch, time, features), at least one step.
        hx: the state before the first step; None for zeros.
        lengths: (batch,) real steps of each row.

    Returns:
        The call.
    """
    start = layer._start(inputs) if hx is None else hx
    # A state that asks for its gradient carries the graph through layers whose weights are frozen.
    start = tuple(part if part.requires_grad else part.detach().requires_grad_() for part in start)
    fused = _run_fused(layer, name, inputs, start, lengths) if layer.kernel is not None else None
    return fused or _run_stepwise(layer, name, inputs, start, lengths)


def _run_fused(
    layer: RecurrentLayer, name: str, inputs: Tensor, start: State, lengths: Tensor
) -> Call | None:
    """Run by the kernels, whose way back sees the gradient of every state; None where they cannot."""
    from ostinato.kernels.trace import run_traced

    weights = _weights(layer)
    whole = bool((lengths == inputs.size(1)).all())
    if len(inputs) == 0:
        return None
    found = run_traced(layer.stack(), inputs, start, weights, None if whole else lengths)
    if found is None:
        return None
    outputs, final, trace = found
    scans: list[Scan] = []
    below = inputs.detach()
    for number in range(layer.num_layers):
        width = below.size(2)
        for direction in range(layer.directions):
            index = number * layer.directions + direction
            scans.append(
                Scan(
                    _scan_name(name, number, direction),
                    partial(_cell, layer, width, weights, index),
                    below,
                    tuple(part[index] for part in start),
                    partial(trace.states, index),
                    lengths,
                    direction == 1,
                )
            )
        if number + 1 < layer.num_layers:
            above = torch.cat([scan.after()[0] for scan in scans[-layer.directions :]], dim=2)
            below = torch.where(scans[-1].real[..., None], above, 0.0)
    return Call(name, scans, outputs, final, list(start), lambda _: list(trace.take_norms().double()))


def _run_stepwise(layer: RecurrentLayer, name: str, inputs: Tensor, start: State, lengths: Tensor) -> Call:
    """Run step by step on the layer's cells, every state part of the graph."""
    scans: list[Scan] = []
    states: list[list[State]] = []

    def scan(
        inputs: Tensor, start: State, weights: Any, _: Tensor | None, reverse: bool
    ) -> tuple[Tensor, State]:
        shown = _scan_name(name, len(scans) // layer.directions, int(reverse))
        cell = layer_cell(layer, inputs.size(2), weights).train(layer.training)
        outputs, final, after = _loop(cell, inputs, start, lengths, reverse)
        states.append(after)
        scans.append(
            Scan(shown, lambda: cell, inputs.detach(), start, lambda: _joined(after), lengths, reverse)
        )
        return outputs, final

    outputs, final = kernels.scan_stack(scan, layer.stack(), inputs, start, _weights(layer), None)
    handles = [part for after in states for state in after for part in state]
    return Call(name, scans, outputs, final, handles, lambda gradients: _norms(gradients, states))


def _loop(
    cell: Cell, inputs: Tensor, state: State, lengths: Tensor, reverse: bool
) -> tuple[Tensor, State, list[State]]:
    """Loop a cell over time as `nn.reference.loop_cell` does, and keep the state after each step, by time."""
    time = inputs.size(1)
    whole = bool((lengths == time).all())
    outputs: list[Tensor] = []
    states: list[State] = []
    for step in reversed(range(time)) if reverse else range(time):
        shown, raw = cell.step(inputs[:, step], state)
        # Aliases, so that the gradient of c is that of what follows the step, without its own way into h.
        after = tuple(part.view_as(part) for part in raw)
        output = after[0] if shown is raw[0] else shown
        states.append(after)
        if whole:
            outputs.append(output)
            state = after
        else:
            real = (step < lengths).unsqueeze(1)  # (batch, 1)
            outputs.append(torch.where(real, output, 0.0))
            state = tuple(torch.where(real, new, old) for new, old in zip(after, state, strict=True))
    if reverse:
        outputs.reverse()
        states.reverse()
    return torch.stack(outputs, dim=1), state, states


def _norms(gradients: Sequence[Tensor | None], states: list[list[State]]) -> list[Tensor]:
    """The norm over all parts of the state after each step, (batch, time) for each scan."""
    result, place = [], 0
    for after in states:
        steps = []
        for state in after:
            parts = gradients[place : place + len(state)]
            place += len(state)
            squares = [part.double().square().sum(dim=1) for part in parts if part is not None]
            none = torch.zeros(len(state[0]), dtype=torch.float64, device=state[0].device)
            steps.append(torch.stack([none, *squares]).sum(dim=0).sqrt())
        result.append(torch.stack(steps, dim=1))
    return result


def _joined(states: list[State]) -> State:
    """The states after each step as parts (batch, time, hidden), without gradient."""
    return tuple(torch.stack(parts, dim=1).detach() for parts in zip(*states, strict=True))


def _weights(layer: RecurrentLayer) -> list[Tensor]:
    """The weights of every layer and direction, one after the other."""
    return [weight for group in layer.all_weights for weight in group]


def _cell(layer: RecurrentLayer, width: int, weights: list[Tensor], index: int) -> Cell:
    """The cell of one layer and direction, on the layer's own weights."""
    each = len(weights) // (layer.num_layers * layer.directions)
    return layer_cell(layer, width, weights[index * each : (index + 1) * each]).train(layer.training)


def _scan_name(name: str, layer: int, direction: int) -> str:
    return f"{name}.l{layer}" + (".reverse" if direction else "")
