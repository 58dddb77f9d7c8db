"""Seeing inside recurrent layers: for the time of one pass they run step by step and keep what they saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ostinato import kernels
from ostinato.errors import ConfigError
from ostinato.nn.cells import Cell, State
from ostinato.nn.layer import RecurrentLayer
from ostinato.nn.recurrent import LAYERS, RNN
from ostinato.nn.reference import layer_cell


@dataclass(eq=False)
class Scan:
    """One layer in one direction over the steps of one call.

    Attributes:
        name: the module's name, then the layer and direction: `recurrent.l0`, `encoder.l1.reverse`.
        cell: the cell, with the layer's own weights.
        inputs: (batch, time, features).
        start: the state before the first step, parts (batch, hidden).
        states: the state after each step, by time; parts (batch, hidden), each part of the graph.
        lengths: (batch,) real steps of each row.
        reverse: whether it went back in time.
    """

    name: str
    cell: Cell
    inputs: Tensor
    start: State
    states: list[State]
    lengths: Tensor
    reverse: bool

    @property
    def time(self) -> int:
        """Steps of the call, padding included."""
        return len(self.states)

    @property
    def real(self) -> Tensor:
        """Which steps are real: (batch, time)."""
        steps = torch.arange(self.time, device=self.lengths.device)
        return steps < self.lengths[:, None]

    def after(self) -> State:
        """The state after each step, without gradient: parts (batch, time, hidden)."""
        return tuple(torch.stack(parts, dim=1).detach() for parts in zip(*self.states, strict=True))

    def before(self) -> State:
        """The state before each step, without gradient: parts (batch, time, hidden)."""
        parts = []
        for first, after in zip(self.start, self.after(), strict=True):
            opening = first.detach()[:, None]
            joined = (after[:, 1:], opening) if self.reverse else (opening, after[:, :-1])
            parts.append(torch.cat(joined, dim=1))
        return tuple(parts)


@dataclass(eq=False)
class Call:
    """One call of a recurrent layer.

    Attributes:
        name: the module's name in the model, or its class where it is the model.
        scans: its layers and directions, in the order they ran.
        outputs: (batch, time, directions * hidden).
        final: the state it returned, parts (layers * directions, batch, hidden).
    """

    name: str
    scans: list[Scan]
    outputs: Tensor
    final: State


@contextmanager
def recording(model: nn.Module) -> Iterator[list[Call]]:
    """Let every recurrent layer of a model run step by step and leave its calls in a list.

    Both ours and torch's `RNN`, `LSTM` and `GRU` are seen, whatever called them. Weights, modes and classes stay as
    they are, and after the block the layers run on the fused kernels again.

    Args:
        model: any torch module.

    Yields:
        The calls, in the order they were made; empty where the model has no such layer.
    """
    calls: list[Call] = []
    with ExitStack() as undo:
        for name, module in model.named_modules():
            shown = name or type(module).__name__
            if isinstance(module, RecurrentLayer):
                undo.enter_context(_replaced(module, "_run_batch", _Recorder(module, shown, calls)))
            elif isinstance(module, nn.RNNBase):
                twin = _twin(module)
                undo.enter_context(_replaced(twin, "_run_batch", _Recorder(twin, shown, calls)))
                undo.enter_context(_replaced(module, "forward", twin.forward))
        yield calls


class _Recorder:
    """Runs a layer step by step in place of its `_run_batch`."""

    def __init__(self, layer: RecurrentLayer, name: str, calls: list[Call]) -> None:
        self.layer = layer
        self.name = name
        self.calls = calls

    def __call__(self, inputs: Tensor, hx: State | None, lengths: Any) -> tuple[Tensor, State]:
        """Run `(batch, time, features)`; arguments and results as the layer's own."""
        layer, scans = self.layer, list[Scan]()
        if inputs.size(1) == 0:
            raise ConfigError(f"{self.name} was given a batch without steps; give at least one")
        real = torch.as_tensor([inputs.size(1)] * len(inputs) if lengths is None else lengths)
        real = real.to(inputs.device)

        def scan(
            inputs: Tensor, start: State, weights: Any, _: Tensor | None, reverse: bool
        ) -> tuple[Tensor, State]:
            number = len(scans) // layer.directions
            name = f"{self.name}.l{number}" + (".reverse" if reverse else "")
            cell = layer_cell(layer, inputs.size(2), weights).train(layer.training)
            outputs, final, record = _run(name, cell, inputs, start, real, reverse)
            scans.append(record)
            return outputs, final

        start = layer._start(inputs) if hx is None else hx
        weights: list[Tensor] = [weight for group in layer.all_weights for weight in group]
        outputs, final = kernels.scan_stack(scan, layer.stack(), inputs, start, weights, None)
        self.calls.append(Call(self.name, scans, outputs, final))
        return outputs, final


def _run(
    name: str, cell: Cell, inputs: Tensor, start: State, lengths: Tensor, reverse: bool
) -> tuple[Tensor, State, Scan]:
    """Loop a cell over time as `nn.reference.loop_cell` does, and keep the state after each step."""
    time = inputs.size(1)
    # A state that asks for its gradient carries the graph through layers whose weights are frozen.
    state = tuple(part if part.requires_grad else part.detach().requires_grad_() for part in start)
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
    record = Scan(name, cell, inputs.detach(), start, states, lengths, reverse)
    return torch.stack(outputs, dim=1), state, record


def _twin(layer: nn.RNNBase) -> RecurrentLayer:
    """A layer of ours that holds the very weights of a torch.nn layer."""
    kind, _, nonlinearity = layer.mode.lower().partition("_")
    options: dict[str, Any] = {"nonlinearity": nonlinearity} if nonlinearity else {}
    if layer.proj_size > 0:
        options["proj_size"] = layer.proj_size
    twin = cast("type[RNN]", LAYERS[kind])(
        layer.input_size,
        layer.hidden_size,
        layer.num_layers,
        bias=layer.bias,
        batch_first=layer.batch_first,
        bidirectional=layer.bidirectional,
        device="meta",
        **options,
    )
    twin.dropout = layer.dropout
    for name, weight in layer.named_parameters(recurse=False):
        setattr(twin, name, weight)
    return twin.train(layer.training)


@contextmanager
def _replaced(module: nn.Module, name: str, value: Callable[..., Any]) -> Iterator[None]:
    """Give one module an attribute of its own for a while, over that of its class."""
    before = module.__dict__.get(name)
    module.__dict__[name] = value
    try:
        yield
    finally:
        if before is None:
            del module.__dict__[name]
        else:
            module.__dict__[name] = before
