"""What the report of a sequence task can show besides its scores: tables, heat maps, marked texts, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.report.axes import number_ticks
from ostinato.report.blocks import note, section, table
from ostinato.report.chart import Line, chart
from ostinato.report.looks import Looks

Values = NDArray[np.float64]


@dataclass(frozen=True)
class TablePart:
    """Some columns of a frame.

    Attributes:
        title: heading.
        frame: one row a line; the first column is shown first.
        forms: format of each further column shown, such as `{"accuracy": ".3f"}`; "" for text.
        remark: what to know about it.
    """

    title: str
    frame: pd.DataFrame
    forms: Mapping[str, str]
    remark: str = ""

    def html(self) -> str:
        """The part as HTML."""
        body = table(self.frame, self.forms)
        return section(self.title, note(self.remark) + body) if body else ""


@dataclass(frozen=True)
class HeatMap:
    """Numbers of rows by columns, the larger the darker: a confusion matrix, the attention of a translation.

    Attributes:
        title: heading.
        values: `(rows, columns)`, 0 or more.
        rows: a name for each row.
        columns: a name for each column.
        corner: what rows and columns are.
        form: format of a number; None shows colours alone.
        by_row: colour each row by its own sum instead of the largest number of all.
        remark: what to know about it.
    """

    title: str
    values: Values
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    corner: str = ""
    form: str | None = ".0f"
    by_row: bool = False
    remark: str = ""

    def html(self) -> str:
        """The part as HTML."""
        if not self.values.size:
            return ""
        whole = self.values.sum(axis=1, keepdims=True) if self.by_row else self.values.max()
        shares = self.values / np.maximum(whole, 1e-300)
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            f"<tr><th>{escape(name)}</th>{''.join(map(self._cell, values, parts))}</tr>"
            for name, values, parts in zip(self.rows, self.values, shares, strict=True)
        )
        grid = (
            f'<div class="wide"><table class="heat"><thead><tr><th>{escape(self.corner)}</th>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )
        return section(self.title, note(self.remark) + grid)

    def _cell(self, value: float, share: float) -> str:
        shown = "" if self.form is None else format(value, self.form)
        hint = f' title="{value:.2f}"' if self.form is None else ""
        return f'<td style="--share:{100 * share:.0f}%"{hint}>{shown}</td>'


@dataclass(frozen=True)
class MarkedText:
    """A text in pieces, each with a weight that its colour shows.

    Attributes:
        heading: what is to be known about it, such as the true and the predicted class.
        pieces: the pieces in order.
        weights: a number from 0 to 1 for each.
        joint: what stands between two pieces.
    """

    heading: str
    pieces: tuple[str, ...]
    weights: tuple[float, ...]
    joint: str = " "

    def html(self) -> str:
        """The text as HTML."""
        marked = self.joint.join(
            f'<span class="mark" style="--share:{100 * min(max(weight, 0.0), 1.0):.0f}%">{escape(piece)}</span>'
            for piece, weight in zip(self.pieces, self.weights, strict=True)
        )
        return f'<h3>{escape(self.heading)}</h3><p class="marked">{marked}</p>'


@dataclass(frozen=True)
class MarkedTexts:
    """Several marked texts under one heading."""

    title: str
    texts: tuple[MarkedText, ...]
    remark: str = ""

    def html(self) -> str:
        """The part as HTML."""
        body = "".join(text.html() for text in self.texts)
        return section(self.title, note(self.remark) + body) if body else ""


@dataclass(frozen=True)
class Curve:
    """A line over steps.

    Attributes:
        label: for the legend.
        values: one a step.
    """

    label: str
    values: Values


@dataclass(frozen=True)
class Curves:
    """Lines over steps, at most three in one drawing.

    Attributes:
        title: heading.
        drawings: heading and lines of each drawing.
        x_label: what the steps are.
        y_label: what the values are.
        remark: what to know about it.
    """

    title: str
    drawings: tuple[tuple[str, tuple[Curve, ...]], ...]
    x_label: str = "step"
    y_label: str = ""
    remark: str = ""

    def html(self) -> str:
        """The part as HTML."""
        body = "".join(
            f"<h3>{escape(heading)}</h3>{self._draw(heading, curves)}" for heading, curves in self.drawings
        )
        return section(self.title, note(self.remark) + body) if body else ""

    def _draw(self, heading: str, curves: Sequence[Curve]) -> str:
        lines = [
            Line(
                np.arange(float(len(curve.values))),
                np.asarray(curve.values, dtype=np.float64),
                style,
                curve.label,
            )
            for curve, style in zip(curves, ("blue", "orange", "ink"), strict=False)
        ]
        longest = max((len(line.x) for line in lines), default=0)
        ticks = number_ticks(0, max(longest - 1, 1), whole=True)
        return chart(lines, [], ticks=ticks, x_label=self.x_label, y_label=self.y_label, title=heading)


@dataclass(frozen=True)
class Texts:
    """Texts as they are, such as generated ones, each with a heading.

    Attributes:
        title: heading.
        texts: heading and text of each.
        remark: what to know about them.
    """

    title: str
    texts: tuple[tuple[str, str], ...] = field(default=())
    remark: str = ""

    def html(self) -> str:
        """The part as HTML."""
        body = "".join(f"<h3>{escape(heading)}</h3><pre>{escape(text)}</pre>" for heading, text in self.texts)
        return section(self.title, note(self.remark) + body) if body else ""


Part = TablePart | HeatMap | MarkedTexts | Curves | Texts | Looks
