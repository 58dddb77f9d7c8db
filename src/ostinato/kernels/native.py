"""Calls of the compiled kernels, on torch tensors or NumPy arrays alike.

Every address is taken inside the call that uses it, from an argument of that call, which is thereby alive
until the call is over; the library keeps no address. Nothing in this module returns or stores one, but for
`prepare_forward`, whose result holds the arrays as well.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from ostinato.errors import TrainingError
from ostinato.kernels.library import Library

KINDS = {"rnn_tanh": 0, "rnn_relu": 1, "lstm": 2, "gru": 3}
GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}

# A torch tensor or a NumPy array of float32, or of int64 for lengths.
Array = Any


_NUMBERS = (
    *("kind", "batch", "time", "input_size", "hidden_size"),
    *("layers", "directions", "bias", "threads", "seed"),
)
_POINTERS = ("packed", "h0", "c0", "saved", "dhn", "dcn", "dh0", "dc0", "dweights", "norms")


class Problem(ctypes.Structure):
    """OstinatoProblem of csrc/kernels.h."""

    _fields_ = [  # ctypes reads this list
        *((name, ctypes.c_int64) for name in _NUMBERS),
        ("dropout", ctypes.c_double),
        ("recurrent_dropout", ctypes.c_double),
        ("lengths", ctypes.c_void_p),
    ]


class _Sequence(ctypes.Structure):
    """OstinatoSequence of csrc/kernels.h."""

    _fields_ = [("data", ctypes.c_void_p), ("row", ctypes.c_int64), ("time", ctypes.c_int64)]


class _Forward(ctypes.Structure):
    """OstinatoForward of csrc/kernels.h."""

    _fields_ = [
        *((name, _Sequence) for name in ("x", "y")),
        *((name, ctypes.c_void_p) for name in ["packed", "h0", "c0", "hn", "cn", "saved"]),
    ]


class _Backward(ctypes.Structure):
    """OstinatoBackward of csrc/kernels.h."""

    _fields_ = [
        *((name, _Sequence) for name in ("x", "dy", "dx")),
        *((name, ctypes.c_void_p) for name in _POINTERS),
    ]


def pack_size(library: Library, problem: Problem, backward: bool) -> int:
    """Return how many floats the packed weights take."""
    return int(library.handle.ostinato_pack_size(ctypes.byref(problem), backward))


def saved_size(library: Library, problem: Problem) -> int:
    """Return how many floats the forward pass keeps for the backward pass."""
    return int(library.handle.ostinato_saved_size(ctypes.byref(problem)))


def pack(library: Library, problem: Problem, weights: Sequence[Array], backward: bool, packed: Array) -> None:
    """Lay the weights out for the forward or the backward pass."""
    library.handle.ostinato_pack(ctypes.byref(problem), _addresses(weights), backward, _address(packed))


def fingerprint(library: Library, problem: Problem, weights: Sequence[Array]) -> int:
    """Return a number that changes when the weights do."""
    return int(library.handle.ostinato_fingerprint(ctypes.byref(problem), _addresses(weights)))


def forward(
    library: Library,
    problem: Problem,
    sequences: tuple[Array, Array],
    packed: Array,
    states: tuple[Array, Array, Array, Array],
    saved: Array,
) -> None:
    """Run over time.

    Args:
        library: The kernels.
        problem: The sizes.
        sequences: `x (batch, time, features)`, and `y`, which is written.
        packed: The packed weights.
        states: `h0, c0, hn, cn`, each `(layers * directions, batch, hidden)`; the last two are written. None
            for zeros, and for c where there is none.
        saved: What the backward pass will need is written here; None at inference.
    """
    x, y = (_sequence(each) for each in sequences)
    tensors = _Forward(x, y, _address(packed), *(_address(each) for each in states), _address(saved))
    _check(library.handle.ostinato_forward(ctypes.byref(problem), ctypes.byref(tensors)))


def prepare_forward(
    library: Library,
    problem: Problem,
    sequences: tuple[Array, Array],
    packed: Array,
    states: tuple[Array, Array, Array, Array],
) -> Callable[[], None]:
    """Return a function that calls `forward` on the same arrays each time, without the time it takes to prepare.

    Arguments as for `forward`; the function keeps them alive. What they hold is read anew at each call.
    """
    x, y = (_sequence(each) for each in sequences)
    tensors = _Forward(x, y, _address(packed), *(_address(each) for each in states), None)
    call, arguments = library.handle.ostinato_forward, (ctypes.byref(problem), ctypes.byref(tensors))
    held = (sequences, packed, states)

    def run(_held: object = held) -> None:
        _check(call(*arguments))

    return run


def backward(
    library: Library,
    problem: Problem,
    sequences: tuple[Array, Array, Array],
    packed: Array,
    states: tuple[Array, ...],
    saved: Array,
    dweights: Sequence[Array],
    norms: Array = None,
) -> None:
    """Run back over time.

    Args:
        library: The kernels.
        problem: The sizes.
        sequences: `x, dy, dx`, each `(batch, time, features)`; dy is None for zeros; dx is written, or
            None.
        packed: The packed weights, for the backward pass.
        states: `h0, c0, dhn, dcn, dh0, dc0`, each `(layers * directions, batch, hidden)`, None for zeros; the
            last two are written, or None.
        saved: What the forward pass wrote there.
        dweights: The gradients of the weights, written; empty where none are wanted.
        norms: The norm of the gradient of the state after each real step, written, `(layers * directions, batch,
            time)`; None where not wanted.
    """
    h0, c0, *gradients = (_address(each) for each in states)
    pointers = ctypes.cast(_addresses(dweights), ctypes.c_void_p) if dweights else None
    x, dy, dx = (_sequence(each) for each in sequences)
    around = (_address(packed), h0, c0, _address(saved), *gradients, pointers, _address(norms))
    tensors = _Backward(x, dy, dx, *around)
    _check(library.handle.ostinato_backward(ctypes.byref(problem), ctypes.byref(tensors)))


def dropout_mask(library: Library, problem: Problem, layer: int, mask: Array) -> None:
    """Write the mask `(batch, time, directions * hidden)` on the inputs of a layer above the first."""
    library.handle.ostinato_dropout_mask(ctypes.byref(problem), layer, _address(mask))


def recurrent_mask(library: Library, problem: Problem, scan: int, mask: Array) -> None:
    """Write the mask `(batch, hidden)` on the hidden state of scan `layer * directions + direction`."""
    library.handle.ostinato_recurrent_mask(ctypes.byref(problem), scan, _address(mask))


def address(array: Array) -> int | None:
    """Return where an array's first number lies; for use within one call only."""
    return _address(array)


def _address(array: Array) -> int | None:
    if array is None:
        return None
    if hasattr(array, "data_ptr"):
        return int(array.data_ptr())
    return int(array.__array_interface__["data"][0])


def _addresses(arrays: Sequence[Array]) -> ctypes.Array[ctypes.c_void_p]:
    pointers = ctypes.c_void_p * len(arrays)
    if hasattr(arrays[0], "data_ptr"):
        return pointers(*[each.data_ptr() for each in arrays])
    return pointers(*[_address(each) for each in arrays])


def _sequence(array: Array) -> _Sequence:
    if array is None:
        return _Sequence(None, 0, 0)
    if hasattr(array, "data_ptr"):
        row, time, _ = array.stride()
        return _Sequence(array.data_ptr(), row, time)
    row, time, _ = array.strides
    return _Sequence(_address(array), row // array.itemsize, time // array.itemsize)


def _check(failed: int) -> None:
    if failed:
        raise TrainingError(
            "the recurrent kernel found too little memory; use a smaller batch or shorter sequences"
        )
