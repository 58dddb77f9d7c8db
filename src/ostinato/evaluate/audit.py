"""The leak audit: change everything after a cut-off and see whether anything before it moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ostinato.data import columns as roles
from ostinato.data import frames
from ostinato.data.findings import Log
from ostinato.data.readers import from_frame
from ostinato.errors import ConfigError, DataError, OstinatoError
from ostinato.evaluate.asking import Answer, Way, random_numbers_kept, ways
from ostinato.evaluate.tampering import APPENDED, CHANGES, Columns, changed, cuts

TOLERANCE = 1e-9
"""Share of a forecast's size below which a difference is rounding."""
SHORTEST_PAST = 2
REFUSALS = (OstinatoError, ValueError, TypeError, ArithmeticError, LookupError, RuntimeError, AssertionError)
"""What models raise of data that they cannot use, such as missing values."""


@dataclass(frozen=True)
class Leak:
    """Something made from the past that moved when what came after it was changed.

    Attributes:
        way: how the model was asked.
        change: what came after the cut-off became.
        what: `"forecast"`, or the path of a fitted number such as `scaler_.offset`.
        series: the series of the forecast that moved most; empty for a fitted number.
        ds: the time of that forecast; None for a fitted number.
        size: how far it moved, in the unit of the values.
    """

    way: str
    change: str
    what: str
    series: str
    ds: Any
    size: float


@dataclass(frozen=True)
class LeakageAudit:
    """What an audit found.

    Attributes:
        leaks: what moved; empty where nothing did.
        ways: how the model was asked.
        changes: what came after the cut-off became.
        refused: the changes that the model refused, each with its words; nothing is known of these.
        forecasts: number of forecasts that were watched.
        text: all of this in a sentence.
    """

    leaks: tuple[Leak, ...]
    ways: tuple[str, ...]
    changes: tuple[str, ...]
    refused: tuple[str, ...]
    forecasts: int
    text: str

    @property
    def clean(self) -> bool:
        """Whether nothing moved."""
        return not self.leaks

    def __str__(self) -> str:
        return self.text


def audit_leakage(
    model: Any,
    df: Any,
    *,
    h: int | None = None,
    known: Sequence[str] | None = None,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | None = None,
    random_state: int = 0,
) -> LeakageAudit:
    """Change everything after a cut-off in several ways and see whether anything made from the past moves.

    The target and every covariate that is not known in advance become noise, a constant, missing, flipped, huge and
    reversed, and a series appears that begins after the cut-off. A model with `cross_validation` is watched at the
    first of two origins. One with `fit` and `predict` that forecasts rows of the frame itself, because it keeps them
    for a test, is watched there; otherwise it is fitted on everything and then on the past, and must have forgotten
    everything. There the numbers of its fitted attributes (scalers, seasons) are watched as well. Preparation that
    happens outside the model belongs in a function `pipeline(frame, h)` that returns forecasts of the last h rows.

    Args:
        model: an estimator, of ours or of Nixtla's form; or such a function. It is copied, and not changed.
        df: pandas, polars or pyarrow; long, with `unique_id, ds, y` or columns that look like it.
        h: steps to forecast; the model's `h`, or a quarter of the shortest series and at most 12, when None.
        known: covariates that are known in advance and stay as they are; the model's `futr_exog_list` when None.
        id_col: column that names the series; found when None.
        time_col: column of the times; found when None.
        target_col: column of the values; found when None.
        random_state: of the changes, and of a model without a seed of its own.

    Returns:
        What moved, and a sentence.

    Raises:
        ConfigError: the model cannot be asked, or gives two forecasts of the same data.
        DataError: the series are too short.

    Example:
        >>> import pandas as pd
        >>> from ostinato import audit_leakage
        >>> def smoothed(frame, h):  # the mean around each step reaches into the future
        ...     frame["y"] = frame["y"].rolling(5, center=True, min_periods=1).mean()
        ...     return frame.tail(h).assign(forecast=frame["y"].iloc[-h - 1])[["unique_id", "ds", "forecast"]]
        >>> frame = pd.DataFrame({"unique_id": "a", "ds": range(40), "y": [float(x % 7) for x in range(40)]})
        >>> audit_leakage(smoothed, frame, h=4).clean
        False
    """
    frame, found = _prepare(df, known_of(model, known), id_col, time_col, target_col)
    steps = _horizon(model, frame, found, h)
    asked = ways(model, frame, found, known_of(model, known), h=steps, seed=random_state)
    changes = [*CHANGES, *([APPENDED] if found.identity is not None else [])]
    leaks: list[Leak] = []
    refused: list[str] = []
    watched = 0
    for way in asked:
        _check_rows(frame, found, way)
        with random_numbers_kept():
            expected = _expected(way, frame)
            watched += expected.forecasts.size
            for kind in changes:
                after = cuts(frame, found, way.rows)
                try:
                    answer = way.ask(changed(frame, after, found, kind, random_state))
                except REFUSALS as error:
                    refused.append(f"{kind} ({way.name}): {error}")
                else:
                    leaks += _differences(expected, answer, way.name, kind)
    return LeakageAudit(
        leaks=tuple(leaks),
        ways=tuple(way.name for way in asked),
        changes=tuple(changes),
        refused=tuple(refused),
        forecasts=watched,
        text=_sentence(leaks, asked, changes, refused, watched),
    )


def known_of(model: Any, known: Sequence[str] | None) -> tuple[str, ...]:
    """The covariates that are known in advance: those given, else those the model names."""
    return tuple((getattr(model, "futr_exog_list", None) or ()) if known is None else known)


