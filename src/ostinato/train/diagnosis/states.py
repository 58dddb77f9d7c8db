"""What the states of a network do: their values over time, their path in two dimensions, what each unit follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ostinato.errors import ConfigError
from ostinato.train.diagnosis.reading import Examples, Loss, opened
from ostinato.train.diagnosis.scan import Scan
from ostinato.train.diagnosis.units import gate_values

Values = NDArray[np.float64]


@dataclass(frozen=True)
class StateView:
    """The states of one layer in one direction over a batch.

    Attributes:
        name: the module's name, then the layer and direction: `recurrent.l0`.
        cell: "RNN", "LSTM", "GRU", ...
        inputs: (batch, time, features) what the layer was shown.
        hidden: (batch, time, hidden) its hidden state.
        memory: (batch, time, hidden) the cell state of an LSTM; None for other layers.
        gates: (batch, time, hidden) of each gate by name.
        real: (batch, time) which steps are real.
    """

    name: str
    cell: str
    inputs: Values
    hidden: Values
    memory: Values | None
    gates: dict[str, Values]
    real: NDArray[np.bool_]


@dataclass(frozen=True)
class Path:
    """Where a state goes, in the plane in which it moves most.

    Attributes:
        points: (time, 2).
        share: share of the movement that the plane shows.
    """

    points: Values
    share: float


@dataclass(frozen=True)
class Follows:
    """What the units of a layer follow: correlations over all real steps, from -1 to 1.

    Attributes:
        lags: (hidden, lags) with the first input feature 0, 1, 2, ... steps before.
        trend: (hidden,) with the time since the start.
        season: (hidden,) with the wave of the season's period that fits a row best, from 0 to 1; None without a season.
    """

    lags: Values
    trend: Values
    season: Values | None

    def strongest(self) -> list[str]:
        """What each unit follows most, in words.

        Returns:
            "input 3 steps before", "trend" or "season" for each unit, or "nothing" where no correlation reaches 0.3.
        """
        words = []
        for unit in range(len(self.lags)):
            lag = int(np.abs(self.lags[unit]).argmax())
            choices = {
                f"input {lag} {'step' if lag == 1 else 'steps'} before": abs(self.lags[unit, lag]),
                "trend": abs(self.trend[unit]),
                "season": 0.0 if self.season is None else self.season[unit],
            }
            best = max(choices, key=lambda name: choices[name])
            words.append(best if choices[best] >= WEAK else "nothing")
        return words


WEAK = 0.3
"""A correlation below which a unit is said to follow nothing."""


def view_states(model: nn.Module, examples: Examples, loss: Loss | None = None) -> tuple[StateView, ...]:
    """Run a batch through a model and keep what its recurrent layers held.

    Args: as for `read_model`.

    Returns:
        A view of each layer and direction, in the order they ran.

    Raises:
        ConfigError: as for `read_model`.
    """
    with opened(model, examples, loss) as (_, calls):
        return tuple(_view(scan) for call in calls for scan in call.scans)


def path(states: Values) -> Path:
    """Project states over time on the plane in which they move most (principal components).

    Args:
        states: (time, hidden), at least two steps.

    Returns:
        The path.

    Raises:
        ConfigError: There are fewer than two steps.

    Examples:
        >>> circle = np.array([[np.cos(t), np.sin(t), 0.0] for t in np.linspace(0, 6, 30)])
        >>> round(path(circle).share, 6)
        1.0
    """
    if len(states) < 2:
        raise ConfigError(f"a path needs at least 2 steps, and there are {len(states)}; use a longer series")
    centred = states - states.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(states), 2))
    kept = min(2, len(sizes))
    points[:, :kept] = left[:, :kept] * sizes[:kept]
    whole = float((sizes**2).sum())
    return Path(points, float((sizes[:2] ** 2).sum()) / whole if whole > 0 else 1.0)


def what_units_follow(view: StateView, *, lags: int = 24, season_length: int | None = None) -> Follows:
    """Correlate every unit with earlier inputs, the time, and the season.

    Args:
        view: the states of a layer.
        lags: how many lags of the first input feature, from 0 on.
        season_length: steps in a season; None or 1 for none.

    Returns:
        The correlations; 0 where one side does not vary.
    """
    rows, time, hidden = view.hidden.shape
    lags = min(lags, time)
    by_lag = np.zeros((hidden, lags))
    for lag in range(lags):
        kept = view.real[:, lag:]
        shifted = view.inputs[:, : time - lag, 0][kept]
        by_lag[:, lag] = _correlations(view.hidden[:, lag:][kept], shifted)
    times = np.broadcast_to(np.arange(time, dtype=np.float64), (rows, time))[view.real]
    states = view.hidden[view.real]
    season = None
    if season_length is not None and season_length > 1:
        season = _seasonality(view, season_length)
    return Follows(by_lag, _correlations(states, times), season)


def _view(scan: Scan) -> StateView:
    after = scan.after()
    return StateView(
        scan.name,
        type(scan.cell).__name__.removesuffix("Cell"),
        _array(scan.inputs),
        _array(after[0]),
        _array(after[1]) if len(after) > 1 else None,
        {name: _array(values) for name, values in gate_values(scan).items()},
        scan.real.cpu().numpy(),
    )


def _array(tensor: torch.Tensor) -> Values:
    return np.asarray(tensor.detach().double().cpu().numpy())


def _correlations(states: Values, other: Values) -> Values:
    """Correlation of each column of (pairs, hidden) with (pairs,)."""
    result = np.zeros(states.shape[1])
    if len(states) < 2:
        return result
    left, right = states - states.mean(axis=0), other - other.mean()
    sizes = np.sqrt((left**2).sum(axis=0) * (right**2).sum())
    np.divide(left.T @ right, sizes, out=result, where=sizes > 1e-12)
    return result


def _seasonality(view: StateView, season_length: int) -> Values:
    """Correlation of each unit with the wave of this period that fits it best in each row, whatever its phase."""
    angles = 2 * np.pi * np.arange(view.hidden.shape[1]) / season_length
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    fitted, whole = np.zeros(view.hidden.shape[2]), np.zeros(view.hidden.shape[2])
    for states, real in zip(view.hidden, view.real, strict=True):
        if int(real.sum()) < season_length:
            continue
        left, right = (each[real] - each[real].mean(axis=0) for each in (states, waves))
        fitted += ((right @ np.linalg.lstsq(right, left, rcond=None)[0]) ** 2).sum(axis=0)
        whole += (left**2).sum(axis=0)
    return np.sqrt(np.divide(fitted, whole, out=np.zeros_like(whole), where=whole > 1e-12))
