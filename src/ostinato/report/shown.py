"""Which series and which part of their past a report shows."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ostinato.report.content import ReportContent

MOST_SERIES = 6


@dataclass(frozen=True)
class Shown:
    """One series of a report.

    Attributes:
        name: its id as text.
        history: its recent past: unique_id, ds, y.
        forecast: its forecast with intervals.
        backtest: its rows of the backtest; empty if it took no part.
    """

    name: str
    history: pd.DataFrame
    forecast: pd.DataFrame
    backtest: pd.DataFrame


def shown_series(content: ReportContent) -> list[Shown]:
    """The first series of the forecast, six at most, each with enough of its past to see a pattern.

    Args:
        content: what the report says.

    Returns:
        One entry a series.
    """
    found = []
    past = max(5 * content.season_length, 4 * content.h, 40)
    for name in content.forecast["unique_id"].drop_duplicates().iloc[:MOST_SERIES]:
        history, forecast, backtest = (
            table[table["unique_id"] == name] if len(table) else table
            for table in (content.history, content.forecast, content.backtest)
        )
        found.append(Shown(str(name), history.iloc[-past:], forecast, backtest))
    return found


def left_out(content: ReportContent) -> str:
    """A plain word about series that are not shown; empty if all are."""
    count = content.forecast["unique_id"].nunique()
    return f"the first {MOST_SERIES} of {count} series" if count > MOST_SERIES else ""


def baseline_of(content: ReportContent) -> str:
    """The best of the baselines, to be drawn beside the network; empty if there is none."""
    others = [str(name) for name in content.leaderboard["model"] if name != content.model]
    return others[0] if others else ""
