"""Text cells to numbers: missing marks, decimal commas and thousands separators."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MISSING = frozenset(
    ("", "na", "n/a", "#n/a", "#na", "nan", "-nan", "null", "none", "nil", "nat", "-", "--", "?", ".", "<na>")
)
_COMMA_THOUSANDS = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?(\d{1,3}([. \u00a0\u202f']\d{3})+|\d+)(,\d+)?([eE][+-]?\d+)?")
_SPACE_THOUSANDS = re.compile(r"[+-]?(\d{1,3}([ \u00a0\u202f'’]\d{3})+|\d+)(\.\d*)?([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Numbers:
    """A column read as numbers.

    Args:
        values: ``(rows,)`` float64, NaN where missing or not a number.
        bad: Rows whose text is neither a number nor a mark for a missing value.
        style: How the numbers are written: ``plain``, ``1,234.5``, ``1.234,5`` or ``1 234.5``.
    """

    values: NDArray[np.float64]
    bad: NDArray[np.intp]
    style: str = "plain"


def is_missing(text: str) -> bool:
    """Tell whether a cell holds a mark for a missing value."""
    return text.strip().lower() in MISSING


def is_number(text: str) -> bool:
    """Tell whether a cell is a number written plainly."""
    return not np.isnan(_plain(text))


def parse_numbers(cells: Sequence[str], *, decimal_comma: bool = False) -> Numbers:
    """Read text cells as numbers, deciding over the whole column how they are written.

    Args:
        cells: ``(rows,)`` text.
        decimal_comma: Read a lone comma, as in ``1,234``, as a decimal comma when both would do.

    >>> parse_numbers(["1,234.5", "NA", "7"]).values
    array([1234.5,    nan,    7. ])
    """
    try:
        values = np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
        if not any("_" in cell for cell in cells):  # Python reads 1_000 as a number, nobody else does
            return Numbers(values, np.empty(0, dtype=np.intp))
    except ValueError:
        pass
    values = np.fromiter(map(_plain, cells), dtype=np.float64, count=len(cells))
    bad = _bad(values, cells)
    if not len(bad):
        return Numbers(values, bad)
    style = _style([cell.strip() for cell in cells if not is_missing(cell)], decimal_comma)
    if style == "plain":
        return Numbers(values, bad)
    values = np.fromiter((_styled(cell, style) for cell in cells), dtype=np.float64, count=len(cells))
    return Numbers(values, _bad(values, cells), style)


def _bad(values: NDArray[np.float64], cells: Sequence[str]) -> NDArray[np.intp]:
    rows = np.flatnonzero(np.isnan(values))
    return rows[[not is_missing(cells[int(row)]) for row in rows]] if len(rows) else rows


def _style(cells: list[str], decimal_comma: bool) -> str:
    """The one way of writing that fits most of the cells that are not plain numbers."""
    styles = {"1,234.5": _COMMA_THOUSANDS, "1.234,5": _DECIMAL_COMMA, "1 234.5": _SPACE_THOUSANDS}
    fits = {style: sum(bool(p.fullmatch(cell)) for cell in cells) for style, p in styles.items()}
    plain = sum(not np.isnan(_plain(cell)) for cell in cells)
    best = max(fits.values())
    if best <= plain:
        return "plain"
    tied = [style for style, fit in fits.items() if fit == best]
    return "1.234,5" if decimal_comma and "1.234,5" in tied else tied[0]


def _plain(cell: str) -> float:
    try:
        return float("nan") if "_" in cell else float(cell)
    except ValueError:
        return float("nan")


def _styled(cell: str, style: str) -> float:
    text = re.sub(r"[\s\u00a0\u202f'’]", "", cell)
    if style == "1,234.5":
        return _plain(text.replace(",", "")) if _COMMA_THOUSANDS.fullmatch(text) else _plain(text)
    if style == "1.234,5":
        fits = _DECIMAL_COMMA.fullmatch(text)
        return _plain(text.replace(".", "").replace(",", ".")) if fits else _plain(text)
    return _plain(text)
