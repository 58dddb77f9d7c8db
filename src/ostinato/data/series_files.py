"""Files of labelled series: `.ts` files of the UEA archive, and NumPy's `.npz`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.data.npz import read_npz
from ostinato.errors import DataError

Values = NDArray[np.float64]


@dataclass(frozen=True)
class LabelledSeries:
    """Series of one file.

    Attributes:
        series: an array `(time, channels)` each; NaN where missing.
        labels: the class of each; None where the file has none.
    """

    series: list[Values]
    labels: list[str] | None


def read_ts(text: str, source: str) -> LabelledSeries:
    """Read a `.ts` file: one case a line, its dimensions and its class between colons, values between commas.

    Args:
        text: the content.
        source: how messages name the file, such as "file 'GunPoint_TRAIN.ts'".

    Raises:
        DataError: a line cannot be read; the message names it.

    References:
        Bagnall et al. (2018), The UEA multivariate time series classification archive.
    """
    labelled, inside = False, False
    series: list[Values] = []
    labels: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if not inside:
            word, *rest = line.lower().split()
            if not word.startswith("@"):
                raise DataError(
                    f"{source}, line {number} comes before @data and begins with no @; is it a .ts file?"
                )
            inside = word == "@data"
            labelled = (rest[:1] == ["true"]) if word in ("@classlabel", "@targetlabel") else labelled
            if word == "@timestamps" and rest[:1] == ["true"]:
                raise DataError(
                    f"{source} has time stamps, which are not read; write the values alone, evenly spaced"
                )
            continue
        parts = line.split(":")
        if labelled:
            labels.append(parts.pop().strip())
        series.append(_case(parts, f"{source}, line {number}"))
    if not series:
        raise DataError(f"{source} has no case after @data; give at least one")
    _check_channels(series, source)
    return LabelledSeries(series, labels if labelled else None)


def _case(parts: list[str], place: str) -> Values:
    """The dimensions of one case side by side."""
    dimensions = [_numbers(part, place) for part in parts]
    lengths = {len(values) for values in dimensions}
    if len(lengths) != 1:
        raise DataError(
            f"{place} has dimensions of {' and '.join(map(str, sorted(lengths)))} values; give all the same number"
        )
    return np.stack(dimensions, axis=1)


def _numbers(part: str, place: str) -> Values:
    cells = [cell.strip() for cell in part.split(",")] if part.strip() else []
    try:
        return np.array([float("nan") if cell == "?" else float(cell) for cell in cells])
    except ValueError as error:
        wrong = str(error).partition(":")[2].strip()
        raise DataError(f"{place} has {wrong}, which is no number; write ? for a missing value") from error


def _check_channels(series: Sequence[Values], source: str) -> None:
    counts = [values.shape[1] for values in series if len(values)]
    wrong = next((place for place, count in enumerate(counts) if count != counts[0]), None)
    if wrong is not None:
        raise DataError(
            f"{source}: case {wrong + 1} has {counts[wrong]} channels and case 1 has {counts[0]}; give all the same"
        )


def read_series_npz(content: bytes, source: str) -> LabelledSeries:
    """Read NumPy's `.npz`: `X` of shape `(cases, time)` or `(cases, time, channels)` and, where known, `y` `(cases,)`.

    Raises:
        DataError: it is no such file, or lacks `X`.
    """
    found = read_npz(content, source)
    if "X" not in found or found["X"].ndim not in (2, 3) or found["X"].dtype.kind not in "fiub":
        raise DataError(
            f"{source} has no array X of numbers (cases, time, channels); write it with numpy.savez"
        )
    values = found["X"].astype(np.float64)
    values = values[:, :, None] if values.ndim == 2 else values
    labels = None
    if "y" in found:
        if found["y"].shape != values.shape[:1]:
            raise DataError(
                f"{source} has {len(values)} cases and labels y of shape {found['y'].shape}; give one each"
            )
        labels = [str(label) for label in found["y"].tolist()]
    return LabelledSeries(list(values), labels)
