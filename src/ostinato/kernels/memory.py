"""Large pieces of memory that are used again from one training step to the next.

What a forward pass keeps for its backward pass is often tens of megabytes. The allocator would fetch it from
the system and give it back at every step, and touching fresh pages can take as long as the arithmetic.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST = 1 << 18  # floats; below, the allocator itself keeps the memory
LARGEST_TOTAL = 1 << 27  # floats kept while nobody uses them


@dataclass(frozen=True, eq=False)
class _Block:
    """One piece of memory. Blocks are compared by identity, so that a list can remove one."""

    floats: np.ndarray[Any, np.dtype[np.float32]]


# Changed by single calls of list methods alone, each of which no other thread can interrupt: a block may come
# back at any moment, even while the same thread is looking for one.
_free: list[_Block] = []


def borrow(count: int) -> Tensor:
    """Return `count` floats without values; the memory comes back when the last tensor on it goes."""
    import torch

    if count < SMALLEST:
        return torch.empty(count)
    block = _take(count) or _Block(_aligned(count))
    # The tensor's storage owns `lent`, a new object each time; when the storage goes, so does it, and only
    # then.
    lent = block.floats[:count]
    weakref.finalize(lent, _give_back, block).atexit = False
    return torch.from_numpy(lent)


def _aligned(count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return floats that begin at a multiple of 64 bytes, as the kernels' fastest stores want them."""
    floats = np.empty(count + 16, dtype=np.float32)
    skipped = -floats.__array_interface__["data"][0] % 64 // 4
    return floats[skipped : skipped + count]


def _take(count: int) -> _Block | None:
    """Remove and return the smallest free block that fits without wasting half of it."""
    fitting = [block for block in _free if count <= block.floats.size <= 2 * count]
    for block in sorted(fitting, key=lambda each: each.floats.size):
        try:
            _free.remove(block)
        except ValueError:
            continue  # another thread was faster
        return block
    return None


def _give_back(block: _Block) -> None:
    """Keep a block for the next borrower, unless enough lies about."""
    if sum(each.floats.size for each in _free) + block.floats.size <= LARGEST_TOTAL:
        _free.append(block)
