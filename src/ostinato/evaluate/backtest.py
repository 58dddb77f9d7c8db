"""The rolling origin: forecast from several points in the past and keep what came true beside it.

Every model is made anew at each origin on the rows up to it, so nothing after a cut-off can reach the
forecasts of that cut-off. The table has the layout of `cross_validation` in Nixtla's libraries.

References:
    L. J. Tashman (2000), Out-of-sample tests of forecasting accuracy: an analysis and review.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from ostinato.errors import ConfigError, DataError
from ostinato.evaluate import blocks, scores, workers
from ostinato.evaluate.baselines import Make

ORIGINS = 8
SHORTEST_PAST = 2  # rows: the least that drift needs
Progress = Callable[[int, int], None]


def backtest(  # noqa: PLR0913 - the words of Nixtla's cross_validation, and how to run it
    makers: Mapping[str, Make],
    frame: pd.DataFrame,
    *,
    h: int,
    freq: str | int,
    n_windows: int | None = None,
    step_size: int | None = None,
    refit: bool = True,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Forecast every series from several origins, with every model.

    Each series is cut from its own end: the last origin lies `h` rows before it, the others `step_size`
    rows apart before that one. Series too short for all origins are left out, with a note.

    Args:
        makers: for each model, by the name of its column, a function from a past to a forecaster.
        frame: unique_id, ds, y; regular, sorted.
        h: steps to forecast from each origin.
        freq: pandas alias or integer step of the frame.
        n_windows: number of origins; None = as many as `choose_windows` advises for the median length.
        step_size: rows from one origin to the next; None = `h`.
        refit: make the model anew at each origin; otherwise once, at the first, and then move it on
            with its `with_history`.
        n_jobs: processes to share the work; the makers must then be picklable.
        progress: called with (fits done, fits in all) after each.

    Returns:
        unique_id, ds, cutoff, y and one column per model, by series, cut-off and time; behind that of a model that
        has `predict_levels` its quantiles, such as LSTM-q-10. The sentences about what was left out are in
        `.attrs["notes"]`.

    Raises:
        ConfigError: a number below 1, no makers, makers that cannot do what is asked.
        DataError: no series is long enough.
        TrainingError: a forecaster left out forecasts, or a worker process died.

    Example:
        >>> frame = pd.DataFrame({"unique_id": "a", "ds": range(6), "y": [1.0, 2, 3, 4, 5, 6]})
        >>> from ostinato.evaluate.baselines import makers
        >>> cv = backtest(makers(1, 1, extra=False), frame, h=2, freq=1, n_windows=2)
        >>> cv["Drift"].tolist()
        [3.0, 4.0, 5.0, 6.0]
    """
    step = h if step_size is None else step_size
    _check(makers, frame, {"h": h, "step_size": step, "n_jobs": n_jobs, "n_windows": n_windows})
    lengths = frame.groupby("unique_id", sort=False, observed=True).size()
    if n_windows is None:
        n_windows = max(1, choose_windows(int(lengths.median()), h, 1, max(h, SHORTEST_PAST)))
    kept, notes = _long_enough(frame, lengths, h=h, step=step, n_windows=n_windows)
    offsets = [h + step * (n_windows - 1 - window) for window in range(n_windows)]
    job = workers.Job(dict(makers), kept, h, freq, tuple(offsets), refit)
    found, said = workers.run(job, n_jobs, progress)
    table = _layout(kept, job, found)
    table.attrs["notes"] = notes + said
    return table


