"""The pretrained networks as a recipe: no training, only a history to forecast from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pandas as pd

from ostinato.data import frames
from ostinato.tasks.forecasting.fitting import Progress
from ostinato.tasks.forecasting.trained import check_values, season_of, split_values
from ostinato.tasks.pretrained.forecaster import forecast_quantiles
from ostinato.tasks.pretrained.intervals import SPREAD
from ostinato.tasks.pretrained.network import Member


@dataclass(frozen=True)
class ZeroShotForecaster:
    """The pretrained networks at the end of a history; the twin of `TrainedForecaster`.

    Attributes:
        frame: unique_id, ds, y: the history, regular.
        freq: pandas alias or integer step.
        season_length: steps in a season.
        members: other networks than those of the package, such as a model file's.
    """

    frame: pd.DataFrame
    freq: str | int
    season_length: int
    members: tuple[Member, ...] | None = field(default=None, repr=False)

    def predict(self, h: int) -> pd.DataFrame:
        """Forecast the next `h` steps of every series: unique_id, ds, forecast; NaN for one without any value."""
        return self.predict_levels(h)[["unique_id", "ds", "forecast"]]

    def predict_levels(self, h: int) -> pd.DataFrame:
        """As `predict`, with the quantiles that the networks give, forecast-q-10 ... forecast-q-90."""
        started = self.frame.groupby("unique_id", sort=False, observed=True)["y"].transform("count") > 0
        known = forecast_quantiles(
            self.frame[started], h, season_length=self.season_length, freq=self.freq, members=self.members
        )
        if started.all():
            return known
        steps = frames.future(self.frame, self.freq, h)
        return steps.merge(known, on=["unique_id", "ds"], how="left")

    def with_history(self, past: pd.DataFrame) -> ZeroShotForecaster:
        """The same networks at the end of another history."""
        return replace(self, frame=past)


@dataclass(frozen=True)
class MakeZeroShot:
    """A function from a past to the pretrained networks at its end; the twin of `MakeNetwork`.

    Attributes:
        freq: pandas alias or integer step.
        season_length: steps in a season; found in each past when None.
    """

    freq: str | int
    season_length: int | None

    cheap = True  # so a backtest does not send it to another process
    doubt = SPREAD  # between sets of series unlike those learned from; see `Recalibration`

    def __call__(self, past: pd.DataFrame) -> ZeroShotForecaster:
        """Stand at the end of the past."""
        return self.train(past)

    def train(
        self,
        past: pd.DataFrame,
        *,
        progress: Progress | None = None,  # noqa: ARG002 - there is nothing to train
    ) -> ZeroShotForecaster:
        """Stand at the end of the past."""
        check_values(past, split_values(past))
        return ZeroShotForecaster(past, self.freq, self.season(past))

    def season(self, past: pd.DataFrame) -> int:
        """Steps in a season of this past."""
        return season_of(past, self.freq) if self.season_length is None else self.season_length

    def shortest(self, past: pd.DataFrame) -> int:  # noqa: ARG002
        """Rows that a past must have."""
        return 2
