"""NumPy's `.npz` files of inputs `X` and what belongs to them, `y`."""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import DataError

_DAMAGED = (
    ValueError,
    TypeError,
    OSError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
)
"""What NumPy and zipfile raise for a file that is none of theirs, or was changed."""


def read_npz(content: bytes, source: str) -> dict[str, NDArray[Any]]:
    """Read the arrays `X` and `y` of a file, as far as it has them; nothing in it is executed.

    Args:
        content: the file.
        source: how messages name it, such as "file 'a.npz'".

    Raises:
        DataError: it is no such file, damaged, or holds other things than plain arrays.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files if name in ("X", "y")}
    except _DAMAGED as error:
        raise DataError(
            f"{source} is no .npz file of plain arrays; write it with numpy.savez(X=..., y=...)"
        ) from error
