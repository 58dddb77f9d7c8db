"""report.html: one file that opens offline, on a phone and in the dark."""

from __future__ import annotations

import base64
import math
from html import escape

import numpy as np
import pandas as pd

from ostinato.report.axes import positions, time_ticks
from ostinato.report.blocks import document, losses, note, reproduce, section, sentences, table, verdict
from ostinato.report.chart import Band, Line, chart
from ostinato.report.content import Inside, ReportContent
from ostinato.report.shown import Shown, baseline_of, left_out, shown_series


def page(content: ReportContent) -> str:
    """Write the page.

    Args:
        content: what the report says; all its texts are escaped.

    Returns:
        HTML with its style and drawings inside.
    """
    shown = shown_series(content)
    parts = [
        _verdict(content),
        _test(content),
        section("Forecast", note(left_out(content)) + "".join(_forecast(content, part) for part in shown)),
        section("Leaderboard", _leaderboard(content)),
        section("Backtest against what came true", _backtests(content, shown)),
        section("What was tried", _tried(content)),
        section("Training", losses(content.training)),
        section("Inside the network", _inside(content.inside)),
        section("What was found in the file", sentences(content.notes)),
        section("How to get this again", _reproduce(content)),
    ]
    return document(content.title, parts)


def _verdict(content: ReportContent) -> str:
    """The sentence that matters, and the facts of the run."""
    series = content.history["unique_id"].nunique()
    known = {
        "Forecast by": content.verdict.best,
        "Horizon": f"{content.h} steps",
        "Series": f"{series} ({content.rows} rows)",
        "Frequency": str(content.freq),
        "Season": f"{content.season_length} steps" if content.season_length > 1 else "none",
        "Origins": str(content.verdict.origins),
    }
    return verdict(content.verdict.text, known)


def _forecast(content: ReportContent, series: Shown) -> str:
    """The past, the forecast and its intervals of one series."""
    history, ahead = series.history, series.forecast
    places = positions(ahead["ds"])
    bands = [
        Band(
            places,
            ahead[f"forecast-lo-{level:g}"].to_numpy(dtype=np.float64),
            ahead[f"forecast-hi-{level:g}"].to_numpy(dtype=np.float64),
            f"blue-{min(order, 1)}",
            f"{level:g} % interval",
        )
        for order, level in enumerate(sorted(content.levels, reverse=True))
        if f"forecast-lo-{level:g}" in ahead
    ]
    whose = str(ahead["model"].iloc[0]) if "model" in ahead else content.verdict.best
    lines = [
        Line(positions(history["ds"]), history["y"].to_numpy(dtype=np.float64), "ink", "history"),
        Line(
            places,
            ahead["forecast"].to_numpy(dtype=np.float64),
            "blue",
            f"forecast ({whose})",
            len(ahead) < 3,
        ),
    ]
    return _heading(content, series) + _drawing(
        content, lines, bands, pd.concat([history["ds"], ahead["ds"]]), f"Forecast of {series.name}"
    )


def _backtests(content: ReportContent, shown: list[Shown]) -> str:
    """What was forecast at each origin beside what came true."""
    if content.backtest.empty:
        return note("There was too little history for a backtest.")
    return "".join(_backtest(content, series) for series in shown if len(series.backtest))


def _backtest(content: ReportContent, series: Shown) -> str:
    """Network, best baseline and truth of one series; lines break between origins."""
    table = series.backtest
    actual = series.history[series.history["ds"] >= table["ds"].min()]
    truth = table.drop_duplicates("ds").sort_values("ds") if len(actual) < table["ds"].nunique() else actual
    lines = [Line(positions(truth["ds"]), truth["y"].to_numpy(dtype=np.float64), "ink", "actual")]
    for name, style in ((baseline_of(content), "orange"), (content.model, "blue")):
        for number, (_, part) in enumerate(table.groupby("cutoff", sort=True)):
            if name in part:
                values = part[name].to_numpy(dtype=np.float64)
                lines.append(
                    Line(positions(part["ds"]), values, style, "" if number else name, len(part) == 1)
                )
    return _heading(content, series) + _drawing(content, lines, [], table["ds"], f"Backtest of {series.name}")


