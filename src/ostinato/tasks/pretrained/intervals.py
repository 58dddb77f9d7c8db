"""Quantiles of any level, as wide as the networks' misses on the past of the given series ask for."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from ostinato.evaluate.knots import LEVELS, OUTER, with_tails
from ostinato.evaluate.recalibration import CHANCE, LEAST_SHARE, SHOCK
from ostinato.tasks.pretrained.network import Member
from ostinato.tasks.pretrained.values import Raw, forecast_raw

Values = npt.NDArray[np.float64]
KNOTS = (1 - OUTER, *LEVELS, OUTER)
CENTRE = KNOTS.index(0.5)
COVERED = tuple(round(KNOTS[-1 - pair] - KNOTS[pair], 3) for pair in range(CENTRE - 1, -1, -1))  # inside out
ORIGINS = 4  # origins in the past that are tried, one horizon apart
WINDOWS = 384  # tried in all
LEAST_PAST = 8  # values before an origin
SPREAD = 0.18  # of the logarithm of the true factors between sets of series
LARGEST_FACTOR = 6.0


@dataclass(frozen=True)
class Levels:
    """The forecast distributions of many series.

    Attributes:
        raw: the forecasts they came from.
        knots: (series, h, 11), the quantiles `KNOTS`, increasing.
    """

    raw: Raw
    knots: Values

    def at(self, level: float) -> Values:
        """The quantile of any level: interpolated inside, with normal tails outside: (series, h)."""
        if level < KNOTS[0] or level > KNOTS[-1]:
            outer = 0 if level < KNOTS[0] else len(KNOTS) - 1
            ratio = NormalDist().inv_cdf(level) / NormalDist().inv_cdf(KNOTS[outer])
            centre = self.knots[:, :, CENTRE]
            found = centre + (self.knots[:, :, outer] - centre) * ratio
        else:
            below = min(int(np.searchsorted(KNOTS, level, side="right")) - 1, len(KNOTS) - 2)
            share = (level - KNOTS[below]) / (KNOTS[below + 1] - KNOTS[below])
            found = self.knots[:, :, below] * (1 - share) + self.knots[:, :, below + 1] * share
        return np.asarray(self.raw.fitting(found[:, :, None])[:, :, 0])

    def interval(self, share: float) -> tuple[Values, Values]:
        """The ends of the interval that holds a share of the values: (series, h) each.

        As much lies above it as below, but for counts whose lower end is 0: nothing can lie below that, so all
        the rest lies above, and the interval is the shortest from 0 on.
        """
        low, high = self.at(0.5 - share / 2), self.at(0.5 + share / 2)
        from_zero = self.raw.counts[:, None] & (low <= 0)
        return low, np.where(from_zero, self.at(share), high)


def forecast_levels(
    values: Values,
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    h: int,
    *,
    season_length: int,
    long_season: int = 0,
    members: tuple[Member, ...] | None = None,
) -> Levels:
    """Forecasts distributions of series that lie one after the other in an array.

    The networks are also run at up to four earlier origins of some of the series. How far the values that
    followed lay from the median, against the quantiles forecast, gives a factor for each interval and each band
    of steps (1, 2-3, 4-7, ...), pooled over the series and shrunk towards 1 by how little is known. Counts are
    pooled apart from other series, and made continuous by noise of one unit, which rounding takes off again.

    Args:
        values: all series, NaN where missing; each has a value.
        starts: (series,), where each begins.
        ends: (series,), one past where each ends.
        h: steps to forecast.
        season_length: steps of the season, 1 for none.
        long_season: steps of a second, longer season, 0 for none.
        members: networks whose quantiles are averaged; None for those of the package.

    Returns:
        The distributions.

    Raises:
        ConfigError: the horizon or a season is below its least value.

    References:
        Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World, for conformal intervals.
        Machado and Santos Silva (2005), Quantiles for counts, for the noise.
    """

    def run(begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> Raw:
        return forecast_raw(
            values, begin, end, h, season_length=season_length, long_season=long_season, members=members
        )

    raw = run(starts, ends)
    knots = with_tails(raw.levels)
    rows, cuts = _origins(values, starts, ends, h)
    if len(rows):
        actual = values[cuts[:, None] + np.arange(h)]
        _calibrate(knots, raw, run(starts[rows], cuts), actual, (ends[rows] - cuts) // h)
    return Levels(raw, raw.fitting(knots))


def _calibrate(knots: Values, raw: Raw, tried: Raw, actual: Values, origin: npt.NDArray[np.int64]) -> None:
    """Stretches the quantiles, in place, by what the trials missed; counts and other series each by their own."""
    forecast = with_tails(tried.levels)
    actual[tried.counts] += np.random.default_rng(0).uniform(-0.5, 0.5, actual[tried.counts].shape)
    for counts in (False, True):
        alike, wanted = tried.counts == counts, raw.counts == counts
        knots[wanted] = widen(knots[wanted], learn(forecast[alike], actual[alike], origin[alike]))


def learn(knots: Values, actual: Values, origin: npt.NDArray[np.int64]) -> Values:
    """Factors by which the quantiles' distances from the median are to be stretched.

    Args:
        knots: (windows, h, 11), what was forecast.
        actual: (windows, h), what followed, NaN where it is not known.
        origin: (windows,), at which origin; misses at the same one go together.

    Returns:
        (h, 5), for the intervals `COVERED`, the narrowest first.
    """
    h = actual.shape[1]
    centre = knots[..., CENTRE]
    factors = np.ones((h, len(COVERED)))
    bands = np.log2(np.arange(1, h + 1)).astype(np.int64)
    for pair, covered in enumerate(COVERED):
        reach = np.where(
            actual >= centre, knots[..., CENTRE + 1 + pair] - centre, centre - knots[..., CENTRE - 1 - pair]
        )
        missed = np.abs(actual - centre)
        ratio = missed / np.maximum(reach, 1e-9 * np.abs(centre) + 1e-300)
        for band in range(bands[-1] + 1):
            steps = bands == band
            factors[steps, pair] = _factor(ratio[:, steps], origin, covered)
    return factors


def widen(knots: Values, factors: Values) -> Values:
    """Stretches quantiles about the median; they keep their order: (series, h, 11).

    Args:
        knots: (series, h, 11).
        factors: (series, h, 5) or one that broadcasts to it, from `learn`.
    """
    centre = knots[..., CENTRE, None]
    below = (centre - knots[..., CENTRE - 1 :: -1]) * factors  # from the median outwards
    above = (knots[..., CENTRE + 1 :] - centre) * factors
    below, above = (np.maximum.accumulate(distance, axis=-1) for distance in (below, above))
    return np.concatenate([(centre - below)[..., ::-1], centre, centre + above], axis=-1)


def _factor(ratio: Values, origin: npt.NDArray[np.int64], covered: float) -> float:
    """One factor from the ratios of misses to reach: the mean logarithm over the origins, shrunk.

    Args:
        ratio: (windows, steps), NaN where not known.
        origin: (windows,).
        covered: share of the values that the interval shall hold.
    """
    found, doubt = [], 0.0
    for number in np.unique(origin):
        known = ratio[origin == number]
        windows = np.isfinite(known).any(axis=1).sum()
        if windows:
            middle = float(np.nanquantile(known, covered))
            found.append(np.log(np.clip(middle, 1 / LARGEST_FACTOR, LARGEST_FACTOR)))
            doubt += SHOCK**2 + CHANCE**2 / windows
    if not found:
        return 1.0
    doubt /= len(found) ** 2
    return float(np.exp(np.mean(found) * SPREAD**2 / (SPREAD**2 + doubt)))


def _origins(
    values: Values, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], h: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Series and ends of their pasts to be tried, spread evenly over the series."""
    seen = np.concatenate([[0], np.cumsum(np.isfinite(values))])
    lengths = ends - starts
    rows, cuts = [], []
    for number in range(1, ORIGINS + 1):
        cut = ends - number * h
        enough = (cut - starts >= LEAST_PAST) & (cut - starts >= LEAST_SHARE * lengths)
        chosen = np.flatnonzero(enough)
        chosen = chosen[seen[cut[chosen]] - seen[starts[chosen]] >= LEAST_PAST]
        if len(chosen) > WINDOWS // ORIGINS:
            chosen = chosen[np.linspace(0, len(chosen) - 1, WINDOWS // ORIGINS).astype(np.int64)]
        rows.append(chosen)
        cuts.append(cut[chosen])
    return np.concatenate(rows), np.concatenate(cuts)
