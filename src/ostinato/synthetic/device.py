"""Chance and arrays on a device: what lets the families draw their series on a GPU, in batches.

The families call a source of chance by the names of NumPy's generators, and arrays by the names of NumPy's
functions. Here both are of torch, in single precision whatever `dtype` asks for. Only this module imports torch.
"""

# ruff: noqa: ARG002 - `dtype` is given as to NumPy

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

Size = int | Sequence[int]


class DeviceRandom:
    """A seeded generator on a device that draws tensors, by the names of `numpy.random.Generator`.

    Args:
        seed: a whole number; the same seed on the same kind of device gives the same numbers, which are not those
            of NumPy.
        device: such as "cuda" or "cpu".

    Attributes:
        space: the functions over arrays of this device, by the names of NumPy.

    Example:
        >>> from ostinato.synthetic import local_level
        >>> from ostinato.synthetic.device import DeviceRandom
        >>> local_level(4, 100, season_length=12, rng=DeviceRandom(7, "cpu")).shape
        torch.Size([4, 100])
    """

    def __init__(self, seed: int, device: str | torch.device) -> None:
        """Seeds a generator of its own: torch's common one is left alone."""
        self.space = DeviceSpace(device)
        self._place = torch.device(device)
        self._generator = torch.Generator(self._place).manual_seed(seed)

    def random(self, size: Size = (), dtype: object = None) -> Tensor:
        """Draws from 0 to below 1."""
        return torch.rand(_shape(size), generator=self._generator, device=self._place)

    def standard_normal(self, size: Size = (), dtype: object = None) -> Tensor:
        """Draws from the normal distribution of mean 0 and variance 1."""
        return torch.randn(_shape(size), generator=self._generator, device=self._place)

    def standard_gamma(self, shape: float | Tensor, size: Size = ()) -> Tensor:
        """Draws from gamma distributions of scale 1, with shapes of at least 1, by rejection.

        References:
            Marsaglia and Tsang (2000), A Simple Method for Generating Gamma Variables, section 2.
        """
        wanted = torch.as_tensor(shape, dtype=torch.float32, device=self._place)
        wanted = wanted.expand(_shape(size)).flatten() - 1 / 3
        drawn = torch.empty_like(wanted)
        waiting = torch.arange(len(wanted), device=self._place)
        while len(waiting):  # about one in twenty is drawn again
            scale = wanted[waiting]
            normal = self.standard_normal(len(waiting))
            cube = (1 + normal / torch.sqrt(9 * scale)) ** 3
            bound = normal**2 / 2 + scale * (1 - cube + torch.log(torch.clamp(cube, min=1e-30)))
            taken = (cube > 0) & (torch.log(1 - self.random(len(waiting))) < bound)
            drawn[waiting[taken]] = (scale * cube)[taken]
            waiting = waiting[~taken]
        return drawn.reshape(_shape(size))

    def integers(self, low: int, high: int | None = None, size: Size = ()) -> Tensor:
        """Draws whole numbers from `low`, or 0, to below `high`, or `low`."""
        first, last = (0, low) if high is None else (low, high)
        return torch.randint(first, last, _shape(size), generator=self._generator, device=self._place)

    def permutation(self, x: int) -> Tensor:
        """The numbers below `x` in a random order."""
        return torch.randperm(x, generator=self._generator, device=self._place)


class DeviceSpace:
    """Those of NumPy's functions that the families call, over tensors of one device."""

    abs, ceil, exp, round, sign, sin, sqrt = (
        staticmethod(function)
        for function in (torch.abs, torch.ceil, torch.exp, torch.round, torch.sign, torch.sin, torch.sqrt)
    )
    where, zeros_like = staticmethod(torch.where), staticmethod(torch.zeros_like)

    def __init__(self, device: str | torch.device) -> None:
        """Makes tensors on a device."""
        self._place = torch.device(device)

    def arange(self, length: int, dtype: object = None) -> Tensor:
        """The numbers below `length`: whole ones, where no kind is asked for."""
        return torch.arange(length, device=self._place, dtype=torch.int64 if dtype is None else torch.float32)

    def linspace(self, first: float, last: float, length: int, dtype: object = None) -> Tensor:
        """Numbers from `first` to `last`, equally far apart."""
        return torch.linspace(first, last, length, device=self._place)

    def zeros(self, size: Size, dtype: object = None) -> Tensor:
        """Zeros."""
        return torch.zeros(_shape(size), device=self._place)

    def empty(self, size: Size, dtype: object = None) -> Tensor:
        """Room for numbers."""
        return torch.empty(_shape(size), device=self._place)

    def asarray(self, values: Any, dtype: object = None) -> Tensor:
        """The values in single precision."""
        return torch.asarray(values, dtype=torch.float32, device=self._place)

    def ascontiguousarray(self, values: Tensor, dtype: object = None) -> Tensor:
        """The values in single precision, row by row."""
        return values.to(torch.float32).contiguous()

    def cos(self, values: Tensor, dtype: object = None) -> Tensor:
        """The cosine."""
        return torch.cos(values)

    def clip(self, values: Tensor, low: float, high: float) -> Tensor:
        """The values, none below `low` or above `high`."""
        return torch.clamp(values, low, high)

    def maximum(self, values: Tensor, other: float | Tensor) -> Tensor:
        """The larger of each two."""
        return torch.maximum(values, self._tensor(values, other))

    def minimum(self, values: Tensor, other: float | Tensor) -> Tensor:
        """The smaller of each two."""
        return torch.minimum(values, self._tensor(values, other))

    def min(self, values: Tensor, axis: int, *, keepdims: bool = False) -> Tensor:
        """The smallest along an axis."""
        return torch.amin(values, axis, keepdim=keepdims)

    def max(self, values: Tensor, axis: int, *, keepdims: bool = False) -> Tensor:
        """The largest along an axis."""
        return torch.amax(values, axis, keepdim=keepdims)

    def std(self, values: Tensor, axis: int) -> Tensor:
        """The root of the mean squared distance from the mean, along an axis."""
        return torch.sqrt(((values - values.mean(axis, keepdim=True)) ** 2).mean(axis))

    def cumsum(self, values: Tensor, axis: int) -> Tensor:
        """The sums so far along an axis."""
        return torch.cumsum(values, axis)

    def diff(self, values: Tensor, axis: int) -> Tensor:
        """The steps along an axis."""
        return torch.diff(values, dim=axis)

    def stack(self, parts: Sequence[Tensor]) -> Tensor:
        """Tensors of one shape along a new first axis."""
        return torch.stack(list(parts))

    def concatenate(self, parts: Sequence[Tensor], axis: int = 0) -> Tensor:
        """Tensors one after the other along an axis."""
        return torch.cat(list(parts), axis)

    def nonzero(self, mask: Tensor) -> tuple[Tensor, ...]:
        """Where the mask is true, one tensor for each axis."""
        return torch.nonzero(mask, as_tuple=True)

    def _tensor(self, values: Tensor, other: float | Tensor) -> Tensor:
        """A number of the kind of the values."""
        return torch.as_tensor(other, dtype=values.dtype, device=self._place)


def _shape(size: Size) -> tuple[int, ...]:
    """A size as a tuple."""
    return (size,) if isinstance(size, int) else tuple(size)
