"""Intervals that adapt to what is observed, and an alarm when forecasts err more than they used to.

Every observation is compared with the forecasts that were made of it, one for each number of steps ahead. From
their errors three things are kept, in memory that does not grow:

* **Widths.** An interval reaches as far as a quantile of recent scores, a score being an absolute error in units of the
  running mean absolute error of its step ahead. Which quantile is decided by adaptive conformal inference: after each
  observation `alpha += RATE * (1 - level - missed)`, for each level, series and step ahead. Where alpha falls below 0
  the interval doubles with each further miss, so alpha stays bounded for errors of any bounded size, and the share of
  observations outside the interval tends to `1 - level` whatever the series does: after `T` observations it is within
  `(largest |alpha| + 1) / (RATE * T)` of it.
* **Coverage** of the intervals as they were given.
* **Drift.** A one-sided CUSUM of one-step errors: each is ranked among reference errors, the first `KEPT` there were;
  the rank as a normal score minus `SLACK` is summed, never below 0, and a sum above `LIMIT` is an alarm, which starts
  the sum anew. While the reference grows, from `FEWEST` errors on, each is ranked among those before it; such ranks
  are independent and uniform too. With independent errors distributed as the reference there is a false alarm once
  in about 900 observations of a series; when errors double in size, the alarm comes after about 14.

References:
    I. Gibbs and E. J. Candes (2021), Adaptive conformal inference under distribution shift, eq. 2 and proposition 4.1,
    https://arxiv.org/abs/2106.00170.
    E. S. Page (1954), Continuous inspection schemes, Biometrika 41, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ModelFileError
from ostinato.evaluate.conformal import LEVELS, Conformal

Values = NDArray[np.float64]

RATE = 0.02
"""How far alpha moves after a miss, as a share of the level."""
KEPT = 64
"""Scores behind the quantiles of a series, and reference errors behind its alarm."""
FEWEST = 20
"""Scores that a series needs before it has intervals, and reference errors before it can have an alarm."""
FORGETTING = 0.03
"""Weight of the newest error in the running mean of absolute errors."""
SLACK, LIMIT = 0.5, 5.5
"""What is taken from each normal score of the drift alarm, and the sum that raises it."""
LARGEST = 1e6
"""Largest score, where errors were 0 before."""
DOUBLINGS = 40
"""How often an interval may double."""


def _drift_scores(count: int) -> list[float]:
    """What each rank among so many reference errors adds to the sum of the drift alarm: nothing among too few."""
    if count < FEWEST:
        return [0.0] * (2 * KEPT + 1)
    normal = NormalDist()
    ranks = [min(rank, 2 * count) for rank in range(2 * KEPT + 1)]
    return [normal.inv_cdf((rank + 1) / (2 * count + 2)) - SLACK for rank in ranks]


_DRIFT = np.array([_drift_scores(count) for count in range(KEPT + 1)])
"""(reference errors, rank) its normal score, less the slack."""


@final
class Adaptive:
    """What is kept of the errors of some series: `observe` each value, then `expect` the next forecasts.

    Args:
        series: how many.
        h: steps ahead that are followed.
        levels: of the intervals, in percent, rising.

    Attributes:
        levels: of the intervals.
        arrays: all that is kept, the series along the first axis; among them `alpha (series, h, levels)`, what the
            intervals leave outside, `held` and `missed (series, h, levels)`, how many intervals held what was observed
            and how many did not, and `alarms (series,)`, the drift alarms so far.
    """

    def __init__(self, series: int, h: int, levels: Sequence[float] = LEVELS) -> None:
        self.levels = tuple(float(level) for level in levels)
        count = len(self.levels)
        outside = 1 - np.array(self.levels) / 100
        self._narrower, self._wider = (
            RATE * outside,
            RATE * (1 - outside),
        )  # what a hit adds to alpha, a miss takes
        self._h = h
        steps, rows = np.arange(h), np.arange(series)
        # Forecasts made at time t are kept at place t % h of h; [t % h, k]: where among the h * h of a series the one
        # made k + 1 before has this step. Flat places are looked up in a fraction of the time of pairs and triples.
        self._before = (steps[:, None] - steps - 1) % h * h + steps
        self._first = {
            size: rows * size for size in (h, h * h, KEPT)
        }  # flat place of each series' first of so many
        self._begun = (
            False  # whether every series has all its reference errors and a running mean; it stays so
        )
        self.arrays: dict[str, Values] = {
            "alpha": np.broadcast_to(outside, (series, h, count)).copy(),
            "held": np.zeros((series, h, count)),
            "missed": np.zeros((series, h, count)),
            "alarms": np.zeros(series),
            "time": np.zeros(series),  # modulo h
            "made": np.full((series, h, h), np.nan),  # forecasts, (place, step ahead)
            "reach": np.full((series, h, h, count), np.nan),  # half widths of their intervals
            "unit": np.zeros((series, h)),  # running mean absolute error of each step ahead
            "seen": np.zeros((series, h)),  # errors in it
            "scores": np.full((series, KEPT), np.inf),  # recent ones, one step ahead; infinite where none yet
            "reference": np.full((series, KEPT), np.inf),
            "sum": np.zeros(series),  # of the drift alarm
            "told": np.zeros(series),  # one-step errors so far, those of the backtest included
        }

    @classmethod
    def calibrated(
        cls, conformal: Conformal, names: Sequence[object], h: int, levels: Sequence[float] = LEVELS
    ) -> Adaptive:
        """Begin with the errors of a backtest.

        Args:
            conformal: widths learned from it, for at least `h` steps.
            names: of the series.
            h: steps ahead that are followed.
            levels: of the intervals, in percent, rising.
        """
        tracker = cls(len(names), h, levels)
        errors = conformal.widths(
            h, tuple(100 * (np.arange(KEPT) + 0.5) / KEPT)
        )  # (KEPT, h), in units of a series
        units = conformal.units(names)[:, None]  # NaN for a series without one
        known = np.isfinite(units)
        unit = errors.mean(axis=0)
        tracker.arrays["unit"] = np.where(known, units * unit, 0.0)
        tracker.arrays["seen"] = np.where(known, float(KEPT), tracker.arrays["seen"])
        tracker.arrays["scores"] = np.where(known, _scores(errors[:, 0], unit[0]), np.inf)
        tracker.arrays["reference"] = np.where(known, units * errors[:, 0], np.inf)
        tracker.arrays["told"] = np.where(known[:, 0], float(KEPT), 0.0)
        return tracker

    def observe(self, y: Values) -> NDArray[np.bool_]:
        """Compare one new value of each series with the forecasts that were made of it.

        Args:
            y: (series,); NaN where missing, which says nothing.

        Returns:
            (series,) True where errors have drifted: an alarm.
        """
        kept = self.arrays
        place = self._before[kept["time"].astype(np.intp)] + self._first[self._h**2][:, None]  # (series, h)
        errors = np.abs(y[:, None] - kept["made"].take(place))  # (series, h), NaN where there is none
        reach = kept["reach"].reshape(-1, len(self.levels)).take(place, axis=0)
        spare = reach - errors[:, :, None]  # (series, h, levels)
        held, missed = spare >= 0, spare < 0
        alpha = kept["alpha"] + held * self._narrower - missed * self._wider
        kept["alpha"] = np.minimum(np.maximum(alpha, -RATE * DOUBLINGS), 1 + RATE)
        kept["held"] += held
        kept["missed"] += missed
        known = errors >= 0
        alarm = self._drift(errors[:, 0], known[:, 0])
        self._learn(errors, known)
        return alarm

    def expect(self, forecast: Values) -> None:
        """Take note of the forecasts of the next `h` steps, and of the intervals around them.

        Args:
            forecast: (series, h).
        """
        kept, h = self.arrays, self._h
        place = self._first[h] + kept["time"].astype(np.intp)
        kept["made"].reshape(-1, h)[place] = forecast
        kept["reach"].reshape(-1, h, len(self.levels))[place] = self._half_widths(kept["alpha"])
        kept["time"] = (kept["time"] + 1) % h

    def widths(self, levels: Sequence[float] | None = None) -> Values:
        """Half widths of the intervals of the next steps.

        Args:
            levels: in percent, rising; those that are followed when None. One that is not is the plain quantile
                of the recent scores.

        Returns:
            (series, h, levels); NaN for a series with fewer than `FEWEST` errors.
        """
        alpha = self.arrays["alpha"]
        if levels is not None:
            followed = {level: alpha[:, :, number] for number, level in enumerate(self.levels)}
            plain = np.ones(alpha.shape[:2])
            parts = [followed.get(float(level), plain * (1 - level / 100)) for level in levels]
            alpha = np.stack(parts, axis=2)
        return self._half_widths(alpha)

    def coverage(self) -> Values:
        """The share of intervals that held what was observed, (h, levels) over all series; NaN where none was given."""
        held, missed = self.arrays["held"].sum(axis=0), self.arrays["missed"].sum(axis=0)
        share: Values = np.divide(
            held, held + missed, out=np.full(held.shape, np.nan), where=held + missed > 0
        )
        return share

    def take(self, rows: NDArray[np.int64]) -> Adaptive:
        """What is kept of some of the series, a copy.

        Args:
            rows: their places.
        """
        part = Adaptive(len(rows), self._h, self.levels)
        part.arrays = {name: array[rows] for name, array in self.arrays.items()}
        return part

    def put(self, rows: NDArray[np.int64], part: Adaptive) -> None:
        """Put back what `take` gave, after it went on."""
        for name, array in part.arrays.items():
            self.arrays[name][rows] = array

    @classmethod
    def from_arrays(cls, levels: Sequence[float], arrays: Mapping[str, NDArray[Any]]) -> Adaptive:
        """The tracker whose `levels` and `arrays` were saved.

        Raises:
            ModelFileError: an array is missing or has another shape.
        """
        series, h = arrays["unit"].shape if "unit" in arrays and arrays["unit"].ndim == 2 else (0, 0)
        tracker = cls(series, h, levels)
        for name, array in tracker.arrays.items():
            if name not in arrays or arrays[name].shape != array.shape:
                raise ModelFileError(f"the intervals of the stream lack {name!r}; save the model again")
            tracker.arrays[name] = np.array(arrays[name], dtype=np.float64, order="C")
        return tracker

    def _half_widths(self, alpha: Values) -> Values:
        """Half widths for the shares that the intervals leave outside, (series, h, levels) both."""
        kept = self.arrays
        unit: Values = kept["unit"]
        count: Values | int = KEPT
        if not self._begun:
            count = np.minimum(kept["told"], KEPT)[:, None, None]
            unit = np.where((count[:, 0] >= FEWEST) & (kept["seen"] > 0), unit, np.nan)
        # Rounded down: the smallest score that is enough.
        place = np.minimum((count + 1 - 1e-9) - alpha * (count + 1), count - 1)
        ordered = np.sort(kept["scores"], axis=1)
        quantile = ordered.take(place.astype(np.intp) + self._first[KEPT][:, None, None])
        if np.count_nonzero(alpha < 0):
            quantile = quantile * np.exp2(np.maximum(alpha / -RATE, 0.0))
        if np.count_nonzero(alpha >= 1):
            quantile = np.where(alpha >= 1, 0.0, quantile)
        return np.maximum.accumulate(quantile * unit[:, :, None], axis=2)

    def _drift(self, errors: Values, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Add the (series,) one-step errors to the sums of the alarm, and the first ones to the reference."""
        kept = self.arrays
        reference = kept["reference"]
        column = errors[:, None]
        # As bytes, of which there are at most 2 * KEPT, the comparisons are added up without a conversion each.
        below = (reference < column).view(np.int8) + (reference <= column).view(np.int8)
        rank = np.add.reduce(below, axis=1, dtype=np.intp)
        if self._begun:
            score = _DRIFT[KEPT].take(rank)
        else:
            told = kept["told"]
            score = _DRIFT[np.minimum(told, KEPT).astype(np.intp), rank]
            new = known & (told < KEPT)
            reference[new, told[new].astype(np.intp)] = errors[new]
            self._begun = bool(told.min() >= KEPT and kept["seen"].min() > 0)
        summed = np.where(known, np.maximum(kept["sum"] + score, 0.0), kept["sum"])
        alarm = summed > LIMIT
        kept["sum"] = np.where(alarm, 0.0, summed)
        kept["alarms"] += alarm
        return alarm

    def _learn(self, errors: Values, known: NDArray[np.bool_]) -> None:
        """Add the (series, h) errors to the scores and to the running means."""
        kept = self.arrays
        seen, unit, told = kept["seen"], kept["unit"], kept["told"]
        scores, place = kept["scores"].reshape(-1), self._first[KEPT] + (told % KEPT).astype(np.intp)
        usual = unit[:, 0] if self._begun else np.where(seen[:, 0] > 0, unit[:, 0], errors[:, 0])
        score = _scores(errors[:, 0], usual)  # the first one is its own unit
        weight, change = np.maximum(1 / (seen + 1), FORGETTING), errors - unit
        if np.count_nonzero(known) < known.size:
            score = np.where(known[:, 0], score, scores[place])
            weight, change = weight * known, np.where(known, change, 0.0)
        scores[place] = score
        unit += weight * change
        seen += known
        told += known[:, 0]


def _scores(errors: Values, unit: Values | float) -> Values:
    """Errors in units of the error that is usual; where that is 0, an error of 0 is usual too."""
    usual = np.where(unit > 0, unit, 1 / LARGEST)
    return np.minimum(errors / usual, LARGEST)
