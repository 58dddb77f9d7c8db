"""A language network one token at a time, its state carried: on NumPy arrays, or for rarer cells on torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ostinato.kernels.stepper import Stepper

if TYPE_CHECKING:
    from ostinato.tasks.generate.language_network import LanguageNetwork

Floats = NDArray[np.float32]
KINDS = {"lstm": "lstm", "gru": "gru", "rnn": "rnn_tanh"}
"""Cells that step on NumPy arrays, and the kernels' names for them."""
_WEIGHTS = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


class TokenStepper(Protocol):
    """Whatever reads a token at a time, in constant time and memory."""

    @property
    def state(self) -> tuple[Floats, ...]:
        """The parts of the state; write into them to go to another state."""
        ...

    def step(self, token: int) -> Floats:
        """Read a token and return the scores of the next one, `(tokens,)`."""
        ...


class LanguageStepper:
    """Runs a trained `LanguageNetwork` on NumPy arrays, without torch.

    Args:
        weights: the network's weights by name, as its `state_dict` has them.
        cell: a name in `KINDS`.
        num_layers: recurrent layers.
        condition: number of the condition, where the network has such.
    """

    def __init__(
        self, weights: Mapping[str, Any], *, cell: str, num_layers: int, condition: int | None = None
    ) -> None:
        self._vectors: Floats = weights["tokens.weight"]
        self._condition: Floats | None = (
            None if condition is None else weights["conditions.weight"][condition]
        )
        self._output: Floats = weights["scores.weight"]
        self._bias: Floats = weights["scores.bias"]
        layers = [
            weights[f"encoder.layers.{number}.{name}"] for number in range(num_layers) for name in _WEIGHTS
        ]
        self._stepper = Stepper(KINDS[cell], layers, batch=1)

    @property
    def state(self) -> tuple[Floats, ...]:
        """The parts of the state, `(num_layers, 1, hidden)` each; write into them to go to another state."""
        return self._stepper.state

    def step(self, token: int) -> Floats:
        """Read a token.

        Args:
            token: its number.

        Returns:
            The scores of the next token, `(tokens,)`.
        """
        x = self._vectors[token]
        if self._condition is not None:
            x = np.concatenate([x, self._condition])
        hidden = self._stepper.step(x[None])[0]
        scores: Floats = self._output @ hidden + self._bias
        return scores


class NetworkStepper:
    """Runs a trained `LanguageNetwork` on torch, whatever its cell.

    Args:
        network: the network.
        condition: number of the condition, where the network has such.
    """

    def __init__(self, network: LanguageNetwork, condition: int | None = None) -> None:
        import torch

        self._network = network.eval()
        self._condition = None if condition is None else torch.tensor([condition])
        with torch.no_grad():
            _, self._state = network(torch.zeros(1, 1, dtype=torch.int64), conditions=self._condition)
        for part in self._state:
            part.zero_()

    @property
    def state(self) -> tuple[Floats, ...]:
        """The parts of the state; write into them to go to another state."""
        return tuple(part.numpy() for part in self._state)

    def step(self, token: int) -> Floats:
        """Read a token and return the scores of the next one, `(tokens,)`."""
        import torch

        with torch.no_grad():
            scores, self._state = self._network(
                torch.tensor([[token]]), state=self._state, conditions=self._condition
            )
        found: Floats = scores[0, 0].numpy()
        return found