def _prepare(
    df: Any, known: tuple[str, ...], id_col: str | None, time_col: str | None, target_col: str | None
) -> tuple[pd.DataFrame, Columns]:
    """The frame in pandas, sorted, its columns by their roles."""
    frame, _, _ = frames.as_pandas(df)
    usual = {"unique_id": id_col, "ds": time_col, "y": target_col}
    named = {name: given or (name if name in frame else None) for name, given in usual.items()}
    chosen = roles.choose(
        from_frame(frame, "the frame"),
        id_col=named["unique_id"],
        time_col=named["ds"],
        target_col=named["y"],
        log=Log(),
    )
    if len(chosen.target_cols) > 1:
        raise DataError("a wide frame cannot be audited; give it in long form, as unique_id, ds, y")
    if not pd.api.types.is_numeric_dtype(frame[chosen.time_col]):
        frame = frame.assign(**{chosen.time_col: pd.to_datetime(frame[chosen.time_col])})
    keys = [name for name in (chosen.id_col, chosen.time_col) if name]
    frame = frame.sort_values(keys, kind="stable", ignore_index=True)
    fixed = {*keys, *chosen.target_cols, *known}
    others = [str(name) for name in frame.select_dtypes("number").columns if name not in fixed]
    return frame, Columns(chosen.id_col, chosen.time_col, (*chosen.target_cols, *others))


def _horizon(model: Any, frame: pd.DataFrame, found: Columns, h: int | None) -> int:
    if h is not None and h < 1:
        raise ConfigError(f"h is {h}; use a horizon of at least 1 step")
    own = getattr(model, "h", None)
    if h is None and isinstance(own, int):
        return own
    return h or max(1, min(12, _shortest(frame, found) // 4))


def _shortest(frame: pd.DataFrame, found: Columns) -> int:
    if found.identity is None:
        return len(frame)
    return int(frame.groupby(found.identity, sort=False, observed=True).size().min())


def _check_rows(frame: pd.DataFrame, found: Columns, way: Way) -> None:
    rows = _shortest(frame, found)
    if rows < way.rows + SHORTEST_PAST:
        raise DataError(
            f"the shortest series has {rows} rows but {way.rows} of them come after the cut-off of the audit "
            f"({way.name}); use a smaller h or longer series"
        )


def _expected(way: Way, frame: pd.DataFrame) -> Answer:
    """The answer about the frame as it is, without the fitted numbers that differ each time, such as seconds."""
    first, second = way.ask(frame), way.ask(frame)
    differences = _differences(first, second, way.name, "")
    apart = max((leak.size for leak in differences if leak.what == "forecast"), default=0.0)
    if apart > 0:
        raise ConfigError(
            f"the model gives two answers about the same data, up to {apart:.3g} apart ({way.name}), so an audit would "
            "tell nothing; give it a seed, such as random_state=0"
        )
    changing = {leak.what for leak in differences}
    return replace(first, state={path: state for path, state in first.state.items() if path not in changing})


def _differences(expected: Answer, answer: Answer, way: str, change: str) -> list[Leak]:
    """What moved between two answers: the forecast that moved most, and the fitted numbers."""
    before = expected.forecasts
    after = answer.forecasts.reindex(index=before.index, columns=before.columns)
    moved = _moves(before.to_numpy(), after.to_numpy())  # (forecasts, models)
    leaks = []
    if moved.any():
        row = int(np.argmax(moved.max(axis=1)))
        name, moment = before.index[row]
        leaks.append(Leak(way, change, "forecast", str(name), moment, float(moved[row].max())))
    for path, one in expected.state.items():
        other = answer.state.get(path, np.zeros(0))
        size = float(_moves(one, other).max(initial=0.0)) if one.shape == other.shape else np.inf
        if size > 0:
            leaks.append(Leak(way, change, path, "", None, size))
    return sorted(leaks, key=lambda leak: (leak.what != "forecast", leak.what))


def _moves(before: Any, after: Any) -> Any:
    """How far each number moved; 0 for rounding, infinite where it became missing or the reverse."""
    with np.errstate(invalid="ignore"):
        distance = np.abs(after - before)
        rounding = TOLERANCE * np.maximum(np.abs(before), 1e-12)
    distance = np.where(np.isnan(before) & np.isnan(after) | (before == after), 0.0, distance)
    distance = np.where(np.isnan(distance), np.inf, distance)
    return np.where(distance > rounding, distance, 0.0)


def _sentence(
    leaks: list[Leak], asked: list[Way], changes: list[str], refused: list[str], watched: int
) -> str:
    how = " and ".join(way.name for way in asked)
    if not leaks:
        done = len(changes) * len(asked) - len(refused)
        left = f"; {len(refused)} more changes were refused by the model" if refused else ""
        return (
            f"no leak: {watched} forecasts made from the past stayed as they were when everything after it was changed "
            f"in {done} ways ({how}){left}"
        )
    worst = leaks[0]
    words = list(dict.fromkeys(leak.change for leak in leaks))
    if worst.what == "forecast":
        series = f" of series '{worst.series}'" if worst.series else ""
        what = (
            f"the forecast{series} for {frames.when(worst.ds)}, made from the past, moved by {worst.size:.3g}"
        )
    else:
        what = f"the fitted {worst.what} kept something of the future and moved by {worst.size:.3g}"
    return f"leak: {what} when everything after the past was changed ({', '.join(words)}; {worst.way})"
