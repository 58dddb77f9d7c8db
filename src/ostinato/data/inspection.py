"""What a person should know about a file before forecasting it: findings, each with a suggested fix."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.findings import Finding, count, listing
from ostinato.data.frames import when
from ostinato.data.tables import Table

_OUTLIER_DEVIATES = 8.0  # from the neighbours, the season set aside
_PLAIN_DEVIATES = 5.0  # and from the neighbours as they are, so that a changing season is no outlier
_SHIFT_DEVIATES = 6.0
_LEAST_ROWS = 12  # fewer tell nothing about outliers or level shifts
_MOST_SERIES = 300
_MOST_NAMED = 5
_FACTS = frozenset(("columns", "format", "frequency", "season"))  # said of every file
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Inspection:
    """What was found in a file.

    Args:
        source: How messages name the file.
        rows: Rows of the file.
        series: Number of series.
        freq: A pandas alias, or the step of integer times.
        season_length: Steps in a season; 1 for none.
        start: The first time of all series.
        end: The last time of all series.
        findings: In the order of reading, then of the values.
    """

    source: str
    rows: int
    series: int
    freq: str | int
    season_length: int
    start: str
    end: str
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings for which ``forecast`` would refuse the file."""
        return tuple(finding for finding in self.findings if finding.problem)

    def to_text(self) -> list[str]:
        """The findings as lines for a person: a summary, then a sentence each, with the fix."""
        size = f"{count(self.rows, 'row')}, {count(self.series, 'series')}"
        lines = [f"{self.source}: {size}, from {self.start} to {self.end}"]
        for finding in self.findings:
            fix = f"; {finding.fix}" if finding.fix else ""
            mark = "problem: " if finding.problem else ""
            lines.append(f"{mark}{finding.text}{fix}")
        if not any(finding.problem or finding.fix for finding in self.findings if finding.kind not in _FACTS):
            lines.append("nothing looks wrong")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """The same as plain numbers, texts, lists and dictionaries, for JSON."""
        return {**asdict(self), "findings": [asdict(finding) for finding in self.findings]}


def inspect(table: Table) -> Inspection:
    """Look through a table for what may spoil a forecast.

    Args:
        table: From ``tables.read``, best with ``lenient=True``. Of more than 300 series, an even sample is
            searched for outliers and level shifts.
    """
    frame = table.frame
    findings = [*table.findings, *_short(table), *_negative(frame), *_outliers(table), *_shifts(table)]
    return Inspection(
        source=table.source,
        rows=table.rows,
        series=table.series,
        freq=table.freq,
        season_length=table.season_length,
        start=when(frame["ds"].min()),
        end=when(frame["ds"].max()),
        findings=tuple(findings),
    )


def _short(table: Table) -> Iterator[Finding]:
    """Series with fewer than two seasons, or fewer than a dozen rows."""
    least = max(2 * table.season_length, _LEAST_ROWS)
    lengths = table.frame.groupby("unique_id", sort=False)["y"].count()
    short = lengths.index[lengths < least]
    if len(short):
        names = listing([str(name) for name in short], _MOST_NAMED)
        yield Finding(
            "short series",
            names,
            f"{count(len(short), 'series')} with fewer than {least} values: {names}",
            "add history, or expect the forecast to fall back on a baseline",
        )


def _negative(frame: pd.DataFrame) -> Iterator[Finding]:
    """Values below zero in a file where they are rare, or simply their number."""
    below = frame["y"].to_numpy() < 0
    if below.any():
        at = int(np.argmax(below))
        where = _place(frame, at)
        few = below.sum() * 20 < len(frame)
        yield Finding(
            "negative values",
            where,
            f"{count(int(below.sum()), 'value')} below zero, the first {frame['y'].iloc[at]:g} in {where}",
            "check them if the values cannot be negative" if few else "",
        )


def _outliers(table: Table) -> Iterator[Finding]:
    """Values far from what the neighbours and the season make of them, on a robust scale."""
    frame = table.frame
    found: list[tuple[float, int]] = []
    for start, values in _sampled(frame):
        sizes = np.abs(_deviates(values, table.season_length))
        far = (sizes > _OUTLIER_DEVIATES) & (np.abs(_deviates(values, 1)) > _PLAIN_DEVIATES)
        if far.any() and np.nanmin(values) > 0:  # a spread that grows with the level is no outlier either
            far &= np.abs(_deviates(np.log(values), table.season_length)) > _OUTLIER_DEVIATES
        found += [(float(sizes[i]), start + int(i)) for i in np.flatnonzero(far)]
    if not found:
        return
    rows = [row for _, row in sorted(found, reverse=True)]
    places = [f"{_place(frame, row)} ({frame['y'].iloc[row]:g})" for row in rows[:_MOST_NAMED]]
    more = f" and {len(rows) - _MOST_NAMED:,} more" if len(rows) > _MOST_NAMED else ""
    yield Finding(
        "outliers",
        _place(frame, rows[0]),
        f"{count(len(rows), 'value')} far from the neighbours and the season: {'; '.join(places)}{more}",
        "check them, and empty the cells that are mistakes",
    )


