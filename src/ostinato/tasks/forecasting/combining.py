"""The recipe `combined`: pretrained networks and networks trained on the given series, averaged.

How much the trained ones count is learned from the latest steps of the past, which are held out for it: a
half or a quarter, found from many series together, or 0 wherever they do not clearly help. One number is all that is
learned, so that there is little to be mistaken in.

References:
    J. M. Bates and C. W. J. Granger (1969), The combination of forecasts, Operational Research Quarterly 20(4);
    L. Breiman et al. (1984), Classification and Regression Trees, section 3.4.3 (the rule of one standard error).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.errors import DataError, TrainingError
from ostinato.evaluate import scores
from ostinato.tasks.forecasting.fitting import Progress
from ostinato.tasks.forecasting.trained import MakeNetwork, TrainedForecaster
from ostinato.tasks.forecasting.zero_shot import MakeZeroShot, ZeroShotForecaster
from ostinato.tasks.pretrained.network import Member

Values = NDArray[np.float64]
KEYS = ["unique_id", "ds"]

SHARES = (0.0, 0.25, 0.5)
"""Shares of the trained networks that are tried; at most they count as much as the pretrained ones."""
EVEN = 0.5
"""The share where none is learned."""
LEAST_SERIES = 20
"""Series that a share is learned from at least; of fewer, chance would decide."""


@dataclass(frozen=True)
class CombinedForecaster:
    """Pretrained and trained networks at the end of a history.

    Attributes:
        frame: unique_id, ds, y: the history, regular.
        freq: pandas alias or integer step.
        season_length: steps in a season.
        trained: the networks trained on such series.
        share: how much they count, above 0; the pretrained ones count the rest.
        members: other pretrained networks than those of the package, such as a model file's.
    """

    frame: pd.DataFrame
    freq: str | int
    season_length: int
    trained: TrainedForecaster
    share: float
    members: tuple[Member, ...] | None = field(default=None, repr=False)

    @cached_property
    def pretrained(self) -> ZeroShotForecaster:
        """The pretrained networks at the end of the history."""
        return ZeroShotForecaster(self.frame, self.freq, self.season_length, self.members)

    def predict(self, h: int) -> pd.DataFrame:
        """Forecast the next `h` steps of every series: unique_id, ds, forecast; NaN for one without any value."""
        own = replace(self.trained, frame=self.frame).predict(h)
        return _mixed(self.pretrained.predict(h), own, self.share)

    def predict_levels(self, h: int) -> pd.DataFrame:
        """As `predict`, with quantiles, forecast-q-10 ... forecast-q-90.

        Each is the mean of the two sides' quantiles of that level; where the trained networks give none, they move
        those of the pretrained ones as they move the forecast.
        """
        known = self.pretrained.predict_levels(h)
        own = replace(self.trained, frame=self.frame).predict_levels(h)
        return _mixed(known, own, self.share)

    def with_history(self, past: pd.DataFrame) -> CombinedForecaster:
        """The same networks at the end of another history."""
        return replace(self, frame=past, trained=self.trained.with_history(past))

    def of(self, rows: Sequence[int] | NDArray[np.int64]) -> CombinedForecaster:
        """The forecaster of some of the series by their places; the history has to be given anew."""
        encodings = [self.trained.encodings[row] for row in rows]
        return replace(self, trained=replace(self.trained, encodings=encodings))


def side_by_side(trained: TrainedForecaster) -> CombinedForecaster:
    """Trained networks and the pretrained ones at the end of the same history, counting as much as each other."""
    return CombinedForecaster(trained.frame, trained.freq, trained.season_length, trained, EVEN)


def average_columns(cv: pd.DataFrame, one: str, other: str, name: str) -> pd.DataFrame:
    """A backtest with the average of two of its models as another, and of their quantiles where both have some.

    Args:
        cv: the backtest.
        one: a model.
        other: another.
        name: the column to add.
    """
    pairs = zip(*([model, *scores.level_columns(model)] for model in (one, other, name)), strict=True)
    means = {
        to: (1 - EVEN) * cv[left] + EVEN * cv[right]
        for left, right, to in pairs
        if left in cv and right in cv
    }
    return cv.assign(**means)


@dataclass(frozen=True)
class MakeCombined:
    """A function from a past to pretrained and trained networks, averaged; it can be pickled.

    Attributes:
        network: how the trained ones are made.
    """

    network: MakeNetwork

    doubt = MakeZeroShot.doubt  # as much as that of the pretrained networks' quantiles

    @property
    def freq(self) -> str | int:
        """The frequency."""
        return self.network.freq

    @property
    def season_length(self) -> int | None:
        """Steps in a season; found in each past when None."""
        return self.network.season_length

    def __call__(self, past: pd.DataFrame) -> CombinedForecaster | ZeroShotForecaster:
        """Train on the past."""
        return self.train(past)

    def train(
        self, past: pd.DataFrame, *, progress: Progress | None = None
    ) -> CombinedForecaster | ZeroShotForecaster:
        """Learn the share, then train on everything; the pretrained networks alone where the share is 0.

        Args:
            past: unique_id, ds, y; regular.
            progress: called with (epochs done, epochs in all) of both trainings.

        Raises:
            DataError: no series has a value.
        """
        season = self.season(past)
        start = MakeZeroShot(self.freq, season).train(past)
        network = replace(self.network, season_length=season)
        share = learn_share(network, past, progress=_part(progress, 0))
        if not share:
            return start
        trained = network.train(past, progress=_part(progress, 1))
        return CombinedForecaster(past, self.freq, season, trained, share)

    def season(self, past: pd.DataFrame) -> int:
        """Steps in a season of this past."""
        return self.network.season(past)

    def shortest(self, past: pd.DataFrame) -> int:  # noqa: ARG002 - as the others have it
        """Rows that a past must have."""
        return 2


def learn_share(network: MakeNetwork, past: pd.DataFrame, *, progress: Progress | None = None) -> float:
    """How much networks trained on the series are to count beside the pretrained ones.

    Both forecast the last steps of every series from what came before. The share is the smallest whose error (MASE)
    exceeds the least one by no more than the standard error of the difference over the series.

    Args:
        network: how the networks are made; its season is known.
        past: unique_id, ds, y; regular.
        progress: called with (epochs done, epochs in all).

    Returns:
        One of `SHARES`; 0 where fewer than `LEAST_SERIES` series can tell, or the networks cannot be trained.
    """
    left = past.groupby("unique_id", sort=False, observed=True).cumcount(ascending=False)
    earlier, later = past[left >= network.h].reset_index(drop=True), past[left < network.h]
    later = later[later["unique_id"].isin(earlier["unique_id"])].reset_index(drop=True)
    if later["unique_id"].nunique() < LEAST_SERIES or earlier["y"].isna().all():
        return 0.0
    try:
        own = network.train(earlier, progress=progress).predict(network.h)
    except (DataError, TrainingError):  # too short for a window, or the training failed
        return 0.0
    season = network.season(past)
    known = MakeZeroShot(network.freq, season).train(earlier).predict(network.h)
    cutoffs = earlier.drop_duplicates("unique_id", keep="last").set_index("unique_id")["ds"]
    table = later[[*KEYS, "y"]].assign(cutoff=later["unique_id"].map(cutoffs))
    tried = {f"{share:g}": _mixed(known, own, share)["forecast"].to_numpy() for share in SHARES}
    return _smallest(scores.cells(table.assign(**tried), past, season).mase)


def _smallest(errors: Values) -> float:
    """The smallest share about as good as the best, by the errors (shares, series)."""
    errors = errors[:, np.isfinite(errors).all(axis=0)]
    count = errors.shape[1]
    if count < LEAST_SERIES:
        return 0.0
    excess = errors - errors[int(errors.mean(axis=1).argmin())]
    chance = excess.std(axis=1, ddof=1) / np.sqrt(count)
    return SHARES[int(np.flatnonzero(excess.mean(axis=1) <= chance)[0])]


def _mixed(known: pd.DataFrame, own: pd.DataFrame, share: float) -> pd.DataFrame:
    """The average of two forecasts of the same steps, and of their quantiles; one alone where the other is missing."""
    names = [name for name in known.columns if name not in KEYS]
    columns = {}
    for name in names:
        base = known[name].to_numpy()
        moved = base + own["forecast"].to_numpy() - known["forecast"].to_numpy()
        other = own[name].to_numpy() if name in own else moved
        columns[name] = np.where(np.isnan(other), base, base + share * (other - base))
    return known[KEYS].assign(**columns)


def _part(progress: Progress | None, number: int) -> Progress | None:
    """The progress of one of two trainings, as that of both."""
    if progress is None:
        return None
    return lambda done, total: progress(number * total + done, 2 * total)
