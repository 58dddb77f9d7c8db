"""Line charts as inline SVG: small, sharp at any size, and in the colours of the reader's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from ostinato.report.axes import Ticks, number_ticks

Values = NDArray[np.float64]
WIDTH, HEIGHT = 720, 300  # of the drawing's own units; the page scales it
RIGHT, TOP, BOTTOM = 12, 12, 40
DIGIT = 9  # units a character of a label takes, also in the larger letters of a phone


@dataclass(frozen=True)
class Line:
    """A line, broken where a value is missing.

    Attributes:
        x, y: places, same length.
        style: class of the page's style sheet that gives its colour.
        label: for the legend; empty = not in it.
        dots: draw a dot at each place as well.
    """

    x: Values
    y: Values
    style: str
    label: str = ""
    dots: bool = False


@dataclass(frozen=True)
class Band:
    """An area between two lines.

    Attributes:
        x, low, high: places, same length.
        style: class of the page's style sheet that gives its colour.
        label: for the legend.
    """

    x: Values
    low: Values
    high: Values
    style: str
    label: str = ""


def chart(
    lines: Sequence[Line], bands: Sequence[Band], *, ticks: Ticks, x_label: str, y_label: str, title: str
) -> str:
    """Draw lines over areas, with axes and a legend.

    Args:
        lines: drawn in order, over the bands.
        bands: drawn in order.
        ticks: marks of the horizontal axis.
        x_label: what the horizontal axis is.
        y_label: what the vertical axis is.
        title: what the chart shows, for those who cannot see it.

    Returns:
        A <figure> with the legend and an <svg>.
    """
    xs = np.concatenate([line.x for line in lines] + [band.x for band in bands])
    ys = np.concatenate(
        [line.y for line in lines] + [edge for band in bands for edge in (band.low, band.high)]
    )
    ys = ys[np.isfinite(ys)]
    if not ys.size:
        return ""
    frame = _Frame.around(xs, ys)
    drawn = [*(_band(frame, band) for band in bands), *(_line(frame, line) for line in lines)]
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{_axes(frame, ticks, x_label, y_label)}{''.join(drawn)}</svg>"
    )
    return f"<figure>{_legend(lines, bands)}{svg}</figure>"


@dataclass(frozen=True)
class _Frame:
    """Where values lie on the drawing."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    left: float
    marks: Ticks

    @classmethod
    def around(cls, xs: Values, ys: Values) -> _Frame:
        """The frame that holds all places with a little air."""
        x_low, x_high, y_low, y_high = (float(value) for value in (xs.min(), xs.max(), ys.min(), ys.max()))
        air = 0.04 * (y_high - y_low) or max(abs(y_high), 1.0) * 0.1
        side = 0.01 * (x_high - x_low) or 1.0
        marks = number_ticks(y_low - air, y_high + air, 8)
        left = 34 + DIGIT * max((len(label) for _, label in marks), default=0)
        return cls(x_low - side, x_high + side, y_low - air, y_high + air, left, marks)

    def x(self, value: float) -> float:
        """Place on the drawing of a horizontal value."""
        return self.left + (value - self.x_low) / (self.x_high - self.x_low) * (WIDTH - self.left - RIGHT)

    def y(self, value: float) -> float:
        """Place on the drawing of a vertical value."""
        return HEIGHT - BOTTOM - (value - self.y_low) / (self.y_high - self.y_low) * (HEIGHT - TOP - BOTTOM)

    def points(self, x: Values, y: Values) -> list[str]:
        """Places as SVG writes them."""
        return [f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in zip(x, y, strict=True)]


def _line(frame: _Frame, line: Line) -> str:
    """A path for each unbroken run of values, and dots for those that stand alone."""
    known = np.isfinite(line.y)
    breaks = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    parts = []
    for start, end in zip(breaks[::2], breaks[1::2], strict=True):
        points = frame.points(line.x[start:end], line.y[start:end])
        if len(points) > 1:
            parts.append(f'<polyline class="line {line.style}" points="{" ".join(points)}"/>')
        if line.dots or len(points) == 1:
            places = [point.split(",") for point in points]
            parts.extend(f'<circle class="dot {line.style}" cx="{x}" cy="{y}" r="2.4"/>' for x, y in places)
    return "".join(parts)


def _band(frame: _Frame, band: Band) -> str:
    """An area; one of a single step is drawn as an upright line."""
    known = np.isfinite(band.low) & np.isfinite(band.high)
    if not known.any():
        return ""
    x, low, high = band.x[known], band.low[known], band.high[known]
    if len(x) == 1:
        place, ends = f"{frame.x(x[0]):.1f}", (f"{frame.y(edge[0]):.1f}" for edge in (low, high))
        return '<line class="post {}" x1="{}" x2="{}" y1="{}" y2="{}"/>'.format(
            band.style, place, place, *ends
        )
    points = frame.points(x, low) + frame.points(x, high)[::-1]
    return f'<polygon class="band {band.style}" points="{" ".join(points)}"/>'


def _axes(frame: _Frame, ticks: Ticks, x_label: str, y_label: str) -> str:
    """Grid, marks and labels."""
    parts = []
    for value, label in frame.marks:
        y = frame.y(value)
        parts.append(f'<line class="grid" x1="{frame.left}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="end" x="{frame.left - 6}" y="{y + 4:.1f}">{escape(label)}</text>')
    base = HEIGHT - BOTTOM
    for value, label in ticks:
        x = frame.x(value)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{base}" y2="{base + 4}"/>')
        half = 3.4 * len(label)  # keeps the first and the last label on the drawing
        x = min(max(x, half), WIDTH - half)
        parts.append(f'<text class="middle" x="{x:.1f}" y="{base + 17}">{escape(label)}</text>')
    middle = (TOP + base) / 2
    parts.append(f'<line class="base" x1="{frame.left}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>')
    parts.append(
        f'<text class="middle" x="{(frame.left + WIDTH) / 2}" y="{HEIGHT - 5}">{escape(x_label)}</text>'
    )
    turned = f'transform="translate(15 {middle}) rotate(-90)"'
    parts.append(f'<text class="middle" {turned}>{escape(_short(y_label))}</text>')
    return "".join(parts)


def _short(label: str, most: int = 38) -> str:
    """A label that fits along the axis."""
    return label if len(label) <= most else label[: most - 1] + "…"


def _legend(lines: Sequence[Line], bands: Sequence[Band]) -> str:
    """What each colour means."""
    parts = [
        f'<span><i class="key {part.style}"></i>{escape(part.label)}</span>' for part in lines if part.label
    ]
    parts += [
        f'<span><i class="key area {part.style}"></i>{escape(part.label)}</span>'
        for part in bands
        if part.label
    ]
    return f"<figcaption>{''.join(parts)}</figcaption>"
