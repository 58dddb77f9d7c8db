"""Seeing inside recurrent layers: for the time of one pass they keep what they held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from ostinato.errors import ConfigError
from ostinato.nn.cells import State
from ostinato.nn.layer import RecurrentLayer
from ostinato.nn.recurrent import LAYERS, RNN
from ostinato.train.diagnosis.running import run_seen
from ostinato.train.diagnosis.scan import Call


@contextmanager
def recording(model: nn.Module) -> Iterator[list[Call]]:
    """Let every recurrent layer of a model leave its calls in a list.

    Both ours and torch's `RNN`, `LSTM` and `GRU` are seen, whatever called them; the fused kernels run them where they
    can. Weights, modes and classes stay as they are. No gradient goes to the weights of what ran on the kernels.

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
    """Runs a layer in place of its `_run_batch`, and keeps the call."""

    def __init__(self, layer: RecurrentLayer, name: str, calls: list[Call]) -> None:
        self.layer = layer
        self.name = name
        self.calls = calls

    def __call__(self, inputs: Tensor, hx: State | None, lengths: Any) -> tuple[Tensor, State]:
        """Run `(batch, time, features)`; arguments and results as the layer's own."""
        if inputs.size(1) == 0:
            raise ConfigError(f"{self.name} was given a batch without steps; give at least one")
        real = torch.as_tensor([inputs.size(1)] * len(inputs) if lengths is None else lengths)
        call = run_seen(self.layer, self.name, inputs, hx, real.to(inputs.device))
        self.calls.append(call)
        return call.outputs, call.final


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
