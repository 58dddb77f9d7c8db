"""Each ingredient of the default recipe switched off in turn, and what that costs on given series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ostinato.errors import DataError
from ostinato.evaluate import scores
from ostinato.evaluate.backtest import backtest
from ostinato.tasks.forecasting.fitting import Progress
from ostinato.tasks.forecasting.origins import plan_origins
from ostinato.tasks.forecasting.recipes import Recipe, find_recipe
from ostinato.tasks.forecasting.trained import MakeNetwork

WHOLE = "everything"
USUAL_ORIGINS = 4


def _usual_steps(recipe: Recipe) -> Recipe:
    usual = recipe.steps[0]
    return replace(recipe, stop_early=False, validation=0.0, steps=(usual, usual))


INGREDIENTS: dict[str, Callable[[Recipe], Recipe]] = {
    "season taken out": lambda recipe: replace(recipe, deseasonalise=False),
    "logarithm by evidence": lambda recipe: replace(recipe, logarithm=False),
    "windows by themselves": lambda recipe: replace(recipe, relative=False, scaler="standard"),
    "all steps at once": lambda recipe: replace(recipe, direct=False),
    "absolute error": lambda recipe: replace(recipe, loss="mse"),
    "ensemble": lambda recipe: replace(recipe, members=1),
    "early stopping": _usual_steps,
    "averaged weights": lambda recipe: replace(recipe, average=None),
    "clipped gradients": lambda recipe: replace(recipe, clip_norm=None),
    "weight decay": lambda recipe: replace(recipe, weight_decay=0.0),
}
"""What makes the recipe without each of its ingredients."""


@dataclass(frozen=True)
class AblationSettings:
    """How ingredients are judged.

    Attributes:
        h: steps to forecast.
        freq: pandas alias or integer step.
        cell: the recurrent cell.
        season_length: steps in a season; found in each past when None.
        seed: of the first network.
        origins: of the backtest; as many as fit, at most four, when None.
        jobs: processes.
    """

    h: int
    freq: str | int
    cell: str = "lstm"
    season_length: int | None = None
    seed: int = 0
    origins: int | None = None
    jobs: int = 1


def ablate(
    frame: pd.DataFrame, settings: AblationSettings, *, progress: Progress | None = None
) -> pd.DataFrame:
    """Backtest the default recipe, and without each ingredient, at the same origins.

    Args:
        frame: unique_id, ds, y; regular.
        settings: how.
        progress: called with (fits done, fits in all).

    Returns:
        without, mase, change (percent of the whole recipe's MASE; above 0 the ingredient helps), worse (share of series
        and origins that are forecast worse without it); the whole recipe first, then what costs most.

    Raises:
        DataError: the series are too short.
        TrainingError: a training failed.
    """
    recipe = find_recipe("default")
    makers = {WHOLE: _maker(recipe, settings)}
    makers |= {name: _maker(change(recipe), settings) for name, change in INGREDIENTS.items()}
    whole = makers[WHOLE]
    season = whole.season(frame)
    shortest = max(make.shortest(frame) for make in makers.values())
    origins = plan_origins(
        frame, settings.h, shortest=shortest, season_length=season, n_windows=settings.origins
    )
    if origins.number == 0:
        raise DataError(
            f"the series are too short for a backtest of {settings.h} steps; use a smaller horizon or a longer history"
        )
    table = backtest(
        makers,
        frame,
        h=settings.h,
        freq=settings.freq,
        n_windows=min(origins.number, settings.origins or USUAL_ORIGINS),
        n_jobs=settings.jobs,
        progress=progress,
    )
    return _table(scores.cells(table, frame, season))


def _maker(recipe: Recipe, settings: AblationSettings) -> MakeNetwork:
    return MakeNetwork(
        recipe, settings.cell, settings.h, settings.freq, settings.season_length, settings.seed
    )


def _table(cells: scores.Cells) -> pd.DataFrame:
    """MASE by model, and how it differs from that of the whole recipe."""
    errors = dict(zip(cells.models, cells.mase, strict=True))
    whole = errors[WHOLE]
    rows = []
    for name, error in errors.items():
        both = np.isfinite(error) & np.isfinite(whole)
        mase, base = (float(one[both].mean()) if both.any() else float("nan") for one in (error, whole))
        worse = float((error[both] > whole[both]).mean()) if both.any() else float("nan")
        change = 100 * (mase / base - 1) if base > 0 else float("nan")
        rows.append({"without": name, "mase": mase, "change": change, "worse": worse})
    rows[0] |= {"without": "nothing", "change": 0.0, "worse": float("nan")}
    table = pd.DataFrame(rows)
    costs = table[1:].sort_values("change", ascending=False, kind="stable")
    return pd.concat([table[:1], costs], ignore_index=True)
