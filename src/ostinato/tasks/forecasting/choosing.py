"""`recipe="auto"`: try several ways to make a network on the past alone, within a time budget, and take the best.

Successive halving: every candidate forecasts the latest stretch of the past from before it; the better half also
forecasts the stretch before, and so on, so that time is spent on those that may win.

References:
    K. Jamieson and A. Talwalkar (2016), Non-stochastic best arm identification and hyperparameter optimization,
    AISTATS (successive halving).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ostinato.errors import ConfigError, DataError, TrainingError
from ostinato.evaluate import scores
from ostinato.evaluate.backtest import backtest
from ostinato.tasks.forecasting.combining import CombinedForecaster, MakeCombined
from ostinato.tasks.forecasting.finetuning import MakeFineTuned
from ostinato.tasks.forecasting.fitting import Progress
from ostinato.tasks.forecasting.order import Order
from ostinato.tasks.forecasting.recipes import Recipe, find_recipe
from ostinato.tasks.forecasting.trained import (
    MakeNetwork,
    TrainedForecaster,
    check_values,
    season_of,
    split_values,
)
from ostinato.tasks.forecasting.zero_shot import MakeZeroShot, ZeroShotForecaster
from ostinato.tasks.streaming.model import MakeStreaming, StreamingForecaster
from ostinato.tasks.streaming.network import carried_cell

RUNGS = (1, 2, 4)
"""Stretches of the past that a candidate has forecast by the end of each round."""
USUAL_BUDGET = 60.0
"""Seconds where nobody says."""
SHORTEST = 8
"""Rows that the shortest past of a trial has."""
MARGIN = 1.5
"""How much longer than measured the last fit, on a longer past, may take."""

Candidate = MakeNetwork | MakeFineTuned | MakeZeroShot | MakeCombined | MakeStreaming
Chosen = TrainedForecaster | ZeroShotForecaster | CombinedForecaster | StreamingForecaster


@dataclass(frozen=True)
class Choice:
    """What was chosen, and why.

    Attributes:
        name: the candidate.
        model: it, fitted on everything.
        tried: candidate, origins, mase, seconds, chosen; the chosen one first, then by what was known of them.
    """

    name: str
    model: Chosen
    tried: pd.DataFrame


@dataclass
class _Trial:
    """What is known of a candidate."""

    name: str
    make: Candidate
    errors: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def mase(self) -> float:
        """Its mean error so far; NaN before the first."""
        return float(np.mean(self.errors)) if self.errors else float("nan")

    @property
    def fit(self) -> float:
        """Seconds that one of its fits took."""
        return self.seconds / max(len(self.errors), 1)


class _OutOfTimeError(Exception):
    """A training was stopped."""


@dataclass(frozen=True)
class MakeAuto:
    """A function from a past to the best of several models for it; it can be pickled.

    Attributes:
        order: horizon, frequency, season, seed, cell and covariates.
        time_budget: seconds that a choice and the fit after it may take.
    """

    order: Order
    time_budget: float = USUAL_BUDGET

    sees_covariates = True

    def __post_init__(self) -> None:
        if not 0 < self.time_budget < math.inf:
            raise ConfigError(f"time_budget is {self.time_budget:g}; use a number of seconds above 0")

    @property
    def freq(self) -> str | int:
        """The frequency."""
        return self.order.freq

    @property
    def season_length(self) -> int | None:
        """Steps in a season; found in each past when None."""
        return self.order.season_length

    def __call__(self, past: pd.DataFrame) -> Chosen:
        """Choose on the past, and fit what was chosen."""
        return self.choose(past).model

    def train(self, past: pd.DataFrame, *, progress: Progress | None = None) -> Chosen:
        """Choose on the past, and fit what was chosen."""
        return self.choose(past, progress=progress).model

    def season(self, past: pd.DataFrame) -> int:
        """Steps in a season of this past."""
        return season_of(past, self.freq) if self.season_length is None else self.season_length

    def shortest(self, past: pd.DataFrame) -> int:  # noqa: ARG002 - as the others have it
        """Rows that a past must have."""
        return SHORTEST

    def choose(self, past: pd.DataFrame, *, progress: Progress | None = None) -> Choice:
        """Try the candidates on the past and fit the best one on all of it.

        Args:
            past: unique_id, ds, y and covariates; regular.
            progress: called with (seconds spent, seconds in all).

        Raises:
            DataError: no series has a value.
        """
        check_values(past, split_values(past))
        search = _Search(self, past, progress)
        search.halve()
        return search.finish()


class _Search:
    """One choice, from the first trial to the last fit."""

    def __init__(self, make: MakeAuto, past: pd.DataFrame, progress: Progress | None) -> None:
        self.make, self.past, self.progress = make, past, progress
        self.started = time.perf_counter()
        self.season = make.season(past)
        self.trials = [_Trial(name, candidate) for name, candidate in candidates(make.order, self.season)]
        self.rungs = [rung for rung in RUNGS if self._room(rung)]
        self.ranked: list[_Trial] = []  # those of the last round, the best one first

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    def _room(self, origins: int) -> bool:
        """Whether the past is long enough for so many stretches."""
        rows = self.past.groupby("unique_id", sort=False, observed=True).size().median()
        return bool(rows >= origins * self.make.order.h + SHORTEST)

    def halve(self) -> None:
        """Rounds of trials, each with half of the candidates of the one before.

        When time gets short in a later round, it ends with the first candidate that it does not suffice for: quicker
        ones, which erred more, must not win by being quick.
        """
        alive = self.trials
        for rung in self.rungs:
            whole = []
            for trial in alive:
                if all(self._try(trial, origin) for origin in range(len(trial.errors) + 1, rung + 1)):
                    whole.append(trial)
                elif self.ranked and trial.errors:
                    break
            if not whole:
                return
            self.ranked = sorted(whole, key=_order)
            alive = self.ranked[: math.ceil(len(whole) / 2)]

    def _try(self, trial: _Trial, origin: int) -> bool:
        """Let a candidate forecast one stretch of the past, if there is time for it and for the fit after it."""
        reserve = MARGIN * max((one.fit for one in self.trials if one.errors), default=0.0)
        left = self.make.time_budget - self.spent - reserve
        if left <= 0 or (trial.errors and trial.fit > left):
            return False
        end = self.past.groupby("unique_id", sort=False, observed=True).cumcount(ascending=False)
        frame = self.past[end >= (origin - 1) * self.make.order.h].reset_index(drop=True)
        started = time.perf_counter()
        timed = _Timed(trial.make, time.perf_counter() + left, self._tell)
        try:
            table = backtest({"trial": timed}, frame, h=self.make.order.h, freq=self.make.freq, n_windows=1)
        except (_OutOfTimeError, DataError, TrainingError) as error:
            if not isinstance(error, _OutOfTimeError):  # too short for it, or it failed: no candidate
                trial.errors.clear()
            trial.seconds += time.perf_counter() - started
            return False
        trial.seconds += time.perf_counter() - started
        board = scores.leaderboard(table, frame, self.season)
        trial.errors.append(float(board["mase"].iloc[0]))
        return True

    def _tell(self) -> None:
        if self.progress is not None:
            budget = self.make.time_budget
            self.progress(int(min(self.spent, budget)), max(int(budget), 1))

    def finish(self) -> Choice:
        """Fit the best candidate on everything; the pretrained networks, which take no time, if there is none."""
        best = self.ranked[0] if self.ranked else self.trials[0]
        left = max(self.make.time_budget - self.spent, MARGIN * best.fit)
        try:
            model = _Timed(best.make, time.perf_counter() + left, self._tell)(self.past)
        except (_OutOfTimeError, DataError, TrainingError):
            best = self.trials[0]
            model = best.make.train(self.past)
        return Choice(best.name, model, self._table(best))

    def _table(self, best: _Trial) -> pd.DataFrame:
        rows = [
            {
                "candidate": trial.name,
                "origins": len(trial.errors),
                "mase": trial.mase,
                "seconds": round(trial.seconds, 2),
                "chosen": trial is best,
            }
            for trial in sorted(self.trials, key=lambda trial: (trial is not best, _order(trial)))
        ]
        return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Timed:
    """A candidate that gives up at a deadline, which is looked at after every epoch or update."""

    make: Candidate
    deadline: float
    tell: object

    @property
    def sees_covariates(self) -> bool:
        """As the candidate."""
        return bool(getattr(self.make, "sees_covariates", False))

    def __call__(self, past: pd.DataFrame) -> Chosen:
        """Train on the past, or raise."""

        def watch(_done: int, _total: int) -> None:
            if callable(self.tell):
                self.tell()
            if time.perf_counter() > self.deadline:
                raise _OutOfTimeError

        return self.make.train(past, progress=watch)


def candidates(order: Order, season_length: int) -> list[tuple[str, Candidate]]:
    """What is tried, the most promising for its time first; the first one always works.

    Args:
        order: what is asked for.
        season_length: steps in a season of the past.
    """
    recipe = replace(find_recipe("default"), name="auto")
    cell = order.cell
    other = "gru" if cell != "gru" else "lstm"
    longer = int(np.clip(4 * season_length, 48, 256))
    settings: Sequence[tuple[str, str, Recipe]] = (
        (f"{cell} of 32 units", cell, recipe),
        (f"{cell} of 64 units", cell, replace(recipe, hidden_size=64)),
        (f"{other} of 32 units", other, recipe),
        (f"{cell} that looks back {longer} steps", cell, replace(recipe, context=longer)),
        (
            f"{cell} trained twice as long",
            cell,
            replace(recipe, steps=(2 * recipe.steps[0], 2 * recipe.steps[1])),
        ),
        (f"{cell} without the logarithm and the season", cell, replace(recipe, adjust=False)),
    )
    freq, season = order.freq, order.season_length
    return [
        ("pretrained", MakeZeroShot(freq, season)),
        *((name, _network(order, cell, recipe)) for name, cell, recipe in settings[:1]),
        (f"{carried_cell(cell)} that carries its state", carried(order)),
        ("combined", MakeCombined(carried(order))),
        ("finetuned", MakeFineTuned(freq, season, order.h, order.seed)),
        *((name, _network(order, cell, recipe)) for name, cell, recipe in settings[1:]),
    ]


def carried(order: Order) -> MakeStreaming:
    """What makes a network that carries its state; it knows of no covariates."""
    cell = carried_cell(order.cell)
    return MakeStreaming(find_recipe("streaming"), cell, order.h, order.freq, order.season_length, order.seed)


def _network(order: Order, cell: str, recipe: Recipe) -> MakeNetwork:
    return MakeNetwork(
        recipe=recipe,
        cell=cell,
        h=order.h,
        freq=order.freq,
        season_length=order.season_length,
        seed=order.seed,
        channels=order.exogenous.channels(order.statics),
        statics=order.statics,
        checkpoint=order.checkpoint,
    )


def _order(trial: _Trial) -> tuple[int, float]:
    """Those that got further come first, then those that erred less."""
    known = trial.mase if math.isfinite(trial.mase) else math.inf
    return -len(trial.errors), known
