"""The pieces of HTML that every report is made of; all texts are escaped here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from html import escape

import numpy as np
import pandas as pd

from ostinato.report.axes import number_ticks
from ostinato.report.chart import Line, chart
from ostinato.report.content import TrainingCurve
from ostinato.report.style import STYLE


def document(title: str, sections: Iterable[str]) -> str:
    """A whole page with its style inside.

    Args:
        title: heading of the page.
        sections: HTML; empty ones are left out.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><main><h1>{escape(title)}</h1>\n{chr(10).join(part for part in sections if part)}\n"
        "</main></body></html>\n"
    )


def section(title: str, body: str) -> str:
    """A part of the page; nothing where there is nothing to show."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>" if body else ""


def note(text: str) -> str:
    """A small remark."""
    return f'<p class="note">{escape(text)}</p>' if text else ""


def sentences(texts: Iterable[str]) -> str:
    """Sentences as a list."""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>{items}</ul>" if items else ""


def facts(known: Mapping[str, str]) -> str:
    """Short facts by name, side by side; empty ones are left out."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in known.items()
        if value
    )
    return f"<dl>{items}</dl>"


def verdict(text: str, known: Mapping[str, str]) -> str:
    """The sentence that matters, and the facts of the run."""
    return f'<section class="verdict"><p>{escape(text)}</p>{facts(known)}</section>'


def table(frame: pd.DataFrame, forms: Mapping[str, str], best: object = None) -> str:
    """Some columns of a frame; the first one holds names.

    Args:
        frame: one row a line.
        forms: format of each column shown, such as `{"accuracy": ".3f"}`; "" for text.
        best: name of the row to stand out.
    """
    if frame.empty:
        return ""
    first = str(frame.columns[0])
    rows = []
    for row in frame.to_dict("records"):
        cells = "".join(
            f"<td{_side(form)}>{escape(_cell(row[name], form))}</td>" for name, form in forms.items()
        )
        mark = ' class="best"' if best is not None and row[first] == best else ""
        rows.append(f"<tr{mark}><td>{escape(str(row[first]))}</td>{cells}</tr>")
    sides = {first: "", **{name: _side(form) for name, form in forms.items()}}
    head = "".join(f"<th{side}>{escape(name.replace('_', ' '))}</th>" for name, side in sides.items())
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _side(form: str) -> str:
    """The attribute of a cell that holds text: it stands to the left, and its lines break."""
    return "" if form else ' class="words"'


def _cell(value: object, form: str) -> str:
    """A cell as text, a dash where a number is unknown."""
    if isinstance(value, int | float | np.number):
        return format(value, form) if math.isfinite(value) else "–"
    return "–" if value is None else str(value)


def losses(curves: tuple[TrainingCurve, ...], y_label: str = "loss") -> str:
    """Losses of all trainings, epoch by epoch."""
    lines: list[Line] = []
    for word, style in (("training", "blue"), ("validation", "orange")):
        for curve in curves:
            values = np.asarray(curve.train if word == "training" else curve.validation, dtype=np.float64)
            if values.size:
                label = "" if any(line.style == style for line in lines) else word
                lines.append(Line(np.arange(1.0, len(values) + 1), values, style, label, len(values) == 1))
    if not lines:
        return ""
    epochs = max(len(line.x) for line in lines)
    ticks = number_ticks(1, epochs, whole=True)
    names = ", ".join(curve.label for curve in curves)
    drawing = chart(lines, [], ticks=ticks, x_label="epoch", y_label=y_label, title=f"Losses of {names}")
    remarks = [(curve.label, curve.remark) for curve in curves if curve.remark]
    told = " ".join(text if len(remarks) == 1 else f"{label}: {text}" for label, text in remarks)
    return note(names) + drawing + note(told)


def reproduce(
    command: str, known: Mapping[str, str], versions: Mapping[str, str], seconds: Mapping[str, float]
) -> str:
    """The command, the settings, the versions and the time it took."""
    shown = {
        **known,
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "Seconds": ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()),
    }
    return (f"<pre>{escape(command)}</pre>" if command else "") + facts(shown)
