"""Text cells to points in time, deciding over the whole column how they are written."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.numbers import is_missing

_CLOCK = (
    r"(?:[T ]+(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?P<ap>[AaPp][Mm])?\s*(?P<z>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?"
)
_YEAR = r"(?P<y>\d{4}|'?\d{2})"
_MONTH = r"(?P<mon>[A-Za-z]{3,9})\.?"
_PATTERNS = [
    re.compile(pattern)
    for pattern in (
        r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})(?:[-/.](?P<d>\d{1,2})" + _CLOCK + ")?",
        r"(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})[-/.]" + _YEAR + _CLOCK,
        r"(?P<y>\d{4})\s*-?[Mm]\s*(?P<m>\d{1,2})",
        r"(?P<y>\d{4})\s*[-/]?\s*[Qq](?P<q>[1-4])",
        r"[Qq](?P<q>[1-4])\s*[-/]?\s*(?P<y>\d{4})",
        r"(?P<y>\d{4})-?[Ww](?P<w>\d{1,2})(?:-?(?P<wd>[1-7]))?",
        r"(?P<m>\d{1,2})[-/.](?P<y>\d{4})",
        _MONTH + r"[-/ ,]*" + _YEAR,
        r"(?P<y>\d{4})[-/ ]*" + _MONTH,
        r"(?P<d>\d{1,2})[-/ .]*" + _MONTH + r"[-/ ,]*" + _YEAR + _CLOCK,
        _MONTH + r"\s*(?P<d>\d{1,2}),?\s+" + _YEAR + _CLOCK,
    )
]
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+", re.IGNORECASE)
_LONG_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS = [name[:3] for name in _LONG_MONTHS]
_FIRST, _LAST = np.datetime64("1678-01-01", "us"), np.datetime64("2261-12-31", "us")


@dataclass(frozen=True)
class Times:
    """A column read as times.

    Args:
        values: ``(rows,)`` datetime64[us] as written on the wall, NaT where missing or unreadable.
        bad: Rows with text that is no date.
        zones: The time zones met, each with its first row; ``""`` for a time without a zone.
        order: ``day first`` or ``month first`` for dates such as 03/02/1962, else empty.
        sure: Whether that order followed from the values.
    """

    values: NDArray[np.datetime64]
    bad: NDArray[np.intp]
    zones: dict[str, int]
    order: str = ""
    sure: bool = True


def is_time(text: str) -> bool:
    """Tell whether a cell is written as a date: plain numbers, such as a year, are not."""
    stripped = _WEEKDAY.sub("", text.strip(), count=1)
    return any(_named_month(match) for pattern in _PATTERNS if (match := pattern.fullmatch(stripped)))


def parse_times(cells: Sequence[str]) -> Times:
    """Read text cells as times.

    Args:
        cells: ``(rows,)`` text.

    >>> parse_times(["Jan 1962", "1962M02", "Mar 1962"]).bad
    array([1])
    >>> parse_times(["31/01/1962", "28/02/1962"]).order
    'day first'
    """
    quick = _strict_iso(cells)
    if quick is not None:
        return Times(quick, np.empty(0, dtype=np.intp), {"": 0})
    codes, distinct = pd.factorize(np.array(cells, dtype=object))
    texts = [_WEEKDAY.sub("", str(text).strip(), count=1) for text in distinct]
    matches = _matches(texts)
    order, sure = _day_order(matches)
    values = np.array([_moment(match, order) for match in matches], dtype="datetime64[us]")
    missing = np.array([is_missing(text) for text in texts])
    zones: dict[str, int] = {}
    for i, match in enumerate(matches):
        if match is not None:
            zones.setdefault(_zone(match.groupdict().get("z")), i)
    first_row = {zone: int(np.argmax(codes == i)) for zone, i in zones.items()}
    bad = (np.isnat(values) & ~missing)[codes]
    return Times(values[codes], np.flatnonzero(bad), first_row, order, sure)


def in_range(values: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Tell which times pandas can hold to the nanosecond: the years 1678 to 2261."""
    return np.asarray(np.isnat(values) | ((values >= _FIRST) & (values <= _LAST)))


def _strict_iso(cells: Sequence[str]) -> NDArray[np.datetime64] | None:
    """Times written plainly, such as 1962-01-31 or 1962-01-31 12:00, by numpy's fast parser."""
    if not re.match(r"\d{4}-\d\d", cells[0]) or min(cells) < "0" or max(cells) > "9999":
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy warns where a time has a zone
            values = np.array(cells, dtype="datetime64[us]")
    except (ValueError, DeprecationWarning, UserWarning, OverflowError):
        return None
    return values if bool(in_range(values).all()) and not np.isnat(values).any() else None


