"""Recurrent layers one step at a time on NumPy arrays, their state carried from call to call, without torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, final

from ostinato.errors import ConfigError
from ostinato.kernels import library as libraries
from ostinato.kernels import native

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float32]]


@final
class Stepper:
    """A stack of recurrent layers that carries its state: weights are packed once, memory is taken once.

    Where the kernels were not built, the same formulas run in NumPy.

    Args:
        kind: `"rnn_tanh"`, `"rnn_relu"`, `"lstm"` or `"gru"`.
        weights: `weight_ih, weight_hh, bias_ih, bias_hh` of each layer, shaped as torch has them.
        batch: Rows that step together.

    Attributes:
        state: One array `(num_layers, batch, hidden)` for each part of the state. Write into them to move the
            stepper to another state.

    Raises:
        ConfigError: if the kind is not known or shapes do not fit each other.

    Examples:
        >>> import numpy as np
        >>> weights = [np.zeros((12, 2)), np.zeros((12, 3)), np.zeros(12), np.zeros(12)]
        >>> stepper = Stepper("lstm", weights, batch=5)
        >>> stepper.step(np.ones((5, 2), dtype=np.float32)).shape
        (5, 3)
    """

    def __init__(self, kind: str, weights: Sequence[Floats], *, batch: int) -> None:
        import numpy as np

        if kind not in native.KINDS:
            raise ConfigError(f"kind is {kind!r}; use one of {', '.join(native.KINDS)}")
        self._weights = [np.array(weight, dtype=np.float32, order="C") for weight in weights]
        self._check(kind, batch)
        self.kind = kind
        self.batch = batch
        self.num_layers = len(weights) // 4
        self.input_size = self._weights[0].shape[1]
        self.hidden_size = self._weights[1].shape[1]
        shape = (self.num_layers, batch, self.hidden_size)
        self.state = tuple(np.zeros(shape, dtype=np.float32) for _ in range(2 if kind == "lstm" else 1))
        self._x = np.zeros((batch, 1, self.input_size), dtype=np.float32)
        self._y = np.zeros((batch, 1, self.hidden_size), dtype=np.float32)
        self._advance = self._prepare()

    def step(self, x: Floats) -> Floats:
        """Advance by one step.

        Args:
            x: `(batch, input)`.

        Returns:
            `(batch, hidden)`: the output of the last layer, which the next step overwrites.
        """
        self._x[:, 0] = x
        self._advance()
        output: Floats = self._y[:, 0]
        return output

    def __getstate__(self) -> tuple[str, list[Floats], int, tuple[Floats, ...]]:
        """What a copy is made of: the prepared call holds addresses, and is prepared anew."""
        return self.kind, self._weights, self.batch, self.state

    def __setstate__(self, saved: tuple[str, list[Floats], int, tuple[Floats, ...]]) -> None:
        """Make the copy."""
        kind, weights, batch, state = saved
        self.__init__(kind, weights, batch=batch)  # the one way to take memory and prepare
        for own, part in zip(self.state, state, strict=True):
            own[:] = part

    def _check(self, kind: str, batch: int) -> None:
        """Check that everything has the shape that the kernels will read, since they cannot."""
        weights = self._weights
        if batch < 1 or not weights or len(weights) % 4 or weights[1].ndim != 2:
            raise ConfigError(
                f"there are {len(weights)} weights for a batch of {batch}; use 4 for each layer, and at least 1 row"
            )
        hidden = weights[1].shape[1]
        rows = native.GATES[kind] * hidden
        for layer in range(len(weights) // 4):
            below = weights[0].shape[-1] if layer == 0 else hidden
            expected = [(rows, below), (rows, hidden), (rows,), (rows,)]
            shapes = [weight.shape for weight in weights[4 * layer : 4 * layer + 4]]
            if shapes != expected:
                raise ConfigError(f"the weights of layer {layer} have the shapes {shapes}; use {expected}")

    def _prepare(self) -> Callable[[], None]:
        """Return what advances the state by one step: a call of the kernels, prepared once, or NumPy."""
        import numpy as np

        library = libraries.load()
        if library is None:
            return self._step_arrays
        problem = native.Problem(
            native.KINDS[self.kind], self.batch, 1, self.input_size, self.hidden_size, self.num_layers, 1, 1,
            1, 0, 0.0, 0.0, None,
        )  # fmt: skip
        packed = np.empty(native.pack_size(library, problem, False), dtype=np.float32)
        native.pack(library, problem, self._weights, False, packed)
        h, c = self.state[0], self.state[1] if len(self.state) > 1 else None
        # The kernels read the state of a row before they write it, so both may lie in one place.
        return native.prepare_forward(library, problem, (self._x, self._y), packed, (h, c, h, c))

    def _step_arrays(self) -> None:
        """Advance by the formulas of the cells, layer after layer."""
        x = self._x[:, 0]
        for layer in range(self.num_layers):
            w_ih, w_hh, b_ih, b_hh = self._weights[4 * layer : 4 * layer + 4]
            own = tuple(part[layer] for part in self.state)
            after = _STEPS[self.kind](x @ w_ih.T + b_ih, own[0] @ w_hh.T + b_hh, own)
            for part, new in zip(own, after, strict=True):
                part[:] = new
            x = own[0]
        self._y[:, 0] = x


def _lstm(of_x: Floats, of_h: Floats, state: tuple[Floats, ...]) -> tuple[Floats, ...]:
    import numpy as np

    i, f, g, o = np.split(of_x + of_h, 4, axis=1)
    c = _sigmoid(f) * state[1] + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(c), c


def _gru(of_x: Floats, of_h: Floats, state: tuple[Floats, ...]) -> tuple[Floats, ...]:
    import numpy as np

    (r_x, z_x, n_x), (r_h, z_h, n_h) = np.split(of_x, 3, axis=1), np.split(of_h, 3, axis=1)
    z = _sigmoid(z_x + z_h)
    n = np.tanh(n_x + _sigmoid(r_x + r_h) * n_h)
    return ((1 - z) * n + z * state[0],)


def _rnn_tanh(of_x: Floats, of_h: Floats, _: tuple[Floats, ...]) -> tuple[Floats, ...]:
    import numpy as np

    return (np.tanh(of_x + of_h),)


def _rnn_relu(of_x: Floats, of_h: Floats, _: tuple[Floats, ...]) -> tuple[Floats, ...]:
    import numpy as np

    return (np.maximum(of_x + of_h, 0),)


def _sigmoid(total: Floats) -> Floats:
    """1 / (1 + exp(-a)), without overflow."""
    import numpy as np

    result: Floats = 0.5 + 0.5 * np.tanh(0.5 * total)
    return result


_STEPS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "lstm": _lstm,
    "gru": _gru,
    "rnn_tanh": _rnn_tanh,
    "rnn_relu": _rnn_relu,
}
