"""Pictures of hidden states: heat maps over time, a path in the plane, what units follow, what an answer rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ostinato.report.doctor import COLOURS, dress, new_figure
from ostinato.report.picture import BLUE, GREY, INK, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ostinato.train.diagnosis.attribution import Attribution
    from ostinato.train.diagnosis.states import Follows, StateView, Values

Limits = tuple[float, float]

FEATURES = 3
"""Features of the input that are drawn above the states, the first ones."""


def state_figure(view: StateView, row: int = -1) -> Figure:
    """Draw the input, the hidden state, the cell state and the gates of one row over time, one below the other.

    Args:
        view: the states of a layer.
        row: which row of the batch; the last one by default.

    Returns:
        A matplotlib figure.
    """
    real = view.real[row]
    panels: dict[str, tuple[Values, str, Limits | None]] = {"hidden state h": (view.hidden, "RdBu_r", None)}
    if view.memory is not None:
        panels["cell state c"] = (view.memory, "RdBu_r", None)
    panels |= {f"{name} gate": (values, "Blues", (0.0, 1.0)) for name, values in view.gates.items()}
    figure = new_figure(10, 1.6 + 1.5 * len(panels))
    axes = figure.subplots(1 + len(panels), 1, sharex=True)
    inputs = view.inputs[row][real].T[:FEATURES]
    for number, feature in enumerate(inputs):
        axes[0].plot(feature, color=COLOURS[number], linewidth=1.4, label=f"feature {number}")
    dress(axes[0], title=f"{view.name}: {view.cell} with {view.hidden.shape[2]} units", y="input")
    if len(inputs) > 1:
        axes[0].legend(
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=len(inputs),
            frameon=False,
            fontsize=9,
            borderaxespad=0,
        )
    order = _by_likeness(view.hidden[row][real])
    for place, (title, (values, colours, limits)) in zip(axes[1:], panels.items(), strict=True):
        _heat(figure, place, values[row][real][:, order].T, colours, limits)
        place.set_title(title, fontsize=10, loc="left")
        place.set_ylabel("unit")
    axes[-1].set_xlabel("step")
    return figure


def path_figure(view: StateView, row: int = -1) -> Figure:
    """Draw where the hidden state of one row goes, in the plane in which it moves most.

    Args:
        view: the states of a layer.
        row: which row of the batch; the last one by default.

    Returns:
        A matplotlib figure.

    Raises:
        ConfigError: The row has fewer than two steps.
    """
    from ostinato.train.diagnosis.states import path

    found = path(view.hidden[row][view.real[row]])
    figure = new_figure(6, 5)
    axes = figure.add_subplot()
    across, up = found.points.T
    axes.plot(across, up, color=GREY, linewidth=0.8, zorder=1)
    dots = axes.scatter(
        across, up, c=np.arange(len(found.points)), cmap="viridis", s=18, zorder=2, label="a step"
    )
    axes.annotate("start", found.points[0], textcoords="offset points", xytext=(5, 5), color=INK)
    axes.annotate("end", found.points[-1], textcoords="offset points", xytext=(5, 5), color=INK)
    figure.colorbar(dots, ax=axes, label="step")
    dress(
        axes,
        title=f"Path of the state of {view.name} ({found.share:.0%} of its movement)",
        x="first principal component",
        y="second",
    )
    return figure


def follows_figure(follows: Follows) -> Figure:
    """Draw the correlation of every unit with earlier inputs, the time and the season.

    Args:
        follows: what the units follow.

    Returns:
        A matplotlib figure.
    """
    figure = new_figure(10, 4.5)
    extra = 1 if follows.season is None else 2
    left, right = figure.subplots(1, 2, width_ratios=(follows.lags.shape[1], max(extra, 2)))
    order = np.argsort(np.abs(follows.lags).argmax(axis=1), kind="stable")
    _heat(None, left, follows.lags[order], "RdBu_r", (-1.0, 1.0))
    left.set_title("Correlation of units with earlier inputs", fontsize=11, loc="left")
    left.set_xlabel("steps before")
    left.set_ylabel("unit")
    columns = [follows.trend] if follows.season is None else [follows.trend, follows.season]
    shown = _heat(None, right, np.stack(columns, axis=1)[order], "RdBu_r", (-1.0, 1.0))
    right.set_xticks(range(extra), ["time", "season"][:extra], rotation=30)
    right.set_yticks([])
    figure.colorbar(shown, ax=right)
    return figure


def attribution_figure(attribution: Attribution) -> Figure:
    """Draw what the answers rest on: the mean absolute attribution of the inputs, lag by lag.

    Args:
        attribution: by integrated gradients.

    Returns:
        A matplotlib figure.
    """
    by_lag = attribution.by_lag()
    figure = new_figure(10, 3.2)
    axes = figure.add_subplot()
    axes.bar(np.arange(len(by_lag)), by_lag, color=BLUE)
    strongest = int(by_lag.argmax())
    which = "the last input" if strongest == 0 else f"the input {strongest} steps before the last"
    axes.bar([strongest], [by_lag[strongest]], color=ORANGE)
    dress(
        axes,
        title=f"What the answer rests on most: {which}",
        x="steps before the last",
        y="mean attribution",
    )
    return figure


def forecaster_figures(forecaster: Any) -> dict[str, Figure]:
    """Look into the network of a fitted forecaster, over windows of its own history.

    Args:
        forecaster: a fitted `Forecaster`. A pretrained network reads patches of several steps, and its figures count
            patches.

    Returns:
        Figures by name: "states", "path", "follows" and "attribution", of the last window and the last layer.

    Raises:
        ConfigError: The forecaster is not fitted, or its history is too short for a window.
    """
    from ostinato.tasks.opening import open_forecaster
    from ostinato.train.diagnosis.attribution import integrated_gradients
    from ostinato.train.diagnosis.states import view_states, what_units_follow

    opened = open_forecaster(forecaster._fitted())
    view = view_states(opened.network, opened.batch, opened.loss)[-1]
    attribution = integrated_gradients(opened.network, opened.batch.inputs, answer=opened.answer, points=32)
    season = None if opened.covers else opened.season_length
    return {
        "states": state_figure(view),
        "path": path_figure(view),
        "follows": follows_figure(what_units_follow(view, season_length=season)),
        "attribution": attribution_figure(attribution),
    }


def _heat(figure: Figure | None, axes: Axes, values: Values, colours: str, limits: Limits | None) -> Any:
    """Draw a matrix; with a figure, a scale of its colours beside it."""
    if limits is None:
        most = float(np.abs(values).max()) or 1.0
        limits = (-most, most)
    image = axes.imshow(
        values, aspect="auto", cmap=colours, vmin=limits[0], vmax=limits[1], interpolation="nearest"
    )
    if figure is not None:
        figure.colorbar(image, ax=axes, pad=0.01)
    return image


def _by_likeness(states: Values) -> np.ndarray:
    """Units in an order in which those that move alike stand together: by their part in the main movement."""
    centred = states - states.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return np.argsort(directions[0])
