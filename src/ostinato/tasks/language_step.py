"""A language network one token at a time, on NumPy arrays: its state is carried, and torch is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.kernels.stepper import Stepper

Floats = NDArray[np.float32]
_KINDS = {"lstm": "lstm", "gru": "gru", "rnn": "rnn_tanh"}
_WEIGHTS = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


class LanguageStepper:
    """Runs a trained `LanguageNetwork` in constant time and memory a token.

    Args:
        weights: the network's weights by name, as its `state_dict` has them.
        cell: "lstm", "gru" or "rnn".
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
        self._stepper = Stepper(_KINDS[cell], layers, batch=1)

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
