"""A picture of a recurrent network unrolled over time: what goes in, what comes out, and which way the state flows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, BLUE, ORANGE, GREEN, GREY = "#222222", "#0072B2", "#D55E00", "#009E73", "#767676"  # as in `picture`
WIDTH, HEIGHT = 0.62, 0.42  # of a box, in units of the distance between steps
DOTS_PER_INCH = 110


def unrolled(
    inputs: Sequence[str | None],
    outputs: Sequence[str | None],
    *,
    both_ways: bool = False,
    fed_back: bool = False,
    linked: bool = False,
) -> bytes:
    r"""Draw the shape of a task: one box a step.

    Args:
        inputs: what the network reads at each step; None where it reads nothing.
        outputs: what it gives at each step; None where it gives nothing.
        both_ways: a second row of states flows backwards in time.
        fed_back: each output is the input of the step after it.
        linked: neighbouring outputs are scored together, as by a conditional random field.

    Returns:
        A PNG file.

    Raises:
        ConfigError: there is not one input and one output a step.

    Example:
        >>> unrolled(["The", "dog"], ["DET", "NOUN"], both_ways=True)[:4]
        b'\x89PNG'
    """
    if len(inputs) != len(outputs) or not inputs:
        raise ConfigError(
            f"there are {len(inputs)} inputs and {len(outputs)} outputs; give one of each a step"
        )
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps, rows = len(inputs), 2 if both_ways else 1
    figure = Figure(figsize=(1.25 * steps + 0.5, 0.85 * (rows + 2)), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for step in range(steps):
        _step(axes, step, inputs[step], outputs[step], rows)
    _flow(axes, steps, rows)
    for step in range(steps - 1):
        _tie(axes, step, rows, linked=linked, fed_back=fed_back)
    axes.set_xlim(-0.75, steps - 0.25)
    axes.set_ylim(-0.4, rows + 1.4)
    axes.set_axis_off()
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _step(axes: Axes, step: int, read: str | None, given: str | None, rows: int) -> None:
    """One step: input below, states, output above."""
    for row in range(1, rows + 1):
        _box(axes, (step, row), "", BLUE if row == 1 else GREEN)
    if read is not None:
        axes.text(step, 0, read, ha="center", va="center", color=INK, fontsize=11)
        _arrow(axes, (step, 0.18), (step, 1 - HEIGHT / 2), GREY)
    if rows == 2:
        _arrow(axes, (step, 1 + HEIGHT / 2), (step, 2 - HEIGHT / 2), GREY)
    if given is not None:
        _box(axes, (step, rows + 1), given, ORANGE)
        _arrow(axes, (step, rows + HEIGHT / 2), (step, rows + 1 - HEIGHT / 2), GREY)


def _tie(axes: Axes, step: int, rows: int, *, linked: bool, fed_back: bool) -> None:
    """What ties an output to the step after it."""
    if linked:
        _arrow(axes, (step + WIDTH / 2, rows + 1), (step + 1 - WIDTH / 2, rows + 1), ORANGE, both=True)
    if fed_back:
        _arrow(axes, (step + 0.28, rows + 0.8), (step + 0.85, HEIGHT / 2), ORANGE, dashed=True)


def _flow(axes: Axes, steps: int, rows: int) -> None:
    """The state from step to step, and in the second row back again."""
    for step in range(steps - 1):
        _arrow(axes, (step + WIDTH / 2, 1), (step + 1 - WIDTH / 2, 1), BLUE)
        if rows == 2:
            _arrow(axes, (step + 1 - WIDTH / 2, 2), (step + WIDTH / 2, 2), GREEN)


def _box(axes: Axes, middle: tuple[float, float], text: str, color: str) -> None:
    """A box with a word in it; those without are states."""
    from matplotlib.patches import FancyBboxPatch

    x, y = middle
    shape = "round,pad=0,rounding_size=0.1"
    face = color if not text else "white"
    axes.add_patch(
        FancyBboxPatch(
            (x - WIDTH / 2, y - HEIGHT / 2),
            WIDTH,
            HEIGHT,
            boxstyle=shape,
            facecolor=face,
            edgecolor=color,
            linewidth=1.4,
        )
    )
    axes.text(x, y, text, ha="center", va="center", color=INK, fontsize=11)


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    color: str,
    *,
    dashed: bool = False,
    both: bool = False,
) -> None:
    """An arrow; with two heads where it means both ways."""
    style = {
        "arrowstyle": "<->" if both else "->",
        "color": color,
        "linewidth": 1.4,
        "linestyle": "--" if dashed else "-",
        "shrinkA": 1,
        "shrinkB": 1,
    }
    axes.annotate("", xy=end, xytext=start, arrowprops=style)
