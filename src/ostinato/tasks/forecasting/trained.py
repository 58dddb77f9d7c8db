"""A trained forecaster: networks, encodings and the history it stands at the end of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data import frames, seasons
from ostinato.data.covariates import ColumnScales
from ostinato.data.statics import Statics
from ostinato.data.windows import Store, Windows, cut
from ostinato.errors import ConfigError, DataError
from ostinato.evaluate.knots import LEVELS, MIDDLE
from ostinato.evaluate.scores import level_columns
from ostinato.tasks.forecasting.encoding import SeriesEncoding, encode_all
from ostinato.tasks.forecasting.fitting import Progress, Trained, answer, fit_members
from ostinato.tasks.forecasting.plan import Channels, Plan
from ostinato.tasks.forecasting.pool import Pool, see
from ostinato.tasks.forecasting.recipes import Recipe

Values = NDArray[np.float64]
Features = NDArray[np.float32]


CHUNK = 4096
"""Series that are forecast at a time, which bounds the memory."""


@dataclass(frozen=True)
class TrainedForecaster:
    """Networks at the end of a history. It answers `predict` and can be moved to another history.

    Attributes:
        plan: what was fitted.
        members: the trained networks.
        encodings: of each series, in the order of the frame.
        frame: unique_id, ds, y and covariates: the history, regular.
        freq: pandas alias or integer step.
        statics: what describes the series.
    """

    plan: Plan
    members: Sequence[Trained]
    encodings: list[SeriesEncoding]
    frame: pd.DataFrame
    freq: str | int
    statics: Statics = field(default_factory=Statics)

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        freq: str | int,
        plan: Plan,
        *,
        statics: Statics | None = None,
        checkpoint: Path | None = None,
        progress: Progress | None = None,
    ) -> TrainedForecaster:
        """Train on all series of a frame.

        Args:
            frame: unique_id, ds, y and the plan's covariates; regular. Nothing after its last rows is seen.
            freq: pandas alias or integer step.
            plan: what to do.
            statics: what describes the series.
            checkpoint: folder that an interrupted training resumes from.
            progress: called with (epochs done, epochs in all).

        Raises:
            DataError: the series are too short for the horizon, or one has no values at all.
            TrainingError: the loss became NaN.
        """
        pasts = split_values(frame)
        check_lengths(frame, pasts, plan)
        encodings = [SeriesEncoding.fit(past, plan.season_length, plan.recipe) for past in pasts]
        untrained = cls(plan, [], encodings, frame, freq, statics or Statics())
        members = fit_members(untrained.pool(), checkpoint=checkpoint, progress=progress)
        return replace(untrained, members=members)

    def predict(self, h: int, ahead: pd.DataFrame | None = None) -> pd.DataFrame:
        """Forecast the next `h` steps of every series; beyond the trained horizon, from its own forecasts.

        Args:
            h: steps, at least 1.
            ahead: unique_id, ds and the known covariates of these steps; None where there are none.

        Returns:
            unique_id, ds, forecast; NaN for a series without any value.

        Raises:
            ConfigError: the known covariates are missing.
        """
        return self._steps(h).assign(forecast=self._decoded(h, ahead, [MIDDLE])[0])

    def predict_levels(self, h: int, ahead: pd.DataFrame | None = None) -> pd.DataFrame:
        """Forecast the next `h` steps of every series with the quantiles that the networks give.

        Args:
            h: as for `predict`.
            ahead: as for `predict`.

        Returns:
            unique_id, ds, forecast, and forecast-q-10 ... forecast-q-90 where the recipe trains quantiles.

        Raises:
            ConfigError: the known covariates are missing.
        """
        if self.plan.answers == 1:
            return self.predict(h, ahead)
        found = self._decoded(h, ahead, range(len(LEVELS)))  # (levels, series * h)
        names = level_columns("forecast")
        return self._steps(h).assign(forecast=found[MIDDLE], **dict(zip(names, found, strict=True)))

    def _steps(self, h: int) -> pd.DataFrame:
        """The next steps of every series: unique_id, ds."""
        return frames.future(self.frame, self.freq, h)

    def _decoded(self, h: int, ahead: pd.DataFrame | None, levels: Sequence[int]) -> Values:
        """Some of the quantiles, in the unit of the series: (levels, series * h); NaN for a series without a value."""
        if self.known and ahead is None:
            raise ConfigError(
                f"the forecaster was fitted with covariates known ahead ({', '.join(self.known)}); give their next {h} "
                "steps, as predict(futr_df=...)"
            )
        pool = self.pool()
        future = self._scaled(ahead, pool.store.starts, h)
        parts = [
            self._answers(pool, np.arange(start, min(start + CHUNK, len(self.encodings))), future)
            for start in range(0, len(self.encodings), CHUNK)
        ]
        kept = [
            min(level, self.plan.answers - 1) for level in levels
        ]  # networks without quantiles have one answer
        wanted = np.concatenate([part[:, :, kept] for part in parts]).swapaxes(1, 2)  # (series, levels, h)
        known = np.logical_or.reduceat(~np.isnan(pool.store.values), pool.store.starts)
        decoded = [
            encoding.decode(values, start=int(rows)) if real else np.full(values.shape, np.nan)
            for encoding, values, rows, real in zip(
                self.encodings, wanted, pool.store.lengths, known, strict=True
            )
        ]
        return np.concatenate(decoded, axis=1)

    @property
    def known(self) -> tuple[str, ...]:
        """The covariates that `predict` must be given."""
        return self.plan.channels.known

    @property
    def season_length(self) -> int:
        """Steps in a season."""
        return self.plan.season_length

    def pool(self) -> Pool:
        """The series as the networks see them."""
        store = Store.of(encode_all(self.encodings, split_values(self.frame)))
        names = self.frame["unique_id"].to_numpy()[store.starts].tolist()
        typical = np.array([encoding.typical for encoding in self.encodings])
        columns = self.plan.channels.columns
        if columns:
            values = self.frame[list(columns)].to_numpy(dtype=np.float32)
            owner = np.repeat(np.arange(len(names)), store.lengths)
            store = replace(store, covariates=self._scales(store.starts).transform(values, owner))
        return Pool(store, typical, self.statics.matrix(names), self.plan)

    def with_history(self, past: pd.DataFrame) -> TrainedForecaster:
        """The same networks at the end of another history, of the same or of other series.

        A season is estimated anew on that history; the min-max scale of a series stays as it was fitted.

        Args:
            past: unique_id, ds, y and the covariates; regular.
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

    def _answers(self, pool: Pool, series: NDArray[np.int64], future: Features) -> Values:
        """Encoded forecasts of some of the series, (series, h, levels); `future` holds scaled covariates of all.

        Beyond the horizon of the networks their forecasts go on from their medians, and what is not known of these
        is added as that of a random walk: squares of distances from the median add up.
        """
        h, context, horizon = future.shape[1], self.plan.context, self.plan.horizon
        store = pool.store
        windows = cut(store, series, store.lengths[series], context=context, horizon=0)
        blocks = -(-h // horizon)
        columns = store.covariates.shape[1]
        later = np.full((len(series), blocks * horizon, columns), np.nan, dtype=np.float32)
        later[:, :h, : future.shape[2]] = future[series]
        covariates = np.concatenate([windows.covariates, later], axis=1)
        values = np.where(windows.observed, windows.inputs, np.nan)
        found: list[Values] = []
        for block in range(blocks):
            seen = values[:, -context:]
            now = slice(block * horizon, block * horizon + context + horizon)
            nothing = np.zeros((len(series), 0))
            window = Windows(np.nan_to_num(seen), ~np.isnan(seen), nothing, nothing > 0, covariates[:, now])
            shown, features, ahead = see(window, pool.typical[series], pool.static[series], self.plan)
            answers = np.moveaxis(answer(self.members, features, ahead), 2, 0)  # (levels, series, horizon)
            levels = np.moveaxis(shown.read(answers), 0, 2)
            middle = levels[:, :, levels.shape[2] // 2]
            values = np.concatenate([values, middle], axis=1)
            found.append(_beyond(levels, found[-1][:, -1:] if found else None))
        return np.concatenate(found, axis=1)[:, :h]

    def _scales(self, starts: NDArray[np.int64]) -> ColumnScales:
        """Scales of the covariates, from the history alone."""
        return ColumnScales.fit(
            self.frame[list(self.plan.channels.columns)].to_numpy(dtype=np.float32), starts
        )

    def _scaled(self, ahead: pd.DataFrame | None, starts: NDArray[np.int64], h: int) -> Features:
        """Scaled covariates of the steps ahead, (series, h, known)."""
        series = len(starts)
        if ahead is None or not self.known:
            return np.empty((series, h, 0), dtype=np.float32)
        values = ahead[list(self.known)].to_numpy(dtype=np.float32)
        scaled = self._scales(starts).transform(values, np.repeat(np.arange(series), h))
        return scaled.reshape(series, h, len(self.known))


def _beyond(levels: Values, before: Values | None) -> Values:
    """Quantiles (series, steps, levels) after a step whose quantiles (series, 1, levels) are those before."""
    if before is None:
        return levels
    middle = levels.shape[2] // 2
    centre, start = levels[:, :, middle, None], before[:, :, middle, None]
    distance = np.hypot(levels - centre, before - start)
    side = np.sign(np.arange(levels.shape[2]) - middle)
    return np.asarray(centre + side * distance)


@dataclass(frozen=True)
class MakeNetwork:
    """A function from a past to a forecaster trained on it, for a backtest; it can be pickled.

    Attributes:
        recipe: the settings.
        cell: a key of `ostinato.nn.LAYERS`.
        h: steps to forecast.
        freq: pandas alias or integer step.
        season_length: steps in a season; found in each past when None.
        seed: of the first network.
        channels: what the network sees beside the series.
        statics: what describes the series.
        checkpoint: folder that interrupted trainings resume from; other pasts have other files in it.
    """

    recipe: Recipe
    cell: str
    h: int
    freq: str | int
    season_length: int | None
    seed: int
    channels: Channels = field(default_factory=Channels)
    statics: Statics = field(default_factory=Statics)
    checkpoint: Path | None = None

    sees_covariates = True  # a backtest hands them over

    def __call__(self, past: pd.DataFrame) -> TrainedForecaster:
        """Train on the past."""
        return self.train(past)

    def train(self, past: pd.DataFrame, *, progress: Progress | None = None) -> TrainedForecaster:
        """Train on the past; see `TrainedForecaster.fit`."""
        return TrainedForecaster.fit(
            past,
            self.freq,
            self.plan(past),
            statics=self.statics,
            checkpoint=self.checkpoint,
            progress=progress,
        )

    def plan(self, past: pd.DataFrame) -> Plan:
        """What a fit on this past will do."""
        return Plan.make(
            self.recipe,
            cell=self.cell,
            h=self.h,
            season_length=self.season(past),
            seed=self.seed,
            channels=self.channels,
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
