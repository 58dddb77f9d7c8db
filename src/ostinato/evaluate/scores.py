"""Scores of every model of a backtest, in one table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.errors import ConfigError, DataError
from ostinato.evaluate import blocks
from ostinato.evaluate.knots import LEVELS

Values = NDArray[np.float64]
SCORES = ("mae", "rmse", "mase", "smape")
KEYS = ("unique_id", "ds", "cutoff", "y")


@dataclass(frozen=True)
class Cells:
    """A backtest cut into cells, one a series and origin, in the table's order.

    Attributes:
        models: names of the models.
        series: number of the series of each cell, shape (cells,).
        origin: number of the origin of each cell within its series, from 0, shape (cells,).
        scale: MASE's unit on the past of each cell, shape (cells,); NaN where unknown, 0 if constant.
        mae, mse, smape: means over each cell's known values, shape (models, cells).
    """

    models: tuple[str, ...]
    series: NDArray[np.int64]
    origin: NDArray[np.int64]
    scale: Values
    mae: Values
    mse: Values
    smape: Values

    @property
    def mase(self) -> Values:
        """Mean absolute errors in units of the scale, (models, cells); NaN without a scale."""
        scaled: Values = self.mae / np.where(self.scale > 0, self.scale, np.nan)
        return scaled


def leaderboard(cv: pd.DataFrame, frame: pd.DataFrame, season_length: int) -> pd.DataFrame:
    """Score every model of a backtest, best first.

    MAE, MASE and sMAPE are taken for each series and origin and averaged; RMSE is the root of the mean
    square over all origins of a series, averaged over series. MASE is in units of the past of each
    cut-off. Cells that one of the models could not forecast count for none, so that all are compared
    on the same ones.

    Args:
        cv: the backtest: unique_id, ds, cutoff, y and one column per model.
        frame: unique_id, ds, y; the series the backtest was made of.
        season_length: steps in a season.

    Returns:
        model, mae, rmse, mase, smape; sorted by mase, then mae. MASE is NaN where no series has a scale.

    Raises:
        DataError: the backtest has no model, or cut-offs that are not times of the frame.

    Example:
        >>> frame = pd.DataFrame({"unique_id": "a", "ds": range(4), "y": [1.0, 2.0, 4.0, 7.0]})
        >>> cv = pd.DataFrame({"unique_id": "a", "ds": [3], "cutoff": [2], "y": [7.0], "Naive": [4.0]})
        >>> leaderboard(cv, frame, 1).round(2).to_dict("list")
        {'model': ['Naive'], 'mae': [3.0], 'rmse': [3.0], 'mase': [2.0], 'smape': [54.55]}
    """
    found = cells(cv, frame, season_length)
    answered = np.isfinite(found.mae)
    silent = ~answered.any(axis=1)  # a model without any forecast hinders no other
    shared = answered[~silent].all(axis=0) if not silent.all() else np.zeros(answered.shape[1], bool)
    rows = []
    for number, model in enumerate(found.models):
        keep = shared & answered[number]
        mean_square = pd.Series(found.mse[number, keep]).groupby(found.series[keep]).mean()
        rows.append(
            {
                "model": model,
                "mae": _mean(found.mae[number, keep]),
                "rmse": _mean(np.sqrt(mean_square.to_numpy())),
                "mase": _mean(found.mase[number, keep]),
                "smape": _mean(found.smape[number, keep]),
            }
        )
    table = pd.DataFrame(rows, columns=["model", *SCORES])
    return table.sort_values(["mase", "mae"], kind="stable", ignore_index=True)


def as_dict(board: pd.DataFrame) -> dict[str, dict[str, float]]:
    """A leaderboard by name: {model: {"mae", "rmse", "mase", "smape"}}.

    Args:
        board: what `leaderboard` returns.

    Returns:
        The same scores, in the same order.
    """
    return {
        str(row["model"]): {score: float(row[score]) for score in SCORES} for row in board.to_dict("records")
    }


def models_of(cv: pd.DataFrame) -> tuple[str, ...]:
    """Names of the models of a backtest: its columns, without the keys and the quantiles of a model."""
    names = [str(name) for name in cv.columns if name not in KEYS]
    quantiles = {column for name in names for column in level_columns(name)}
    return tuple(name for name in names if name not in quantiles)


def level_columns(model: str) -> list[str]:
    """Columns of the quantiles of a model, from the lowest."""
    return [f"{model}-q-{100 * level:g}" for level in LEVELS]


def without_levels(cv: pd.DataFrame) -> pd.DataFrame:
    """A backtest without the quantiles of the models."""
    return cv[[*KEYS, *models_of(cv)]]


def cells(cv: pd.DataFrame, frame: pd.DataFrame, season_length: int) -> Cells:
    """Cut a backtest into cells, one a series and origin, and score each.

    Args:
        cv: the backtest, sorted by series, cut-off and time.
        frame: unique_id, ds, y; the series it was made of.
        season_length: steps in a season.

    Returns:
        The scores of each cell; NaN where all its values are missing.

    Raises:
        DataError: the backtest has no model, or cut-offs that are not times of the frame.
    """
    models = models_of(cv)
    if not models:
        raise DataError("the backtest has no column of a model beside unique_id, ds, cutoff and y")
    groups = cv.groupby(["unique_id", "cutoff"], sort=False, observed=True)
    number = np.asarray(groups.ngroup(), dtype=np.int64)
    firsts = np.flatnonzero(np.diff(number, prepend=-1))
    heads = cv.iloc[firsts]
    series = pd.factorize(heads["unique_id"])[0].astype(np.int64)
    truth = cv["y"].to_numpy(dtype=np.float64)
    guesses = cv[list(models)].to_numpy(dtype=np.float64).T  # (models, rows)
    error = np.abs(guesses - truth)
    size = np.abs(guesses) + np.abs(truth)
    relative = 200 * np.divide(error, size, out=np.where(size == 0, 0.0, np.nan), where=size > 0)
    known = ~np.isnan(truth)
    return Cells(
        models=models,
        series=series,
        origin=np.asarray(heads.groupby("unique_id", sort=False, observed=True).cumcount(), dtype=np.int64),
        scale=_scales_at(heads, frame, season_length),
        mae=_cell_means(error, known, number, len(firsts)),
        mse=_cell_means(error**2, known, number, len(firsts)),
        smape=_cell_means(relative, known, number, len(firsts)),
    )


def errors_of(cv: pd.DataFrame, model: str) -> Values:
    """Forecast minus truth of one model, (cells, h), in the order of the backtest.

    Args:
        cv: the backtest: unique_id, ds, cutoff, y and one column per model.
        model: the column of the model.

    Raises:
        ConfigError: `cv` has no column `model`.
    """
    if model not in cv.columns:
        raise ConfigError(f"the backtest has no column {model!r}; it has {', '.join(models_of(cv))}")
    steps = cv.groupby(["unique_id", "cutoff"], sort=False, observed=True).cumcount().to_numpy()
    h = int(steps.max()) + 1 if len(steps) else 1
    errors: Values = (cv[model] - cv["y"]).to_numpy(dtype=np.float64).reshape(-1, h)
    return errors


def running_scale(frame: pd.DataFrame, season_length: int) -> Values:
    """MASE's unit for the past that ends at each row of a frame.

    Args:
        frame: unique_id, ds, y; sorted, series one after the other.
        season_length: steps in a season.

    Returns:
        `metrics.seasonal_scale` of each series up to each row, shape (rows,).
    """
    view = blocks.split(frame)
    scale = np.full(len(view.values), np.nan)
    for lag in (season_length, 1):
        changes = np.abs(blocks.lag_errors(view, lag))
        known = ~np.isnan(changes)
        total = _running_sum(np.where(known, changes, 0.0), view)
        count = _running_sum(known.astype(np.float64), view)
        mean = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
        scale = np.where(np.isnan(scale), mean, scale)
    return scale


def _running_sum(values: Values, view: blocks.Blocks) -> Values:
    """Sum of each series up to each row, (rows,); summed series by series, so large ones spoil no other."""
    sums = pd.Series(values).groupby(view.owner, sort=False).cumsum()
    return np.asarray(sums, dtype=np.float64)


def _scales_at(heads: pd.DataFrame, frame: pd.DataFrame, season_length: int) -> Values:
    """MASE's unit at each cut-off, (cells,)."""
    table = frame[["unique_id", "ds"]].assign(scale=running_scale(frame, season_length))
    wanted = heads[["unique_id", "cutoff"]].rename(columns={"cutoff": "ds"})
    found = wanted.merge(table, on=["unique_id", "ds"], how="left", indicator=True)
    lost = found[found["_merge"] == "left_only"]
    if len(lost):
        name, time = lost.iloc[0][["unique_id", "ds"]]
        raise DataError(
            f"cut-off {time} is not a time of series {str(name)!r}; give the frame of the backtest"
        )
    return found["scale"].to_numpy(dtype=np.float64)


def _cell_means(values: Values, known: NDArray[np.bool_], number: NDArray[np.int64], count: int) -> Values:
    """Mean over the known values of each cell, (models, cells)."""
    weights = np.bincount(number, weights=known, minlength=count)
    sums = np.stack([np.bincount(number[known], weights=row[known], minlength=count) for row in values])
    means: Values = np.divide(sums, weights, out=np.full(sums.shape, np.nan), where=weights > 0)
    return means


def _mean(values: Values) -> float:
    """Mean of the known values; NaN of nothing, without a warning."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
