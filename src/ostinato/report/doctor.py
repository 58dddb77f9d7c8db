"""Pictures of a diagnosis: gradients by lag, growth of changes of the state, gates, and the memory during training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ostinato.errors import ConfigError
from ostinato.report.picture import BLUE, DOTS_PER_INCH, GREEN, GREY, INK, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ostinato.train.diagnosis.diagnosis import Diagnosis
    from ostinato.train.history import Sighting

COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00", INK)
FADED = 1e-12
"""Share of the largest gradient below which a line ends: nothing to see any more."""
MOST_CURVES = 6
"""Updates of a training whose gradients are drawn at most, evenly spread."""


def new_figure(width: float, height: float) -> Figure:
    """A figure of its own: no window system, no state shared with a caller's figures."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def dress(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> None:
    """Give axes the look of the project's pictures."""
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=INK, labelsize=9)


def gradient_lines(
    axes: Axes,
    lines: Mapping[str, ArrayLike],
    *,
    season_length: int | None = None,
    colours: Sequence[Any] = COLOURS,
) -> None:
    """Draw gradients by lag, each relative to its largest, on a logarithmic scale.

    Args:
        axes: where to draw.
        lines: (lags,) norms of gradients by name.
        season_length: a lag to mark.
        colours: of the lines, in their order, then again from the first.
    """
    for number, (name, values) in enumerate(lines.items()):
        norms = np.asarray(values, dtype=np.float64)
        largest = norms.max() if len(norms) else 0.0
        if not largest > 0:
            continue
        shares = norms / largest
        shown = np.where(shares > FADED, shares, np.nan)
        axes.plot(shown, color=colours[number % len(colours)], linewidth=1.6, label=name)
    if season_length:
        axes.axvline(season_length, color=GREY, linewidth=1, linestyle="--", label=f"season {season_length}")
    axes.set_yscale("log")
    axes.set_ylim(bottom=min(axes.get_ylim()[0], 0.1))  # a whole decade, so that the ticks are round numbers
    dress(axes, title="Gradient of the loss by lag", x="steps before", y="share of the largest")
    axes.legend(frameon=False, fontsize=9)


def gradient_figure(diagnosis: Diagnosis) -> Figure:
    """Draw how the gradient of every layer fades or grows with the lag, and the same for changes of the state.

    Args:
        diagnosis: of a network.

    Returns:
        A matplotlib figure.
    """
    figure = new_figure(10, 4)
    left, right = figure.subplots(1, 2)
    gradient_lines(
        left,
        {
            f"{layer.name}, memory {layer.gradients.memory or 0}": layer.gradients.by_lag
            for layer in diagnosis.layers
        },
        season_length=_season(diagnosis),
    )
    for number, layer in enumerate(diagnosis.layers):
        growth, colour = layer.jacobians, COLOURS[number % len(COLOURS)]
        for values, style in ((growth.largest, "-"), (growth.median, ":")):
            shown = np.where(values > FADED, values, np.nan)
            right.plot(growth.lags, shown, style, marker="o", markersize=3, color=colour)
    right.axhline(1.0, color=GREY, linewidth=1)
    right.set_yscale("log")
    dress(
        right,
        title="Growth of a change of the state",
        x="steps (largest: line, median: dots)",
        y="singular value of the product",
    )
    return figure


def gates_figure(diagnosis: Diagnosis) -> Figure:
    """Draw which share of every gate's values is as good as shut, in between, and as good as open.

    Args:
        diagnosis: of a network with gates.

    Returns:
        A matplotlib figure.

    Raises:
        ConfigError: no layer has gates.
    """
    rows = [(layer.name, gate) for layer in diagnosis.layers for gate in layer.units.gates]
    if not rows:
        raise ConfigError("the layers of this network have no gates to draw; use an LSTM or a GRU")
    figure = new_figure(10, 1.2 + 0.42 * len(rows))
    axes = figure.add_subplot()
    names = [f"{layer} {gate.name}" for layer, gate in rows]
    start = np.zeros(len(rows))
    parts = (
        ("below 0.1", [gate.shut for _, gate in rows], ORANGE),
        ("between", [1 - gate.shut - gate.open for _, gate in rows], "#dddddd"),
        ("above 0.9", [gate.open for _, gate in rows], BLUE),
    )
    for label, shares, colour in parts:
        axes.barh(names, shares, left=start, color=colour, label=label)
        start = start + np.asarray(shares)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    dress(axes, x="share of units and steps")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False, fontsize=9)
    return figure


def watch_figure(
    sightings: Sequence[Sighting], *, layer: str | None = None, season_length: int | None = None
) -> Figure:
    """Draw the memory over the updates of a training, and the gradient by lag at some of them.

    Args:
        sightings: what `TrainingWatch(loss=...)` saw, of its `sightings` or those of a history.
        layer: whose gradients to draw; of the last layer when None.
        season_length: steps in a season, to mark.

    Returns:
        A matplotlib figure.

    Raises:
        ConfigError: no sighting has gradients by lag, or none of the layer.
    """
    from matplotlib import colormaps

    followed = [each for each in sightings if each.memory is not None]
    kept = [each for each in followed if each.by_lag]
    if not kept:
        raise ConfigError(
            "there are no gradients by lag to draw; watch the training with TrainingWatch(loss=...)"
        )
    name = list(kept[-1].by_lag)[-1] if layer is None else layer
    if name not in kept[-1].by_lag:
        raise ConfigError(f"no layer {name!r} was watched; use one of {', '.join(kept[-1].by_lag)}")
    figure = new_figure(10, 4)
    left, right = figure.subplots(1, 2)
    left.plot(
        [each.update for each in followed],
        [each.memory for each in followed],
        color=BLUE,
        marker="o",
        markersize=3,
    )
    if season_length:
        left.axhline(season_length, color=GREY, linewidth=1, linestyle="--", label=f"season {season_length}")
        left.legend(frameon=False, fontsize=9)
    left.set_ylim(bottom=0)
    dress(left, title="Effective memory while training", x="update", y="steps")
    chosen = [kept[place] for place in sorted(set(np.linspace(0, len(kept) - 1, MOST_CURVES).astype(int)))]
    shades = [colormaps["viridis_r"](share) for share in np.linspace(0.1, 1.0, len(chosen))]
    gradient_lines(
        right,
        {f"update {each.update}": each.by_lag[name] for each in chosen},
        season_length=season_length,
        colours=shades,
    )
    right.set_title(f"Gradient of the loss by lag, {name}", fontsize=11, loc="left")
    return figure


def write_pictures(diagnosis: Diagnosis, folder: Path) -> dict[str, Path]:
    """Write the pictures of a diagnosis.

    Args:
        diagnosis: of a network.
        folder: where to; it is there.

    Returns:
        The paths by name: "gradients", "gates" where there are any, and "training" where it was watched.
    """
    figures = {"gradients": gradient_figure(diagnosis)}
    if any(layer.units.gates for layer in diagnosis.layers):
        figures["gates"] = gates_figure(diagnosis)
    sightings = () if diagnosis.watch is None else diagnosis.watch.sightings
    if any(each.by_lag for each in sightings if each.memory is not None):
        figures["training"] = watch_figure(sightings, season_length=_season(diagnosis))
    paths = {name: folder / f"{name}.png" for name in figures}
    for name, figure in figures.items():
        figure.savefig(paths[name])
    return paths


def _season(diagnosis: Diagnosis) -> int | None:
    """The season to mark: one that is taken out beforehand is nothing to remember."""
    return None if diagnosis.season_removed else diagnosis.season_length
