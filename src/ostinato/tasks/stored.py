"""A trained network read from a file: it answers on NumPy arrays, and is made a torch module only on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.kernels import forward_numpy, library, native
from ostinato.tasks.forecasting.fitting import Member
from ostinato.tasks.forecasting.plan import Plan

if TYPE_CHECKING:
    from ostinato.tasks.forecasting.network import ForecastNetwork

Values = NDArray[np.float64]
Features = NDArray[np.float32]

KINDS = {"lstm": "lstm", "gru": "gru", "rnn": "rnn_tanh"}
"""Cells that have a kernel, and its name."""


@dataclass(frozen=True)
class StoredMember:
    """One trained network of a model file; the twin of `Member`.

    Attributes:
        plan: sizes and cell of the network.
        seed: what it was trained with.
        history: what the training went through.
        arrays: its weights by name.
    """

    plan: Plan
    seed: int
    history: dict[str, Any]
    arrays: Mapping[str, NDArray[Any]] = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse weights that do not fit the plan.

        Raises:
            ValueError, RuntimeError: they do not.
        """
        if not self._on_arrays:
            _ = self.network
            return
        shapes = {name: array.shape for name, array in self.arrays.items()}
        if shapes != self._shapes():
            raise ValueError(f"the weights have the shapes {shapes} and the network has {self._shapes()}")

    @cached_property
    def network(self) -> ForecastNetwork:
        """The network as a torch module, ready to predict.

        Raises:
            RuntimeError: the weights do not fit the plan.
        """
        import torch

        from ostinato.tasks.forecasting.network import ForecastNetwork

        network = ForecastNetwork(self.plan)
        network.load_state_dict(
            {name: torch.from_numpy(np.array(array)) for name, array in self.arrays.items()}
        )
        return network.eval()

    def weights(self) -> Mapping[str, Any]:
        """Its weights by name."""
        return self.arrays

    def answer(self, features: Features, ahead: Features | None) -> Values:
        """What the network answers to windows; see `Member.answer`."""
        if not self._on_arrays or ahead is not None:
            return Member(self.network, self.seed, self.history).answer(features, ahead)
        layers = self.plan.recipe.num_layers
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        recurrent = [self.arrays[f"recurrent.{name}_l{layer}"] for layer in range(layers) for name in names]
        states, _ = forward_numpy(KINDS[self.plan.cell], features, recurrent, num_layers=layers)
        weight, bias = self.arrays["head.linear.weight"], self.arrays["head.linear.bias"]
        raw = (states[:, -1] @ weight.T + bias).astype(np.float64)
        return in_order(raw.reshape(len(raw), self.plan.horizon, self.plan.answers))

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the weights by name."""
        hidden = self.plan.recipe.hidden_size
        rows = native.GATES[KINDS[self.plan.cell]] * hidden
        shapes: dict[str, tuple[int, ...]] = {
            "head.linear.weight": (self.plan.horizon * self.plan.answers, hidden),
            "head.linear.bias": (self.plan.horizon * self.plan.answers,),
        }
        for layer in range(self.plan.recipe.num_layers):
            below = hidden if layer else self.plan.features
            shapes |= {
                f"recurrent.weight_ih_l{layer}": (rows, below),
                f"recurrent.weight_hh_l{layer}": (rows, hidden),
                f"recurrent.bias_ih_l{layer}": (rows,),
                f"recurrent.bias_hh_l{layer}": (rows,),
            }
        return shapes

    @property
    def _on_arrays(self) -> bool:
        """Whether kernels compute all of the network."""
        return self.plan.cell in KINDS and not self.plan.ahead and library.load() is not None


def in_order(raw: Values) -> Values:
    """What `QuantileHead` makes of its dense output (windows, horizon, levels); one level stays as it is."""
    middle = raw.shape[2] // 2
    base = raw[..., middle, None]
    above = np.logaddexp(0.0, raw[..., middle + 1 :]).cumsum(axis=-1)  # the sum of softplus
    below = np.logaddexp(0.0, raw[..., :middle])[..., ::-1].cumsum(axis=-1)[..., ::-1]
    return np.concatenate([base - below, base, base + above], axis=-1)
