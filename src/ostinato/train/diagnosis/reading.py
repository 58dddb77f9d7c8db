"""Reading one batch: run a model with its layers open, follow the loss back, look at every layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ostinato.data.batch import Batch
from ostinato.errors import ConfigError
from ostinato.nn import losses
from ostinato.nn.layer import RecurrentLayer
from ostinato.train.diagnosis.gradients import StateGradients, state_gradients
from ostinato.train.diagnosis.jacobians import JacobianReading, read_jacobians
from ostinato.train.diagnosis.recording import recording
from ostinato.train.diagnosis.scan import Call, Scan
from ostinato.train.diagnosis.units import UnitReading, read_units

Examples = Tensor | tuple[Tensor, Tensor] | Batch
Loss = Callable[[nn.Module, Any], Tensor]


@dataclass(frozen=True)
class LayerReading:
    """What was seen of one layer in one direction.

    Attributes:
        name: the module's name, then the layer and direction: `recurrent.l0`.
        cell: "RNN", "LSTM", "GRU".
        hidden_size: units.
        steps: steps of the batch.
        gradients: of the loss with respect to the state.
        jacobians: of the state over time.
        units: gates, dead and saturated units, recurrent weights.
    """

    name: str
    cell: str
    hidden_size: int
    steps: int
    gradients: StateGradients
    jacobians: JacobianReading
    units: UnitReading


@dataclass(frozen=True)
class Reading:
    """A batch that went through a model with its layers open.

    Attributes:
        loss: its value.
        layers: what was seen of each layer, in the order they ran.
    """

    loss: float
    layers: tuple[LayerReading, ...]


def read_model(model: nn.Module, examples: Examples, loss: Loss | None = None) -> Reading:
    """Run a batch through a model in evaluation mode and read its recurrent layers.

    Weights, their gradients, modes, hooks and random numbers are left as they were.

    Args:
        model: a torch module with recurrent layers, ours or torch's.
        examples: what the model takes: inputs, a pair of inputs and targets, or a `Batch`.
        loss: `loss(model, examples) -> scalar`. Without one: the mean squared error, or the cross-entropy where the
            targets are whole numbers; and for inputs alone half the mean square of the output.

    Returns:
        The reading.

    Raises:
        ConfigError: The model has no recurrent layer, the loss does not depend on one, or is not finite.
    """
    with opened(model, examples, loss) as (scalar, calls):
        gradients = state_gradients(scalar, calls)
        layers = tuple(_layer(scan, gradients[scan.name]) for call in calls for scan in call.scans)
        return Reading(scalar.item(), layers)


def read_gradients(
    model: nn.Module, examples: Examples, loss: Loss | None = None
) -> dict[str, StateGradients]:
    """The gradients of the states alone, by layer and direction; arguments and errors as for `read_model`."""
    with opened(model, examples, loss) as (scalar, calls):
        return state_gradients(scalar, calls)


@contextmanager
def opened(
    model: nn.Module, examples: Examples, loss: Loss | None = None
) -> Iterator[tuple[Tensor, list[Call]]]:
    """Run a batch through a model with its layers open; arguments and errors as for `read_model`.

    Yields:
        The loss with its graph, and the calls of the recurrent layers.
    """
    modes = {module: module.training for module in model.modules()}
    if not any(isinstance(module, (RecurrentLayer, nn.RNNBase)) for module in modes):
        raise ConfigError(
            f"{type(model).__name__} has no recurrent layer; give a model with an RNN, LSTM or GRU of "
            "torch.nn or ostinato.nn"
        )
    try:
        model.eval()
        with torch.random.fork_rng(), torch.enable_grad(), recording(model) as calls:
            scalar = (loss or default_loss)(model, examples)
        _check(scalar, calls)
        yield scalar, _longest(calls)
    finally:
        for module, training in modes.items():
            module.training = training


def default_loss(model: nn.Module, examples: Examples) -> Tensor:
    """The loss of a batch where the caller names none; see `read_model`."""
    if isinstance(examples, Tensor):
        return 0.5 * _first(model(examples)).square().mean()
    mask = examples.mask if isinstance(examples, Batch) else None
    inputs, targets = (examples.inputs, examples.targets) if isinstance(examples, Batch) else examples
    output = _first(model(inputs))
    if not targets.is_floating_point():
        return losses.cross_entropy(output, targets.long(), mask)
    if (
        output.dim() == targets.dim() + 1
        and output.size(1) == inputs.size(1)
        and targets.dim() < inputs.dim()
    ):
        output = output[:, -1] if output.shape[1:2] != targets.shape[1:2] else output.squeeze(-1)
    return losses.mse(output, targets, mask)


def _first(output: Any) -> Tensor:
    """The tensor that a model returns, or the first of several."""
    while isinstance(output, (tuple, list)) and output:
        output = output[0]
    if not isinstance(output, Tensor):
        raise ConfigError(
            f"the model returns {type(output).__name__}, not a tensor; pass loss=lambda model, batch: ... "
            "that returns a scalar"
        )
    return output


def _check(scalar: Any, calls: list[Call]) -> None:
    """Refuse what cannot be followed back."""
    if not isinstance(scalar, Tensor) or scalar.numel() != 1:
        shown = tuple(scalar.shape) if isinstance(scalar, Tensor) else type(scalar).__name__
        raise ConfigError(f"the loss is {shown}, not a scalar tensor; return its mean")
    if not calls:
        raise ConfigError(
            "the loss ran none of the model's recurrent layers; call the model itself, not a copy of it"
        )
    if not math.isfinite(scalar.item()):
        raise ConfigError(
            f"the loss of the batch is {scalar.item()}; look for missing or extreme values in it, or diagnose "
            "the model before its weights became so large"
        )
    if not scalar.requires_grad:
        raise ConfigError("the loss has no gradient; return it without detach, item or no_grad")


def _longest(calls: list[Call]) -> list[Call]:
    """One call a module: the longest, the last of these; in the order they were made."""
    chosen: dict[str, Call] = {}
    for call in calls:
        known = chosen.get(call.name)
        if known is None or call.scans[0].time >= known.scans[0].time:
            chosen[call.name] = call
    kept = list(chosen.values())
    return [call for call in calls if any(call is each for each in kept)]


def _layer(scan: Scan, gradients: StateGradients) -> LayerReading:
    return LayerReading(
        scan.name,
        type(scan.cell).__name__.removesuffix("Cell"),
        scan.cell.hidden_size,
        scan.time,
        gradients,
        read_jacobians(scan),
        read_units(scan),
    )
