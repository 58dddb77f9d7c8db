"""The season of a series: how many steps until the pattern repeats, tested on the past alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.grid import DAY, parse_freq

Floats = NDArray[np.float64]
_INTEGER_CANDIDATES = (4, 5, 7, 12, 24, 48, 52, 96, 168)
_CYCLES = 3  # whole cycles that a candidate needs
_Z_LIMIT, _Z_DOUBLING = 2.58, 0.23  # one-sided normal quantile of 0.005, and of half of it
_SAMPLE_SERIES = 200
_LONGEST = 5000
_SHARE = 1 / 3


@dataclass(frozen=True)
class SeasonTest:
    """How clearly a series repeats.

    Args:
        period: Steps in a cycle.
        z: The F ratio of the seasonal means as a normal deviate.
        strength: Share of the detrended variance that the seasonal means explain, adjusted for their number.
        limit: The deviate beyond which the season is beyond doubt: 0.005 shared by all cycles tried.
    """

    period: int
    z: float
    strength: float
    limit: float = _Z_LIMIT

    @property
    def seasonal(self) -> bool:
        """Whether the season is beyond doubt."""
        return self.z > self.limit


def candidates(freq: str | int) -> tuple[int, ...]:
    """The cycles that a frequency may have, shortest first.

    >>> candidates("MS"), candidates("h"), candidates("30min"), candidates("YS")
    ((12,), (24, 168), (48, 336), ())
    """
    grid = parse_freq(freq)
    if grid.kind == "integer":
        return _INTEGER_CANDIDATES
    if grid.kind == "month":
        return (12 // grid.size,) if grid.size in (1, 2, 3, 4, 6) else ()
    if grid.kind == "business":
        return (5, 261) if grid.size == 1 else ()
    if grid.kind != "step":
        return (12,) if "M" in str(grid.freq) else ()
    if grid.size % (7 * DAY) == 0:
        weeks = grid.size // (7 * DAY)
        return (52 // weeks,) if weeks in (1, 2, 4, 13) else ()
    cycles = (3600 * 10**6, DAY, 7 * DAY, 365 * DAY)
    shortest = {True: 0, False: 1}[grid.size <= 60 * 10**6]
    periods = [cycle // grid.size for cycle in cycles[shortest:] if cycle % grid.size == 0]
    longest = 400 if grid.size >= DAY else 7 * DAY // grid.size
    return tuple(period for period in periods if 2 <= period <= longest)


def detect_season(values: Sequence[float] | Floats, freq: str | int) -> int:
    """Find how many steps the pattern of a series takes to repeat.

    Each cycle that the frequency suggests is tested by an F test of the seasonal means after a centred moving
    average of one cycle has been taken away; the degrees of freedom are cut for autocorrelation, so that
    wandering series do not pass for seasonal ones. Of several significant cycles the shortest one wins that
    explains at least four fifths of what the best one does.

    Args:
        values: ``(time,)`` the past, NaN where missing.
        freq: A pandas alias, or an integer step (then common cycles are tried).

    Returns:
        The cycle in steps; 1 if none is significant or there are fewer than three whole cycles.

    References:
        Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, sections 3.4 and 4.3, for the
        decomposition and strength; Paulson (1942), Annals of Mathematical Statistics 13, 233, for the F
        deviate; Bartlett (1946), JRSS Supplement 8, 27, for the effective degrees of freedom.

    >>> year = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]
    >>> detect_season(year * 5, "MS"), detect_season([1.0, 2.0, 3.0] * 2, "MS")
    (12, 1)
    """
    tests = _tests(np.asarray(values, dtype=np.float64), freq)
    return _choose({test.period: (test.z, test.strength) for test in tests if test.seasonal})


def detect_common_season(frame: pd.DataFrame, freq: str | int) -> int:
    """Find the season that many series share: the one that at least a third of them show.

    Args:
        frame: ``unique_id, y`` on the grid, series one after the other; of more than 200 series an even
            sample is tested, and of each series the last 5,000 steps.
        freq: A pandas alias, or an integer step.
    """
    y = frame["y"].to_numpy(dtype=np.float64)
    codes, names = pd.factorize(frame["unique_id"])
    bounds = np.searchsorted(codes, np.arange(len(names) + 1))
    picked = np.unique(np.linspace(0, len(names) - 1, min(len(names), _SAMPLE_SERIES)).astype(int))
    found: dict[int, list[SeasonTest]] = {}
    for series in picked:
        for test in _tests(y[bounds[series] : bounds[series + 1]], freq):
            found.setdefault(test.period, []).append(test)
    common = {}
    for period, tests in found.items():
        share = sum(test.seasonal for test in tests) / len(tests)
        if share >= _SHARE and len(tests) * 3 >= len(picked):
            common[period] = (share, float(np.median([test.strength for test in tests])))
    return _choose(common)


def assess_season(values: Floats, period: int) -> SeasonTest:
    """Test one cycle on one series.

    Args:
        values: ``(time,)`` the past, NaN where missing.
        period: Steps in a cycle, at least 2.
    """
    present = values[np.isfinite(values)]
    if not len(present):
        return SeasonTest(period, 0.0, 0.0)
    largest, exponent = np.frexp(np.max(np.abs(present)))
    values, present = (
        np.ldexp(some, -exponent) for some in (values, present)
    )  # exact, and squares do not overflow
    rounding = 16 * np.finfo(np.float64).eps * float(largest)
    values = values - np.median(present)  # a high level would drown the sums below in its rounding
    values = _clipped(values, 10.0)  # else an outlier would bend the moving average for a whole cycle
    rest = values - moving_average(values, period)
    kept = np.flatnonzero(np.isfinite(rest))
    nothing = SeasonTest(period, 0.0, 0.0)
    if len(kept) < 2 * period:
        return nothing
    x, phase = _clipped(rest[kept], 5.0), kept % period  # an outlier is not a season
    number = np.bincount(phase, minlength=period)
    means = np.bincount(phase, x, minlength=period) / np.maximum(number, 1)
    within = x - means[phase]
    between_square = float(np.sum(number * (means - x.mean()) ** 2))
    within_square = float(np.sum(within**2))
    between_free, within_free = int((number > 0).sum()) - 1, len(x) - int((number > 0).sum())
    if between_free < 1 or within_free < 1 or between_square <= len(x) * rounding**2:
        return nothing
    if within_square <= 1e-12 * between_square:
        return SeasonTest(period, np.inf, 1.0)
    ratio = (between_square / between_free) / (within_square / within_free)
    inflation = _inflation(within, kept, period)
    z = _normal_deviate(ratio, max(between_free / inflation, 1.0), max(within_free / inflation, 1.0))
    total = (between_square + within_square) / (len(x) - 1)
    return SeasonTest(period, z, max(0.0, 1.0 - within_square / within_free / total))


def _clipped(values: Floats, deviates: float) -> Floats:
    """Values no further from their median than so many robust standard deviations."""
    centre = np.nanmedian(values) if np.isfinite(values).any() else 0.0
    spread = 1.4826 * np.nanmedian(np.abs(values - centre)) if np.isfinite(values).any() else 0.0
    return np.clip(values, centre - deviates * spread, centre + deviates * spread) if spread > 0 else values


def _tests(values: Floats, freq: str | int) -> list[SeasonTest]:
    values = values[-_LONGEST:]
    present = np.flatnonzero(np.isfinite(values))
    if not len(present):
        return []
    values = values[present[0] : present[-1] + 1]
    periods = [period for period in candidates(freq) if len(values) >= _CYCLES * period]
    limit = _Z_LIMIT + _Z_DOUBLING * float(np.log2(max(len(periods), 1)))
    return [replace(assess_season(values, period), limit=limit) for period in periods]


def _choose(found: dict[int, tuple[float, float]]) -> int:
    """The strongest cycle, or a shorter one that explains nearly as much."""
    if not found:
        return 1
    strongest = max(strength for _, strength in found.values())
    return min(period for period, (_, strength) in found.items() if strength >= 0.8 * strongest)


def moving_average(values: Floats, period: int) -> Floats:
    """Centred average over one cycle; NaN within half a cycle of the ends."""
    weights = np.ones(period)
    if period % 2 == 0:
        weights = np.r_[0.5, np.ones(period - 1), 0.5]
    present = np.isfinite(values)
    sums = _convolve(np.where(present, values, 0.0), weights)
    counts = _convolve(present.astype(np.float64), weights)
    half = len(weights) // 2
    out = np.full(len(values), np.nan)
    enough = counts >= 0.5 * period
    out[half : len(values) - half] = np.where(enough, sums / np.maximum(counts, 1e-9), np.nan)
    return out


def _convolve(values: Floats, weights: Floats) -> Floats:
    """``valid`` convolution with a window of ones whose ends may be halves, in linear time."""
    window = len(weights)
    total = np.cumsum(np.r_[0.0, values])
    sums = total[window:] - total[:-window]
    if weights[0] != 1.0:
        sums = sums - 0.5 * (values[: len(values) - window + 1] + values[window - 1 :])
    return np.asarray(sums)


def _inflation(rest: Floats, kept: NDArray[np.intp], period: int) -> float:
    """Variance inflation of a mean square by autocorrelation: ``1 + 2 * sum(rho_k ** 2)``."""
    line = np.zeros(int(kept[-1]) + 1)
    line[kept] = rest
    size = 1 << (2 * len(line) - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(line, size)) ** 2
    covariance = np.fft.irfft(spectrum, size)[: min(period, len(line))]
    excess = (covariance[1:] / covariance[0]) ** 2 - 1.0 / len(kept)  # what chance alone would give
    return float(1.0 + 2.0 * np.sum(np.maximum(excess, 0.0)))


def _normal_deviate(ratio: float, between_free: float, within_free: float) -> float:
    """An F ratio as a standard normal deviate (Paulson 1942)."""
    a, b = 2 / (9 * within_free), 2 / (9 * between_free)
    root = ratio ** (1 / 3)
    return float(((1 - a) * root - (1 - b)) / np.sqrt(a * root**2 + b))