def _test(content: ReportContent) -> str:
    """The textbook's picture: held-out steps, each forecast from the true past."""
    if content.test is None:
        return ""
    test = content.test
    models = [name for name in test.columns if name not in ("unique_id", "ds", "cutoff", "y")]
    errors = {name: math.sqrt(float(((test[name] - test["y"]) ** 2).mean())) for name in models}
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{error:.2f}</td></tr>" for name, error in errors.items())
    table = f"<table><thead><tr><th>model</th><th>RMSE</th></tr></thead><tbody>{rows}</tbody></table>"
    one = test[test["unique_id"] == test["unique_id"].iloc[0]] if "unique_id" in test else test
    places = positions(one["ds"])
    lines = [Line(places, one["y"].to_numpy(dtype=np.float64), "ink", "actual", dots=True)]
    for name, label, style in (("SeasonalNaive",) * 2 + ("orange",), (content.model, "predicted", "blue")):
        if name in models:
            lines.append(Line(places, one[name].to_numpy(dtype=np.float64), style, label))
    drawing = _drawing(content, lines, [], one["ds"], "Actual and predicted values over the test steps")
    return section("Test: one step ahead from the true past", drawing + table)


def _drawing(
    content: ReportContent, lines: list[Line], bands: list[Band], times: pd.Series, title: str
) -> str:
    """A chart over time."""
    x_label = "date" if pd.api.types.is_datetime64_any_dtype(times) else "step"
    return chart(
        lines, bands, ticks=time_ticks(times), x_label=x_label, y_label=content.value_label, title=title
    )


def _heading(content: ReportContent, series: Shown) -> str:
    """The name of a series, where there are several."""
    return f"<h3>{escape(series.name)}</h3>" if content.history["unique_id"].nunique() > 1 else ""


def _tried(content: ReportContent) -> str:
    """The recipes and settings that were tried on the past, the chosen one first."""
    if content.tried is None:
        return ""
    chosen = content.tried.loc[content.tried["chosen"], "candidate"]
    remark = note(
        "MASE over the latest stretches of the past, forecast from before them; more of them for the better."
    )
    forms = {"origins": "d", "mase": ".3f", "seconds": ".1f"}
    return table(content.tried, forms, best=None if chosen.empty else chosen.iloc[0]) + remark


def _inside(inside: Inside | None) -> str:
    """What the network remembers, and pictures of its states, which keep their light ground in the dark."""
    if inside is None:
        return ""
    drawn = "".join(
        f'<figure><figcaption>{escape(shown)}</figcaption><img alt="{escape(shown)}" '
        f'src="data:image/png;base64,{base64.b64encode(png).decode()}"></figure>'
        for shown, png in inside.pictures
    )
    return f"<p>{escape(inside.memory)}</p>{sentences(inside.faults)}{drawn}"


def _leaderboard(content: ReportContent) -> str:
    """The scores of all models, best first."""
    if content.leaderboard.empty:
        return note("There are no scores: there was too little history for a backtest.")
    rows = []
    for row in content.leaderboard.to_dict("records"):
        cells = "".join(f"<td>{_number(row[score])}</td>" for score in ("mase", "rmse", "mae", "smape"))
        mark = ' class="best"' if row["model"] == content.verdict.best else ""
        rows.append(f"<tr{mark}><td>{escape(str(row['model']))}</td>{cells}</tr>")
    head = "".join(f"<th>{name}</th>" for name in ("model", "MASE", "RMSE", "MAE", "sMAPE"))
    origins = content.verdict.origins
    steps = int(content.backtest.groupby(["unique_id", "cutoff"], observed=True).size().max())
    remark = (
        f"Mean over {origins} {'origin' if origins == 1 else 'origins'} "
        f"of {steps} {'step' if steps == 1 else 'steps'}, lower is better. "
        "MASE below 1: closer than seasonal naive was within the past. "
        "RMSE and MAE are in the unit of the values, sMAPE runs from 0 to 200."
    )
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        + note(remark)
    )


def _number(value: float) -> str:
    """A score with four digits that count."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}".replace(",", " ")


def _reproduce(content: ReportContent) -> str:
    """The command, the seed, the versions and the time it took."""
    known = {
        "File": content.file,
        "Recipe": content.recipe,
        "Cell": content.cell,
        "Seed": str(content.seed),
    }
    return reproduce(content.command, known, content.versions, content.seconds)
