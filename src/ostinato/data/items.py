"""The items of whatever holds several: lists, arrays, columns and frames of pandas or polars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ostinato.errors import DataError


def as_items(given: Any) -> list[Any]:
    """Items as a list.

    Args:
        given: a list, an array, a column, or a frame: of one column, whose values are the items, or of several, whose
            rows are.

    Raises:
        DataError: it is a single text, or nothing that holds items.

    Example:
        >>> as_items(("a", "b"))
        ['a', 'b']
    """
    if isinstance(given, str | bytes | Path):
        raise DataError(f"a single text came, {str(given)[:40]!r}; give a list of them")
    if hasattr(given, "columns") and hasattr(given, "to_numpy"):
        values = given.to_numpy()  # (rows, columns); a list of a frame would be its columns
        return list(values[:, 0] if values.shape[1] == 1 else values)
    if hasattr(given, "to_list"):
        return list(given.to_list())
    try:
        return list(given)
    except TypeError as error:
        raise DataError(f"{type(given).__name__} holds no items; give a list or an array") from error
