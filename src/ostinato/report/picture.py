"""forecast.png: the past, the forecast and its intervals, and for the textbook's recipe the test steps."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ostinato.report.content import ReportContent
from ostinato.report.shown import Shown, left_out, shown_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by colour-blind eyes, and in print.
INK, BLUE, ORANGE, GREEN, GREY = "#222222", "#0072B2", "#D55E00", "#009E73", "#767676"
DOTS_PER_INCH = 110


def picture(content: ReportContent) -> bytes:
    """Draw the forecast.

    Args:
        content: what the report says.

    Returns:
        A PNG file.
    """
    # A Figure of its own needs no pyplot: no window system, no state shared with a caller's figures.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = shown_series(content)
    columns = 1 if len(shown) == 1 else 2
    rows = -(-len(shown) // columns) + (content.test is not None)
    height = 4.6 if rows == 1 else 3.3 * rows + 0.6
    figure = Figure(figsize=(10, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(rows, columns)
    first = 0
    if content.test is not None:
        _draw_test(figure.add_subplot(grid[0, :]), content, content.test)
        first = 1
    for index, series in enumerate(shown):
        axes = figure.add_subplot(grid[first + index // columns, index % columns])
        _draw_series(axes, content, series, alone=len(shown) == 1)
    note = left_out(content)
    figure.suptitle(
        _plain(content.title, 80) + (f" ({note})" if note else ""), fontsize=13, fontweight="bold"
    )
    if len(shown) > 1:
        _share_legend(figure)
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # Names in a script that the font lacks are drawn as boxes; the page shows them rightly.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .*missing from")
        figure.savefig(stream, format="png")
    return stream.getvalue()


def _draw_series(axes: Axes, content: ReportContent, series: Shown, *, alone: bool) -> None:
    """The past, the forecast and its bands of one series."""
    whose = str(series.forecast["model"].iloc[0]) if "model" in series.forecast else content.verdict.best
    axes.plot(_times(series.history), series.history["y"], color=INK, linewidth=1.3, label="history")
    ahead = _times(series.forecast)
    marker = "o" if len(ahead) <= 2 else None
    for order, level in enumerate(sorted(content.levels, reverse=True)):
        low, high = f"forecast-lo-{level:g}", f"forecast-hi-{level:g}"
        if low in series.forecast and series.forecast[low].notna().any():
            axes.fill_between(
                ahead,
                series.forecast[low],
                series.forecast[high],
                color=_tint(0.2 + 0.2 * min(order, 2)),
                linewidth=0,
                label=f"{level:g} % interval",
            )
    axes.plot(
        ahead,
        series.forecast["forecast"],
        color=BLUE,
        linewidth=1.8,
        marker=marker,
        label=f"forecast ({_plain(whose, 30)})",
    )
    axes.set_title("" if alone else _plain(series.name, 46), fontsize=11, loc="left")
    _dress(axes, content, [series.history["ds"], series.forecast["ds"]])
    if alone:
        _legend_above(axes)


def _draw_test(axes: Axes, content: ReportContent, test: pd.DataFrame) -> None:
    """Actual and predicted values over the held-out steps, one step ahead."""
    test = test[test["unique_id"] == test["unique_id"].iloc[0]] if "unique_id" in test else test
    axes.plot(_times(test), test["y"], color=INK, linewidth=1.6, marker="o", markersize=3, label="actual")
    for name, label, color, style in _test_lines(content, test):
        axes.plot(_times(test), test[name], color=color, linewidth=1.6, linestyle=style, label=label)
    axes.set_title("Test: one step ahead from the true past", fontsize=11, loc="left", pad=24)
    _dress(axes, content, [test["ds"]])
    _legend_above(axes)


def _test_lines(content: ReportContent, test: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """Column, label with its error, colour and line style of each model drawn over the test."""
    lines = []
    for name, word, color, style in (
        (content.model, f"predicted ({_plain(content.model, 30)})", BLUE, "-"),
        ("SeasonalNaive", "SeasonalNaive", ORANGE, "--"),
    ):
        if name in test:
            error = float(np.sqrt(((test[name] - test["y"]) ** 2).mean()))
            lines.append((name, f"{word}, RMSE {error:.4g}", color, style))
    return lines


def _plain(text: str, most: int) -> str:
    """A text of one line that fits, and whose dollars do not start a formula."""
    line = " ".join(text.split())
    return (line if len(line) <= most else line[: most - 1] + "…").replace("$", r"\$")


def _tint(share: float) -> tuple[float, float, float]:
    """Blue on white, opaque, so that bands over one another look as their legend does."""
    red, green, blue = (int(BLUE[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return 1 - share * (1 - red), 1 - share * (1 - green), 1 - share * (1 - blue)


def _times(table: pd.DataFrame) -> np.ndarray:
    """Times as matplotlib takes them."""
    return table["ds"].to_numpy()


def _dress(axes: Axes, content: ReportContent, times: list[pd.Series]) -> None:
    """Labels, dates and a light grid."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    if pd.api.types.is_datetime64_any_dtype(times[0]):
        locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]  # matplotlib's own gap
        axes.xaxis.set_major_locator(locator)
        formatter = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]  # matplotlib's own gap
        axes.xaxis.set_major_formatter(formatter)
        axes.set_xlabel("date")
    else:
        axes.set_xlabel("step")
    axes.set_ylabel(_plain(content.value_label, 32))
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=INK, labelsize=9)
    axes.margins(x=0.01)


def _legend_above(axes: Axes) -> None:
    """A legend over the axes, where no line can run through it."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=5, frameon=False, fontsize=9, borderaxespad=0.2
    )


def _share_legend(figure: Figure) -> None:
    """One legend for all series, below them."""
    handles, labels = figure.axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=9)
