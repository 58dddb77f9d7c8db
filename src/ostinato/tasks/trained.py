"""A trained forecaster: networks, encodings and the history it stands at the end of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data import frames, seasons
from ostinato.data.windows import last_contexts
from ostinato.errors import DataError
from ostinato.tasks.encoding import SeriesEncoding, encode_all, show
from ostinato.tasks.fitting import Member, Plan, Progress, answer, fit_members
from ostinato.tasks.recipes import Recipe

Values = NDArray[np.float64]


@dataclass(frozen=True)
class TrainedForecaster:
    """Networks at the end of a history. It answers `predict` and can be moved to another history.

    Attributes:
        plan: what was fitted.
        members: the trained networks.
        encodings: of each series, in the order of the frame.
        frame: unique_id, ds, y: the history, regular.
        freq: pandas alias or integer step.
    """

    plan: Plan
    members: list[Member]
    encodings: list[SeriesEncoding]
    frame: pd.DataFrame
    freq: str | int

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        freq: str | int,
        plan: Plan,
        *,
        checkpoint: Path | None = None,
        progress: Progress | None = None,
    ) -> TrainedForecaster:
        """Train on all series of a frame.

        Args:
            frame: unique_id, ds, y; regular. Nothing after its last rows is seen.
            freq: pandas alias or integer step.
            plan: what to do.
            checkpoint: folder that an interrupted training resumes from.
            progress: called with (epochs done, epochs in all).

        Raises:
            DataError: the series are too short for the horizon, or one has no values at all.
            TrainingError: the loss became NaN.
        """
        pasts = split_values(frame)
        check_lengths(frame, pasts, plan)
        encodings = [SeriesEncoding.fit(past, plan.season_length, plan.recipe) for past in pasts]
        members = fit_members(encodings, pasts, plan, checkpoint=checkpoint, progress=progress)
        return cls(plan, members, encodings, frame, freq)

    def predict(self, h: int) -> pd.DataFrame:
        """Forecast the next `h` steps of every series; beyond the trained horizon, from its own forecasts.

        Args:
            h: steps, at least 1.

        Returns:
            unique_id, ds, forecast; NaN for a series without any value.
        """
        steps = frames.future(self.frame, self.freq, h)
        pasts = split_values(self.frame)
        encoded = encode_all(self.encodings, pasts)
        typical = np.array([encoding.typical for encoding in self.encodings])
        blocks: list[Values] = []
        while sum(block.shape[1] for block in blocks) < h:
            inputs, observed = last_contexts(encoded, context=self.plan.context)
            shown = show(inputs, observed, typical, self.plan.recipe)
            block = shown.read(answer(self.members, shown.features))  # (series, horizon)
            blocks.append(block)
            encoded = [
                np.concatenate(pair)[-self.plan.context :] for pair in zip(encoded, block, strict=True)
            ]
        ahead = np.concatenate(blocks, axis=1)[:, :h]
        decoded = [
            encoding.decode(values, start=len(past)) if np.isfinite(past).any() else np.full(h, np.nan)
            for encoding, values, past in zip(self.encodings, ahead, pasts, strict=True)
        ]
        return steps.assign(forecast=np.concatenate(decoded))

    @property
    def season_length(self) -> int:
        """Steps in a season."""
        return self.plan.season_length

    def with_history(self, past: pd.DataFrame) -> TrainedForecaster:
        """The same networks at the end of another history, of the same or of other series.

        A season is estimated anew on that history; the min-max scale of a series stays as it was fitted.

        Args:
            past: unique_id, ds, y; regular.
        """
        known = dict(zip(self.frame["unique_id"].drop_duplicates(), self.encodings, strict=True))
        names = past["unique_id"].drop_duplicates()
        keep = not self.plan.recipe.adjust
        encodings = [
            known[name]
            if keep and name in known
            else SeriesEncoding.fit(values, self.plan.season_length, self.plan.recipe)
            for name, values in zip(names, split_values(past), strict=True)
        ]
        return replace(self, encodings=encodings, frame=past)


@dataclass(frozen=True)
class MakeNetwork:
    """A function from a past to a forecaster trained on it, for a backtest; it can be pickled.

    Attributes:
        recipe: the settings.
        cell: "rnn", "lstm" or "gru".
        h: steps to forecast.
        freq: pandas alias or integer step.
        season_length: steps in a season; found in each past when None.
        seed: of the first network.
    """

    recipe: Recipe
    cell: str
    h: int
    freq: str | int
    season_length: int | None
    seed: int

    def __call__(self, past: pd.DataFrame) -> TrainedForecaster:
        """Train on the past."""
        return self.train(past)

    def train(
        self, past: pd.DataFrame, *, checkpoint: Path | None = None, progress: Progress | None = None
    ) -> TrainedForecaster:
        """Train on the past; see `TrainedForecaster.fit`."""
        return TrainedForecaster.fit(
            past, self.freq, self.plan(past), checkpoint=checkpoint, progress=progress
        )

    def plan(self, past: pd.DataFrame) -> Plan:
        """What a fit on this past will do."""
        return Plan.make(
            self.recipe, cell=self.cell, h=self.h, season_length=self.season(past), seed=self.seed
        )

    def season(self, past: pd.DataFrame) -> int:
        """Steps in a season of this past."""
        return season_of(past, self.freq) if self.season_length is None else self.season_length

    def shortest(self, past: pd.DataFrame) -> int:
        """Rows that a past must have."""
        return self.plan(past).shortest


def season_of(past: pd.DataFrame, freq: str | int) -> int:
    """The season that most of the series of a past have; 1 for none."""
    return seasons.detect_common_season(past, freq)


def split_values(frame: pd.DataFrame) -> list[Values]:
    """The values of each series, in the order of the frame."""
    y = frame["y"].to_numpy(dtype=np.float64)
    starts = np.flatnonzero(~frame["unique_id"].duplicated().to_numpy())
    return np.split(y, starts[1:])


def check_lengths(frame: pd.DataFrame, pasts: list[Values], plan: Plan) -> None:
    """Refuse a history that no window fits into.

    Raises:
        DataError: with the rows that are needed, and the horizon that would work.
    """
    check_values(frame, pasts)
    names = frame["unique_id"].drop_duplicates().tolist()
    longest = int(np.argmax([len(past) for past in pasts]))
    rows = len(pasts[longest])
    if rows >= plan.shortest:
        return
    most = rows - plan.shortest + plan.horizon if plan.recipe.direct else 0
    advice = f"use a horizon of at most {most}" if most > 0 else "use a longer history"
    raise DataError(
        f"horizon is {plan.horizon} but series {str(names[longest])!r} has {rows} rows and the {plan.recipe.name} "
        f"recipe needs {plan.shortest}; {advice}"
    )


def check_values(frame: pd.DataFrame, pasts: list[Values]) -> None:
    """Refuse a past in which no series has a value yet; one that has none is forecast as unknown (NaN).

    Raises:
        DataError: with the name of the first series.
    """
    if all(np.isnan(past).all() for past in pasts):
        name, moment = frame["unique_id"].iloc[0], frame["ds"].iloc[-1]
        raise DataError(f"series {str(name)!r} has no value up to {moment}; start the history later")
