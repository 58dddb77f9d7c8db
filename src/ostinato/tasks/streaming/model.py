"""The streaming recipe: a network that carries its state, at the end of a history."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data import frames
from ostinato.errors import DataError
from ostinato.tasks.forecasting.fitting import Progress
from ostinato.tasks.forecasting.recipes import Recipe
from ostinato.tasks.forecasting.trained import check_values, season_of, split_values
from ostinato.tasks.streaming.encoding import Running, Start
from ostinato.tasks.streaming.network import BURN_IN, Carried, Weights, fit_weights

Values = NDArray[np.float64]


@dataclass(frozen=True)
class StreamingForecaster:
    """A network that has read a history once; the twin of `TrainedForecaster`.

    Attributes:
        frame: unique_id, ds, y: the history, regular.
        freq: pandas alias or integer step.
        season_length: steps in a season.
        weights: the network.
        starts: what was known of the scale of each series before its first value.
        end: the network after the last row, when it is known already.
    """

    frame: pd.DataFrame
    freq: str | int
    season_length: int
    weights: Weights = field(repr=False)
    starts: tuple[Start, ...] = field(repr=False)
    end: Carried | None = field(default=None, repr=False, compare=False)

    def predict(self, h: int) -> pd.DataFrame:
        """Forecast the next `h` steps of every series: unique_id, ds, forecast; NaN for one without any value."""
        steps = frames.future(self.frame, self.freq, h)
        return steps.assign(forecast=self.carried.ahead(h).ravel())

    @cached_property
    def carried(self) -> Carried:
        """The network after the last row; not to be moved, but copied."""
        return (
            read_history(self.weights, self.starts, split_values(self.frame))
            if self.end is None
            else self.end
        )

    def with_history(self, past: pd.DataFrame) -> StreamingForecaster:
        """The same network at the end of another history, which it reads from its beginning.

        Args:
            past: unique_id, ds, y; regular. A series that is not known gets a scale of its own.
        """
        known = dict(zip(self.frame["unique_id"].drop_duplicates(), self.starts, strict=True))
        starts = tuple(
            known.get(name) or Start.fit(values, self.season_length)
            for name, values in zip(past["unique_id"].drop_duplicates(), split_values(past), strict=True)
        )
        return replace(self, frame=past, starts=starts, end=None)


@dataclass(frozen=True)
class MakeStreaming:
    """A function from a past to a streaming network trained on it; the twin of `MakeNetwork`.

    Attributes:
        recipe: the settings.
        cell: "lstm", "gru" or "rnn".
        h: steps to forecast.
        freq: pandas alias or integer step.
        season_length: steps in a season; found in each past when None.
        seed: of the network.
    """

    recipe: Recipe
    cell: str
    h: int
    freq: str | int
    season_length: int | None
    seed: int

    def __call__(self, past: pd.DataFrame) -> StreamingForecaster:
        """Train on the past."""
        return self.train(past)

    def train(
        self,
        past: pd.DataFrame,
        *,
        checkpoint: Path | None = None,  # noqa: ARG002 - a fit takes seconds
        progress: Progress | None = None,
    ) -> StreamingForecaster:
        """Train on the past.

        Raises:
            DataError: no series is long enough, or none has a value.
            TrainingError: the loss became NaN.
        """
        pasts = split_values(past)
        check_values(past, pasts)
        longest = max(len(values) for values in pasts)
        if longest < self.shortest(past):
            raise DataError(
                f"horizon is {self.h} but the longest series has {longest} rows and the streaming recipe needs "
                f"{self.shortest(past)}; use a smaller horizon or a longer history"
            )
        season = self.season(past)
        starts = tuple(Start.fit(values, season) for values in pasts)
        weights = fit_weights(
            pasts, starts, self.recipe, cell=self.cell, h=self.h, seed=self.seed, progress=progress
        )
        return StreamingForecaster(past, self.freq, season, weights, starts)

    def season(self, past: pd.DataFrame) -> int:
        """Steps in a season of this past."""
        return season_of(past, self.freq) if self.season_length is None else self.season_length

    def shortest(self, past: pd.DataFrame) -> int:  # noqa: ARG002 - it may depend on the past elsewhere
        """Rows that a past must have."""
        return BURN_IN + 1 + self.h


def read_history(weights: Weights, starts: tuple[Start, ...], pasts: list[Values]) -> Carried:
    """A network that has read every series from its beginning to its end.

    Series are aligned at their ends; a network begins with a series when its first value comes.
    """
    lengths = np.array([len(past) for past in pasts])
    longest = int(lengths.max())
    values = np.full((longest, len(pasts)), np.nan)
    for number, past in enumerate(pasts):
        values[longest - len(past) :, number] = past
    whole = Carried(weights, Running.start(starts))
    begins = np.unique(longest - lengths).tolist()
    for begin, end in zip(begins, [*begins[1:], longest], strict=True):
        rows = np.flatnonzero(longest - lengths <= begin)
        part = whole if len(rows) == len(pasts) else whole.take(rows)
        for y in values[begin:end, rows]:
            part.advance(y)
        if part is not whole:
            whole.put(rows, part)
    return whole
