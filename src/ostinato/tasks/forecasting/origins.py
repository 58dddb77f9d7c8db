"""How many origins a backtest has, and where they lie."""

from dataclasses import dataclass

import pandas as pd

from ostinato.errors import ConfigError, DataError
from ostinato.evaluate.backtest import ORIGINS, describe_windows


@dataclass(frozen=True)
class Origins:
    """The origins of a backtest.

    Attributes:
        number: how many; 0 when the history is too short for any.
        step: steps from one to the next.
        note: a word about fewer than eight; empty otherwise.
    """

    number: int
    step: int
    note: str


def plan_origins(
    frame: pd.DataFrame,
    h: int,
    *,
    shortest: int,
    season_length: int,
    n_windows: int | None = None,
    step_size: int | None = None,
) -> Origins:
    """Origins that leave a past long enough to train on.

    Args:
        frame: unique_id, ds, y; regular.
        h: steps forecast from each origin.
        shortest: rows that a past must have.
        season_length: steps in a season; a past of two seasons is kept where the history allows.
        n_windows: origins asked for; as many as fit, at most eight, when None.
        step_size: steps between origins asked for; `h` when None.

    Raises:
        ConfigError: a number below 1.
        DataError: fewer origins fit than were asked for.
    """
    for name, number in (("n_windows", n_windows), ("step_size", step_size)):
        if number is not None and number < 1:
            raise ConfigError(f"{name} is {number}; it must be at least 1")
    step = step_size or h
    lengths = frame.groupby("unique_id", sort=False, observed=True).size()
    rows = int(lengths.median())
    least = max(shortest, min(2 * season_length, rows // 2))
    fitting = 1 + (rows - h - least) // step if rows >= h + least else 0
    if n_windows is not None and fitting < n_windows:
        raise DataError(
            f"a backtest of {n_windows} {'origin' if n_windows == 1 else 'origins'} and a horizon of {h} needs "
            f"{least + h + (n_windows - 1) * step} rows but the series have {rows}; "
            "use a smaller horizon or fewer origins"
        )
    number = n_windows or min(ORIGINS, fitting)
    return Origins(number, step, describe_windows(number, rows, h) if n_windows is None else "")