def choose_windows(length: int, h: int, season_length: int = 1, min_train: int | None = None) -> int:
    """How many origins, `h` rows apart, a history allows: eight at most.

    Args:
        length: rows of the series.
        h: steps to forecast from each origin.
        season_length: steps in a season.
        min_train: rows the first past must have; None = a season and a horizon, at least 8.

    Returns:
        A number from 0 (too short for any) to 8.

    Example:
        >>> choose_windows(168, 12, 12), choose_windows(60, 12, 12), choose_windows(30, 12, 12)
        (8, 3, 0)
    """
    if h < 1:
        raise ConfigError(f"horizon is {h}; it must be at least 1 step")
    least = max(season_length + h, 8) if min_train is None else min_train
    return int(np.clip((length - least) // h, 0, ORIGINS))


def describe_windows(n_windows: int, length: int, h: int) -> str:
    """A plain word about a backtest of fewer origins than eight; empty where there are eight.

    Args:
        n_windows: number of origins.
        length: rows of the series.
        h: steps to forecast from each origin.

    Returns:
        A sentence, or "".

    Example:
        >>> describe_windows(3, 60, 12)
        'the history of 60 rows allows 3 origins of 12 steps instead of 8, so the scores are less certain'
    """
    if n_windows >= ORIGINS:
        return ""
    if n_windows == 0:
        return f"the history of {length} rows is too short for a backtest of {h} steps, so nothing is proven"
    origins = "1 origin" if n_windows == 1 else f"{n_windows} origins"
    return (
        f"the history of {length} rows allows {origins} of {h} steps instead of {ORIGINS}, "
        "so the scores are less certain"
    )


def _check(makers: Mapping[str, Make], frame: pd.DataFrame, numbers: Mapping[str, int | None]) -> None:
    """Raise for numbers below 1, for no makers, and for names that the table itself needs."""
    for name, value in numbers.items():
        if value is not None and value < 1:
            word = "horizon" if name == "h" else name
            raise ConfigError(f"{word} is {value}; it must be at least 1")
    taken = {"unique_id", "ds", "cutoff", "y"} & set(makers)
    if not makers or taken:
        wrong = (
            f"a model is called {taken.pop()!r}, as a column of the table is"
            if taken
            else "there are no models"
        )
        raise ConfigError(f"{wrong}; give a function that makes a forecaster for each column name")
    missing = [name for name in ("unique_id", "ds", "y") if name not in frame.columns]
    if missing:
        raise DataError(f"the frame has no column {missing[0]!r}; a backtest needs unique_id, ds and y")


def _long_enough(
    frame: pd.DataFrame, lengths: pd.Series[int], *, h: int, step: int, n_windows: int
) -> tuple[pd.DataFrame, list[str]]:
    """The series with rows for all origins, and a sentence about the others."""
    needed = h + step * (n_windows - 1) + SHORTEST_PAST
    short = lengths[lengths < needed]
    if len(short) == 0:
        return frame.reset_index(drop=True), []
    if len(short) == len(lengths):
        name, rows = lengths.idxmax(), int(lengths.max())
        possible = (rows - SHORTEST_PAST) // n_windows
        advice = (
            f"use a horizon of at most {possible}"
            if 1 <= possible < h
            else "use fewer origins or a longer history"
        )
        raise DataError(
            f"horizon is {h} but series {str(name)!r} has {rows} rows, and a backtest of {n_windows} origins "
            f"needs {needed}; {advice}"
        )
    shown = ", ".join(repr(str(name)) for name in short.index[:3])
    more = f" and {len(short) - 3} more" if len(short) > 3 else ""
    note = f"the backtest leaves out {len(short)} series with fewer than {needed} rows: {shown}{more}"
    kept = frame[~frame["unique_id"].isin(short.index)].reset_index(drop=True)
    return kept, [note]


def _layout(
    frame: pd.DataFrame, job: workers.Job, found: Mapping[tuple[str, int], workers.Values]
) -> pd.DataFrame:
    """One row per series, origin and step: unique_id, ds, cutoff, y, and the models' forecasts."""
    view = blocks.split(frame)
    rows = [workers.target_rows(view, job.h, offset) for offset in job.offsets]
    origins = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
    flat = np.concatenate(rows)
    order = np.lexsort((flat, origins, view.owner[flat]))
    table = frame.loc[flat, ["unique_id", "ds"]]
    cutoffs = view.ends[view.owner[flat]] - np.asarray(job.offsets)[origins] - 1
    table["cutoff"] = frame["ds"].to_numpy()[cutoffs]
    table["y"] = view.values[flat]
    answers: dict[str, workers.Values] = {}
    for name in job.makers:
        values = np.concatenate([found[name, origin] for origin in range(len(rows))])  # (rows, columns)
        answers |= dict(zip([name, *scores.level_columns(name)], values.T, strict=False))
    table = pd.concat([table, pd.DataFrame(answers, index=table.index)], axis=1)
    return table.iloc[order].reset_index(drop=True)
