"""Images and vectors of numbers as a network reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.items import as_items
from ostinato.errors import DataError

Input = NDArray[Any]


def to_inputs(items: Any) -> list[Input]:
    """Images or vectors as arrays of one kind.

    Args:
        items: an array `(items, ...)`, a frame with a vector in each row, or a list of arrays or lists of numbers:
            vectors `(features,)`, or images `(height, width)` or `(height, width, channels)` of whole numbers from 0
            to 255 or of floats from 0 to 1.

    Returns:
        Vectors of float32, or images `(height, width, channels)` of values from 0 to 255.

    Raises:
        DataError: there are none, or one cannot be used.

    Example:
        >>> [image.shape for image in to_inputs(np.zeros((2, 8, 6), dtype=np.uint8))]
        [(8, 6, 1), (8, 6, 1)]
    """
    if not len(items):
        raise DataError("there are no images or vectors; give at least one")
    return [_to_input(item, place) for place, item in enumerate(as_items(items))]


def same_shape(item: Input, shape: tuple[int, ...], place: int) -> Input:
    """An input in the shape of others: an image is scaled where its size differs.

    Args:
        item: what `to_inputs` gave.
        shape: `(features,)` or `(height, width, channels)`.
        place: its place among all, for messages.

    Raises:
        DataError: it is of another kind, or has other features or channels.
    """
    if item.ndim != len(shape):
        kinds = {1: "a vector", 3: "an image"}
        raise DataError(
            f"item {place} is {kinds[item.ndim]}, the others are each {kinds[len(shape)]}; give one kind"
        )
    if item.shape[-1] != shape[-1]:
        what = "features" if item.ndim == 1 else "channels"
        raise DataError(
            f"item {place} has {item.shape[-1]} {what}, the others have {shape[-1]}; give the same"
        )
    return item if item.shape == shape else scaled(item, shape[0], shape[1])


def scaled(image: Input, height: int, width: int) -> NDArray[np.float32]:
    """An image in another size: each new pixel is the mean of what it covers, weighted by how much of it.

    Args:
        image: `(height, width, channels)`.
        height: rows of the result.
        width: columns of the result.

    Example:
        >>> scaled(np.array([[[0.0], [4.0]], [[8.0], [4.0]]]), 1, 1).tolist()
        [[[4.0]]]
    """
    down, across = _covered(image.shape[0], height), _covered(image.shape[1], width)
    mixed: NDArray[np.float64] = np.einsum("ih,hwc,jw->ijc", down, image.astype(np.float64), across)
    return mixed.astype(np.float32)


def _to_input(item: Any, place: int) -> Input:
    """One image or vector, checked."""
    try:
        array = np.asarray(item)
    except ValueError as error:
        raise DataError(f"item {place} is no array of numbers; give rows of one length") from error
    if array.dtype.kind not in "uifb" or array.ndim not in (1, 2, 3) or array.size == 0:
        raise DataError(
            f"item {place} has the shape {array.shape} and type {array.dtype}; give numbers: a vector (features,) "
            "or an image (height, width, channels)"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DataError(f"item {place} holds a missing or infinite number; replace it")
    if array.ndim == 1:
        return array.astype(np.float32)
    image = array[..., None] if array.ndim == 2 else array  # (height, width, channels)
    low, high = float(image.min()), float(image.max())
    most = 1.0 if array.dtype.kind in "fb" else 255.0
    if low < 0 or high > most:
        raise DataError(
            f"item {place} has pixels from {low:g} to {high:g}; give whole numbers from 0 to 255 or floats from 0 to 1"
        )
    if array.dtype == np.uint8:
        return image
    return image.astype(np.float32) * (255.0 / most)


def _covered(old: int, new: int) -> NDArray[np.float64]:
    """The share of each old cell in each new one, `(new, old)`, rows that sum to 1."""
    edges = np.arange(new + 1) * (old / new)
    starts, ends = edges[:-1, None], edges[1:, None]
    cells = np.arange(old)
    overlap = np.minimum(ends, cells + 1) - np.maximum(starts, cells)
    share: NDArray[np.float64] = np.maximum(overlap, 0.0) / (old / new)
    return share
