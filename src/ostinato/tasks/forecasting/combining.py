"""The recipe `combined`: pretrained networks and networks trained on the given series, averaged.

Both count a half: weights learned from a few origins of the past are learned from their chance, and equal ones are hard
to beat. But networks that saw these series alone are now and then far off, and an average follows them there. So their
forecast is first pulled towards that of the pretrained networks, as far as it lies outside of a narrow band around it
(a Winsorised mean).

References:
    J. M. Bates and C. W. J. Granger (1969), The combination of forecasts, Operational Research Quarterly 20(4);
    J. Smith and K. F. Wallis (2009), A simple explanation of the forecast combination puzzle, Oxford Bulletin of
    Economics and Statistics 71(3);
    V. R. R. Jose and R. L. Winkler (2008), Simple robust averages of forecasts: some empirical results,
    International Journal of Forecasting 24(1).
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

SHARE = 0.5
"""How much the trained networks count."""
REACH = 0.25
"""How far from the pretrained forecast the trained one counts, in half widths of the pretrained 80 % interval."""


@dataclass(frozen=True)
class CombinedForecaster:
    """Pretrained and trained networks at the end of a history.

    Attributes:
        frame: unique_id, ds, y: the history, regular.
        freq: pandas alias or integer step.
        season_length: steps in a season.
        trained: the networks trained on such series.
        members: other pretrained networks than those of the package, such as a model file's.
    """

    frame: pd.DataFrame
    freq: str | int
    season_length: int
    trained: TrainedForecaster
    members: tuple[Member, ...] | None = field(default=None, repr=False)

    @cached_property
    def pretrained(self) -> ZeroShotForecaster:
        """The pretrained networks at the end of the history."""
        return ZeroShotForecaster(self.frame, self.freq, self.season_length, self.members)

    def predict(self, h: int) -> pd.DataFrame:
        """Forecast the next `h` steps of every series: unique_id, ds, forecast; NaN for one without any value."""
        return self.predict_levels(h)[[*KEYS, "forecast"]]

    def predict_levels(self, h: int) -> pd.DataFrame:
        """As `predict`, with quantiles, forecast-q-10 ... forecast-q-90.

        Each is the mean of the two sides' quantiles of that level; where the trained networks give none, they move
        those of the pretrained ones as they move the forecast.
        """
        known = self.pretrained.predict_levels(h)
        own = replace(self.trained, frame=self.frame).predict_levels(h)
        return known[KEYS].assign(**_averaged(known, own, ("forecast", "forecast", "forecast")))

    def with_history(self, past: pd.DataFrame) -> CombinedForecaster:
        """The same networks at the end of another history."""
        return replace(self, frame=past, trained=self.trained.with_history(past))

    def of(self, rows: Sequence[int] | NDArray[np.int64]) -> CombinedForecaster:
        """The forecaster of some of the series by their places; the history has to be given anew."""
        encodings = [self.trained.encodings[row] for row in rows]
        return replace(self, trained=replace(self.trained, encodings=encodings))


def side_by_side(trained: TrainedForecaster) -> CombinedForecaster:
    """Trained networks and the pretrained ones at the end of the same history."""
    return CombinedForecaster(trained.frame, trained.freq, trained.season_length, trained)


def average_columns(cv: pd.DataFrame, trained: str, pretrained: str, name: str) -> pd.DataFrame:
    """A backtest with the average of two of its models as another, with its quantiles.

    Args:
        cv: the backtest, with the quantiles of the pretrained networks.
        trained: the column of the trained networks.
        pretrained: the column of the pretrained ones.
        name: the column to add.
    """
    return cv.assign(**_averaged(cv, cv, (pretrained, trained, name)))


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
        """Train on the past; the pretrained networks alone where it is too short for that, or the training fails.

        Args:
            past: unique_id, ds, y; regular.
            progress: called with (epochs done, epochs in all).

        Raises:
            DataError: no series has a value.
        """
        season = self.season(past)
        start = MakeZeroShot(self.freq, season).train(past)
        try:
            trained = replace(self.network, season_length=season).train(past, progress=progress)
        except (DataError, TrainingError):
            return start
        return side_by_side(trained)

    def season(self, past: pd.DataFrame) -> int:
        """Steps in a season of this past."""
        return self.network.season(past)

    def shortest(self, past: pd.DataFrame) -> int:  # noqa: ARG002 - as the others have it
        """Rows that a past must have."""
        return 2


def _averaged(known: pd.DataFrame, own: pd.DataFrame, names: tuple[str, str, str]) -> dict[str, Values]:
    """The average of two forecasts of the same steps, and of their quantiles; one alone where the other is missing.

    Args:
        known: what the pretrained networks say, with quantiles.
        own: what the trained ones say.
        names: the forecasts' columns in `known`, in `own` and in the result.
    """
    pretrained, trained, name = names
    levels = [known[column].to_numpy() for column in scores.level_columns(pretrained)]
    centre, given = known[pretrained].to_numpy(), own[trained].to_numpy()
    most = REACH * (levels[-1] - levels[0]) / 2
    near = centre + np.clip(given - centre, -most, most)
    middle = _mean(centre, near)
    # The pretrained networks forecast whole numbers of counts, of which a half on the way to the next one is none.
    found = {name: np.where(centre == np.rint(centre), np.rint(middle), middle)}
    columns = zip(scores.level_columns(trained), levels, scores.level_columns(name), strict=True)
    for column, base, to in columns:
        other = own[column].to_numpy() + near - given if column in own else base + near - centre
        found[to] = _mean(base, other)
    return found


def _mean(base: Values, other: Values) -> Values:
    """The average by the shares; the first alone where the other is missing."""
    return np.where(np.isnan(other), base, base + SHARE * (other - base))
