"""Weights in the order in which the kernels read them, kept while they stay the same."""

from __future__ import annotations

import functools
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ostinato.errors import ConfigError
from ostinato.kernels import native
from ostinato.kernels.library import Library

if TYPE_CHECKING:
    from torch import Tensor

    Version = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Packed:
    """Packed weights and what they were packed from.

    Args:
        owner: The first of the weights; when it goes, so does the entry.
        key: The library and the sizes.
        version: Address and version of each weight.
        fingerprint: Of the weights' values; None until the packed weights were first asked for again.
        packed: The packed weights.
    """

    owner: weakref.ref[Tensor]
    key: tuple[object, ...]
    version: Version
    fingerprint: int | None
    packed: Tensor


GATES = tuple(native.GATES.values())

_kept: dict[tuple[int, bool], _Packed] = {}


def packed_weights(
    library: Library, problem: native.Problem, weights: list[Tensor], backward: bool
) -> Tensor:
    """Return the weights packed for a pass, packing them only if they have changed.

    Torch counts the changes of a tensor, but not those through `.data` or through NumPy; so before packed
    weights are used again their values are compared by a fingerprint, which costs less than a single step
    over time.
    """
    version = tuple(
        (weight.data_ptr(), -1 if weight.is_inference() else weight._version) for weight in weights
    )
    place = (id(weights[0]), backward)
    key = (
        library.isa,
        problem.kind,
        problem.layers,
        problem.directions,
        problem.input_size,
        problem.hidden_size,
    )
    kept = _kept.get(place)
    seen = kept is not None and kept.owner() is weights[0] and kept.key == key and kept.version == version
    fingerprint = native.fingerprint(library, problem, weights) if seen else None
    if kept is not None and seen and kept.fingerprint == fingerprint:
        return kept.packed
    packed = _pack(library, problem, weights, backward)
    owner = weakref.ref(weights[0], lambda _: _kept.pop(place, None) and None)
    _kept[place] = _Packed(owner, key, version, fingerprint, packed)
    return packed


def _pack(library: Library, problem: native.Problem, weights: list[Tensor], backward: bool) -> Tensor:
    import torch

    _check_shapes(problem, weights)
    packed = torch.empty(native.pack_size(library, problem, backward))
    native.pack(library, problem, weights, backward, packed)
    return packed


def _check_shapes(problem: native.Problem, weights: list[Tensor]) -> None:
    """Check that every weight has the shape that the kernels will read, since they cannot."""
    expected = _expected_shapes(
        GATES[problem.kind],
        problem.input_size,
        problem.hidden_size,
        problem.layers,
        problem.directions,
        bool(problem.bias),
    )
    if [weight.shape for weight in weights] != expected:
        shapes = [tuple(weight.shape) for weight in weights]
        raise ConfigError(f"the weights have the shapes {shapes}; this layer needs {expected}")


@functools.lru_cache(maxsize=64)
def _expected_shapes(
    gates: int, features: int, hidden: int, layers: int, directions: int, bias: bool
) -> list[tuple[int, ...]]:
    """Return the shape of each weight; the list is shared, so nobody may change it."""
    rows, shapes = gates * hidden, []
    for scan in range(layers * directions):
        inputs = features if scan < directions else directions * hidden
        matrices: list[tuple[int, ...]] = [(rows, inputs), (rows, hidden)]
        shapes += matrices + ([(rows,), (rows,)] if bias else [])
    return shapes
