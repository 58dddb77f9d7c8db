"""The recipe `combined`: pretrained networks and a network trained on the given series, averaged.

Both count a half: weights learned from a few origins of the past are learned from their chance, and equal ones are hard
to beat. But a network that saw these series alone is now and then far off, and an average follows it there. So its
forecast is first pulled towards that of the pretrained networks, as far as it lies outside of a narrow band around it
(a Winsorised mean). The trained network is that of the recipe `streaming`.

References:
    J. M. Bates and C. W. J. Granger (1969), The combination of forecasts, Operational Research Quarterly 20(4);
    J. Smith and K. F. Wallis (2009), A simple explanation of the forecast combination puzzle, Oxford Bulletin of
    Economics and Statistics 71(3);
    V. R. R. Jose and R. L. Winkler (2008), Simple robust averages of forecasts: some empirical results,
    International Journal of Forecasting 24(1).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.errors import DataError, TrainingError
from ostinato.evaluate import scores
from ostinato.tasks.forecasting.fitting import Progress
from ostinato.tasks.forecasting.zero_shot import MakeZeroShot, ZeroShotForecaster
from ostinato.tasks.pretrained.network import Member
from ostinato.tasks.streaming.model import MakeStreaming, StreamingForecaster

Values = NDArray[np.float64]

SHARE = 0.5
"""How much the trained network counts."""
REACH = 0.25
"""How far from the pretrained forecast the trained one counts, in half widths of the pretrained 80 % interval."""


@dataclass(frozen=True)
class CombinedForecaster:
    """Pretrained networks and a trained one at the end of a history.

    Attributes:
        frame: unique_id, ds, y: the history, regular.
        freq: pandas alias or integer step.
        season_length: steps in a season.
        trained: the network trained on such series, at the end of the same history.
        members: other pretrained networks than those of the package, such as a model file's.
    """

    frame: pd.DataFrame
    freq: str | int
    season_length: int
    trained: StreamingForecaster
    members: tuple[Member, ...] | None = field(default=None, repr=False)

    @cached_property
    def pretrained(self) -> ZeroShotForecaster:
        """The pretrained networks at the end of the history."""
        return ZeroShotForecaster(self.frame, self.freq, self.season_length, self.members)

    def predict(self, h: int) -> pd.DataFrame:
        """Forecast the next `h` steps of every series: unique_id, ds, forecast; NaN for one without any value."""
        return self.predict_levels(h)[["unique_id", "ds", "forecast"]]

    def predict_levels(self, h: int) -> pd.DataFrame:
        """As `predict`, with the quantiles of the pretrained networks, moved as their forecast is."""
        own = self.trained.predict(h)["forecast"].to_numpy()
        return average(self.pretrained.predict_levels(h), own)

    def with_history(self, past: pd.DataFrame) -> CombinedForecaster:
        """The same networks at the end of another history."""
        return replace(self, frame=past, trained=self.trained.with_history(past))


@dataclass(frozen=True)
class MakeCombined:
    """A function from a past to pretrained networks and a trained one, averaged; it can be pickled.

    Attributes:
        network: how the trained one is made.
    """

    network: MakeStreaming

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
        return CombinedForecaster(past, self.freq, season, trained)

    def season(self, past: pd.DataFrame) -> int:
        """Steps in a season of this past."""
        return self.network.season(past)

    def shortest(self, past: pd.DataFrame) -> int:  # noqa: ARG002 - as the others have it
        """Rows that a past must have."""
        return 2


def average(known: pd.DataFrame, given: Values) -> pd.DataFrame:
    """What the pretrained networks say, moved half-way to another forecast of the same steps, as far as it is in reach.

    Args:
        known: unique_id, ds, forecast and forecast-q-10 ... forecast-q-90.
        given: the other forecast of each row; where it is NaN, nothing moves.

    Returns:
        The same columns. A forecast of whole numbers, as of counts, stays whole.
    """
    columns = scores.level_columns("forecast")
    levels, centre = known[columns].to_numpy(), known["forecast"].to_numpy()
    most = REACH * (levels[:, -1] - levels[:, 0]) / 2
    moves = SHARE * np.nan_to_num(np.clip(given - centre, -most, most))
    middle = np.where(centre == np.rint(centre), np.rint(centre + moves), centre + moves)
    return known.assign(forecast=middle, **dict(zip(columns, levels.T + moves, strict=True)))
