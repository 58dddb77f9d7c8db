"""Recurrent layers on NumPy arrays, without importing torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ostinato.errors import ConfigError
from ostinato.kernels import library as libraries
from ostinato.kernels import native

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float32]]


def forward_numpy(
    kind: str,
    inputs: Floats,
    weights: Sequence[Floats],
    *,
    state: Sequence[Floats] | None = None,
    lengths: Sequence[int] | None = None,
    num_layers: int = 1,
    bidirectional: bool = False,
) -> tuple[Floats, tuple[Floats, ...]]:
    """Run a recurrent layer over time on NumPy arrays.

    Args:
        kind: `"rnn_tanh"`, `"rnn_relu"`, `"lstm"` or `"gru"`.
        inputs: `(batch, time, features)`.
        weights: `weight_ih, weight_hh` and, where there are biases, `bias_ih, bias_hh` of each layer and
            direction, shaped as torch has them.
        state: One array `(num_layers * directions, batch, hidden)` for each part of the state; zeros where
            None.
        lengths: `(batch,)` real steps of each row; every step is real where None.
        num_layers: Layers, one on the other.
        bidirectional: Whether each layer also runs backwards in time.

    Returns:
        The outputs `(batch, time, directions * hidden)`, 0 at padding, and the state after each row's last
        real step.

    Raises:
        ConfigError: if the kernels were not built, or shapes do not fit each other.

    Examples:
        >>> import numpy as np
        >>> weights = [np.zeros((12, 2)), np.zeros((12, 3)), np.zeros(12), np.zeros(12)]
        >>> outputs, (h, c) = forward_numpy("lstm", np.ones((5, 7, 2)), weights)
        >>> outputs.shape, h.shape
        ((5, 7, 3), (1, 5, 3))
    """
    import numpy as np

    library = libraries.load()
    if library is None:
        raise ConfigError(
            "the fused kernels are not available here; use ostinato.nn, which runs on torch's operators"
        )
    scans = num_layers * (2 if bidirectional else 1)
    x = np.ascontiguousarray(inputs, dtype=np.float32)
    flat = [np.ascontiguousarray(weight, dtype=np.float32) for weight in weights]
    _check_weights(kind, x, flat, num_layers, scans)
    batch, time, features = x.shape
    hidden = flat[1].shape[1]
    shape = (scans, batch, hidden)
    parts = 2 if kind == "lstm" else 1
    start = _start(state, shape, parts)
    real = _lengths(lengths, batch, time)
    problem = native.Problem(
        native.KINDS[kind], batch, time, features, hidden, num_layers, scans // num_layers, len(flat) == 4 *
        scans, libraries.threads_wanted(libraries.processors()), 0, 0.0, 0.0, native.address(real),
    )  # fmt: skip
    packed = np.empty(native.pack_size(library, problem, False), dtype=np.float32)
    native.pack(library, problem, flat, False, packed)
    y = np.empty((batch, time, scans // num_layers * hidden), dtype=np.float32)
    final = tuple(np.empty(shape, dtype=np.float32) for _ in range(parts))
    c0, cn = (start[1], final[1]) if parts == 2 else (None, None)
    native.forward(library, problem, (x, y), packed, (start[0], c0, final[0], cn), None)
    return y, final


def _start(state: Sequence[Floats] | None, shape: tuple[int, ...], parts: int) -> list[Floats | None]:
    """Return the parts of the initial state, or None for each where they are zeros."""
    import numpy as np

    if state is None:
        return [None] * parts
    arrays: list[Floats | None] = [np.ascontiguousarray(part, dtype=np.float32) for part in state]
    shapes = [part.shape for part in arrays if part is not None]
    if shapes != [shape] * parts:
        raise ConfigError(f"state has the shapes {shapes}; use {[shape] * parts}")
    return arrays


def _lengths(
    lengths: Sequence[int] | None, batch: int, time: int
) -> np.ndarray[Any, np.dtype[np.int64]] | None:
    """Return the lengths as the kernels take them."""
    import numpy as np

    if lengths is None:
        return None
    real = np.ascontiguousarray(lengths, dtype=np.int64)
    if real.shape != (batch,) or (batch and (real.min() < 0 or real.max() > time)):
        raise ConfigError(f"lengths is {list(lengths)}; use {batch} whole numbers from 0 to {time}")
    return real


def _check_weights(kind: str, x: Floats, weights: list[Floats], num_layers: int, scans: int) -> None:
    """Check that everything has the shape that the kernels will read, since they cannot."""
    if kind not in native.KINDS:
        raise ConfigError(f"kind is {kind!r}; use one of {', '.join(native.KINDS)}")
    if x.ndim != 3 or 0 in x.shape:
        raise ConfigError(f"inputs has the shape {x.shape}; use (batch, time, features), each at least 1")
    if len(weights) not in (2 * scans, 4 * scans) or weights[1].ndim != 2:
        raise ConfigError(
            f"there are {len(weights)} weights for {scans} scans; use 2 or, with biases, 4 for each"
        )
    hidden = weights[1].shape[1]
    rows = native.GATES[kind] * hidden
    for index in range(scans):
        below = x.shape[2] if index < scans // num_layers else scans // num_layers * hidden
        expected = [(rows, below), (rows, hidden), (rows,), (rows,)][: len(weights) // scans]
        own = weights[index * len(expected) : (index + 1) * len(expected)]
        shapes = [weight.shape for weight in own]
        if shapes != expected:
            raise ConfigError(f"the weights of scan {index} have the shapes {shapes}; use {expected}")
