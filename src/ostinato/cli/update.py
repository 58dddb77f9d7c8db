"""The command `ostinato update`: new rows for a saved forecaster."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ostinato.tasks.forecasting.forecaster import Forecaster
    from ostinato.tasks.streaming.stream import News

SHOWN = 20
"""Series named whose forecasts drift, and rows of the forecast printed."""


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = commands.add_parser(
        "update",
        help="take new rows into a saved forecaster, in constant time",
        description=run.__doc__,
    )
    command.add_argument("model", metavar="MODEL", help="a saved forecaster (folder or .zip)")
    command.add_argument(
        "file",
        metavar="FILE",
        help="rows after those the model has: CSV (also .gz), TSV, Parquet or JSON lines; - for standard input",
    )
    group = command.add_argument_group("what the file holds (found when not given)")
    group.add_argument("--time-col", metavar="NAME", help="column of the timestamps")
    group.add_argument(
        "--target-col", metavar="NAME", help="column of the values; several, with commas, for a wide file"
    )
    group.add_argument("--id-col", metavar="NAME", help="column that tells the series apart")
    command.add_argument(
        "--out", metavar="MODEL", help="where to write the updated model (default: in the place of MODEL)"
    )
    command.add_argument("--forecast", metavar="FILE", help="also write the new forecast there, as CSV")
    command.add_argument(
        "--level",
        metavar="PERCENT",
        type=float,
        action="append",
        help="interval, such as 80; repeatable (default: 80 and 95, where there are any)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Take new rows into a saved forecaster and forecast from there, without training or reading its history again."""
    from ostinato.data import tables
    from ostinato.tasks.forecasting.file import load

    forecaster = load(arguments.model)
    columns = arguments.target_col
    table = tables.read(
        arguments.file,
        time_col=arguments.time_col,
        target_col=columns.split(",") if columns and "," in columns else columns,
        id_col=arguments.id_col,
        freq=forecaster.freq_,
        season_length=1,  # that of the model is used; none need be looked for
    )
    notes = [note for note in table.notes if not note.endswith("as asked")]  # the model asked, not the person
    forecaster.update(table.frame[["unique_id", "ds", "y"]])
    forecast = _forecast(forecaster, arguments.level)
    out = Path(arguments.out or arguments.model)
    if arguments.forecast is not None:
        _write(forecast, Path(arguments.forecast))
    forecaster.save(out)
    if arguments.json:
        summary = {"notes": notes, **_summary(forecaster.updated_, forecast, out)}
        print(json.dumps(summary, allow_nan=False))
        return
    print("\n".join([*notes, ""]))
    _say(forecaster.updated_, forecast, out)


def _forecast(forecaster: Forecaster, levels: list[float] | None) -> pd.DataFrame:
    """The new forecast, with intervals where enough errors are known.

    Raises:
        ConfigError: intervals are asked for, and there are not.
    """
    from ostinato.errors import ConfigError
    from ostinato.evaluate.adaptive import FEWEST

    stream = forecaster.stream_
    known = stream is not None and stream.covers(forecaster.h)
    if levels and not known:
        raise ConfigError(
            f"--level needs a model with a backtest, or {FEWEST} new values of every series; leave --level out for now"
        )
    forecast: pd.DataFrame = forecaster.predict(level=levels or ([80.0, 95.0] if known else None))
    return forecast


def _write(forecast: pd.DataFrame, path: Path) -> None:
    """Write the forecast as CSV, whole or not at all.

    Raises:
        ConfigError: the file cannot be written.
    """
    from ostinato.errors import ConfigError
    from ostinato.train.files import write_atomically

    try:
        write_atomically(path, forecast.to_csv(index=False).encode())
    except OSError as error:
        raise ConfigError(
            f"--forecast {path} cannot be written: {error.strerror}; choose another path"
        ) from error


def _summary(news: News, forecast: pd.DataFrame, out: Path) -> dict[str, Any]:
    """What came of it, as JSON can hold it."""
    rows = forecast.assign(ds=forecast["ds"].astype(str)).to_dict("records")
    return {
        "rows": news.rows,
        "missing": news.missing,
        "until": str(news.until),
        "alarms": [{"unique_id": str(name), "ds": str(time)} for name, time in news.alarms],
        "coverage": {f"{level:g}": _number(share) for level, share in news.coverage.items()},
        "forecast": [{name: _number(value) for name, value in row.items()} for row in rows],
        "model": str(out),
    }


def _number(value: Any) -> Any:
    """A number that JSON can hold; null for none."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _say(news: News, forecast: pd.DataFrame, out: Path) -> None:
    """Print what came of it."""
    from ostinato.tasks.streaming.rows import shown_time

    gaps = f", {news.missing:,} {'step' if news.missing == 1 else 'steps'} missing" if news.missing else ""
    print(
        f"took {news.rows:,} {'value' if news.rows == 1 else 'values'}, up to {shown_time(news.until)}{gaps}"
    )
    held = [f"{level:g} %: {share:.0%}" for level, share in news.coverage.items() if math.isfinite(share)]
    if held:
        print(f"share of values within their intervals one step ahead, since the fit: {', '.join(held)}")
    for name, time in news.alarms[:SHOWN]:
        print(
            f"drift at {shown_time(time)}: forecasts of series {str(name)!r} err more than they used to; fit again"
        )
    if len(news.alarms) > SHOWN:
        print(f"drift: and {len(news.alarms) - SHOWN} more alarms")
    print(f"\n{forecast.head(SHOWN).to_string(index=False, float_format='{:.6g}'.format)}")
    if len(forecast) > SHOWN:
        print(f"... {len(forecast) - SHOWN:,} more rows")
    print(f"\n{'model':<12}{out}")