def _matches(texts: list[str]) -> list[re.Match[str] | None]:
    """Match all texts with the one pattern that fits the most of them."""
    best: list[re.Match[str] | None] = [None] * len(texts)
    most = 0
    for pattern in _PATTERNS:
        found = [
            match if (match := pattern.fullmatch(text)) and _named_month(match) else None for text in texts
        ]
        fitting = len(found) - found.count(None)
        if fitting > most:
            best, most = found, fitting
        if most == len(texts):
            break
    return best


def _named_month(match: re.Match[str]) -> bool:
    name = match.groupdict().get("mon")
    return name is None or _month_number(name) > 0


def _month_number(name: str) -> int:
    short = name.lower()[:3]
    if short not in _MONTHS or not (
        _LONG_MONTHS[_MONTHS.index(short)].startswith(name.lower()) or name == "Sept"
    ):
        return 0
    return _MONTHS.index(short) + 1


def _day_order(matches: list[re.Match[str] | None]) -> tuple[str, bool]:
    """Decide between day first and month first over all dates such as 03/02/1962."""
    pairs = [(int(m["a"]), int(m["b"]), m["sep"]) for m in matches if m is not None and "a" in m.groupdict()]
    if not pairs:
        return "", True
    if any(a > 12 for a, _, _ in pairs):
        return "day first", True
    if any(b > 12 for _, b, _ in pairs):
        return "month first", True
    if pairs[0][2] == ".":
        return "day first", True
    uneven = {order: _unevenness(matches, order) for order in ("month first", "day first")}
    order = "day first" if uneven["day first"] < uneven["month first"] else "month first"
    return order, uneven["day first"] != uneven["month first"] and len(pairs) > 3


def _unevenness(matches: list[re.Match[str] | None], order: str) -> float:
    """Largest over smallest step between the times when read in one order."""
    values = np.array([_moment(match, order) for match in matches], dtype="datetime64[us]")
    steps = np.diff(np.unique(values[~np.isnat(values)])).astype(np.int64)
    return float(steps.max() / steps.min()) if len(steps) else 1.0


def _moment(match: re.Match[str] | None, order: str) -> np.datetime64:
    """The moment a match stands for, on the wall; NaT where there is no such day or hour."""
    nothing = np.datetime64("NaT", "us")
    if match is None:
        return nothing
    part = match.groupdict()
    try:
        day = _day(part, order)
        seconds = _seconds(part)
    except ValueError:
        return nothing
    moment: np.datetime64 = day.astype("datetime64[us]") + np.timedelta64(seconds, "us")
    return moment


def _day(part: dict[str, str], order: str) -> np.datetime64:
    year = _year(part["y"])
    if "q" in part:
        return np.datetime64(f"{year:04d}-{3 * int(part['q']) - 2:02d}-01")
    if "w" in part:
        fourth = np.datetime64(f"{year:04d}-01-04")  # always lies in ISO week 1
        if not 1 <= int(part["w"]) <= 53:
            raise ValueError(part["w"])
        monday = fourth - (fourth.astype(np.int64) + 3) % 7
        return np.datetime64(monday + 7 * (int(part["w"]) - 1) + int(part["wd"] or 1) - 1)
    month, day = part.get("m"), part.get("d")
    if "a" in part:
        month, day = (part["b"], part["a"]) if order == "day first" else (part["a"], part["b"])
    number = _month_number(part["mon"]) if "mon" in part else int(month or 0)
    return np.datetime64(f"{year:04d}-{number:02d}-{int(day or 1):02d}")


def _year(text: str) -> int:
    digits = text.lstrip("'")
    if len(digits) == 4:
        return int(digits)
    return int(digits) + (1900 if int(digits) >= 69 else 2000)  # as POSIX reads two digits


def _seconds(part: dict[str, str]) -> int:
    """Microseconds since midnight."""
    if not part.get("h"):
        return 0
    hour, minute, second = int(part["h"]), int(part["mi"]), int(part["s"] or 0)
    if part["ap"]:
        if not 1 <= hour <= 12:
            raise ValueError(part["h"])
        hour = hour % 12 + (12 if part["ap"].lower() == "pm" else 0)
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and minute + second):
        raise ValueError(part["h"])
    fraction = int((part["f"] or "0").ljust(9, "0")) // 1000
    return (hour * 3600 + minute * 60 + second) * 1_000_000 + fraction


def _zone(text: str | None) -> str:
    if not text:
        return ""
    if text in ("Z", "UTC", "GMT"):
        return "+00:00"
    return f"{text[:3]}:{text[-2:] if len(text) > 3 else '00'}"