def _deviates(values: Floats, season: int) -> Floats:
    """``(time,)`` robust deviates from the neighbours' median, the season set aside; 1 is none."""
    deviates = np.zeros(len(values))
    present = np.isfinite(values)
    if present.sum() < _LEAST_ROWS:
        return deviates
    level = pd.Series(values - _seasonal_medians(values, season))
    rest = (level - level.rolling(7, center=True, min_periods=4).median()).to_numpy()
    known = np.flatnonzero(np.isfinite(rest))
    if not len(known):
        return deviates
    bends = np.diff(level.dropna().to_numpy(), 2) / np.sqrt(6)  # the noise of a line, where all rest is zero
    spread = 1.4826 * max(np.median(np.abs(rest[known])), np.median(np.abs(bends)))
    if spread <= 1e-9 * float(
        np.max(np.abs(values[present]))
    ):  # most lie exactly on the median, as in counts
        return deviates
    deviates[known] = rest[known] / spread
    return deviates


def _seasonal_medians(values: Floats, season: int) -> Floats:
    """``(time,)`` the median of each phase of the season around a running median of one season."""
    if season == 1 or np.isfinite(values).sum() < 3 * season:
        return np.zeros(len(values))
    series = pd.Series(values)
    trend = series.rolling(season, center=True, min_periods=season // 2 + 1).median()
    trend.iloc[: season // 2] = trend.iloc[-(season // 2) :] = np.nan  # half windows lean to one side
    phase = np.arange(len(values)) % season
    return np.asarray((series - trend).groupby(phase).transform("median").fillna(0.0))


def _shifts(table: Table) -> Iterator[Finding]:
    """The series whose level jumps the most, if it jumps beyond doubt."""
    frame = table.frame
    found = []
    for start, values in _sampled(frame):
        at, deviate = _shift(values, table.season_length)
        if abs(deviate) > _SHIFT_DEVIATES:
            found.append((start + at, deviate))
    if not found:
        return
    at, deviate = max(found, key=lambda one: abs(one[1]))
    also = f", and {count(len(found) - 1, 'other series')} likewise" if len(found) > 1 else ""
    yield Finding(
        "level shifts",
        _place(frame, at),
        f"the level jumps {'up' if deviate > 0 else 'down'} in {_place(frame, at)}{also}",
        "if something changed for good, forecast from the rows since then",
    )


def _shift(values: Floats, season: int) -> tuple[int, float]:
    """The step at which the medians of the windows before and after differ most, and its robust deviate."""
    window = max(season, 12)
    series = pd.Series(values)
    after = series[::-1].rolling(window, min_periods=window * 3 // 4).median()[::-1].to_numpy()
    before = np.r_[np.nan, series.rolling(window, min_periods=window * 3 // 4).median().to_numpy()[:-1]]
    jumps = after - before
    known = np.flatnonzero(np.isfinite(jumps))
    if len(known) < 4 * window:
        return 0, 0.0
    inside = jumps[known]
    spread = 1.4826 * np.median(np.abs(inside - np.median(inside)))
    noise = np.nanmedian(np.abs(values - np.nanmedian(values)))
    at = int(known[np.argmax(np.abs(inside - np.median(inside)))])
    deviate = (jumps[at] - np.median(inside)) / max(spread, 1e-9 * noise, np.finfo(float).tiny)
    return at, float(deviate) if abs(jumps[at]) > noise else 0.0


def _sampled(frame: pd.DataFrame) -> Iterator[tuple[int, Floats]]:
    """The first row and the values of each series, of an even sample where there are many."""
    starts = np.flatnonzero(~frame["unique_id"].duplicated().to_numpy())
    ends = np.r_[starts[1:], len(frame)]
    values = frame["y"].to_numpy(dtype=np.float64)
    for i in np.unique(np.linspace(0, len(starts) - 1, min(len(starts), _MOST_SERIES)).astype(int)):
        yield int(starts[i]), values[starts[i] : ends[i]]


def _place(frame: pd.DataFrame, row: int) -> str:
    return f"series '{frame['unique_id'].iloc[row]}' at {when(frame['ds'].iloc[row])}"
