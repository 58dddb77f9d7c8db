"""The covariates that a forecaster was told of: read beside the series, and ahead of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ostinato.data import frames
from ostinato.data.calendar import calendar_columns, calendar_features
from ostinato.data.covariates import align_ahead
from ostinato.data.frames import LongFrame
from ostinato.data.readers import RawTable, from_frame
from ostinato.data.statics import Statics
from ostinato.errors import ConfigError
from ostinato.tasks.forecasting.plan import Channels


@dataclass(frozen=True)
class Exogenous:
    """Names of covariates, by when they are known.

    Attributes:
        known: columns known in advance.
        past: columns known up to the origin.
        static: columns of a table with one row a series.
        calendar: cycles of the calendar, keys of `ostinato.data.calendar.CYCLES`.
        holidays: dates.
    """

    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()
    holidays: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        calendar_columns(self.calendar, self.holidays)
        both = sorted(set(self.known) & set(self.past))
        if both:
            raise ConfigError(
                f"covariate {both[0]!r} is in futr_exog_list and in hist_exog_list; what is known ahead is known in "
                "the past as well, so name it in futr_exog_list alone"
            )

    @classmethod
    def of(cls, forecaster: Any) -> Exogenous:
        """Those that a forecaster was told of."""
        return cls(
            known=names_of(forecaster.futr_exog_list),
            past=names_of(forecaster.hist_exog_list),
            static=names_of(forecaster.stat_exog_list),
            calendar=names_of(forecaster.calendar),
            holidays=tuple(forecaster.holidays),
        )

    def __bool__(self) -> bool:
        """Whether there are any."""
        return any((self.known, self.past, self.static, self.calendar, self.holidays))

    def channels(self, statics: Statics) -> Channels:
        """What a network sees of them."""
        return Channels(
            (*self.known, *calendar_columns(self.calendar, self.holidays)), self.past, statics.size
        )

    def read(
        self, df: Any, freq: str | int | None, gaps: str, **columns: Any
    ) -> tuple[str | int, LongFrame, pd.DataFrame]:
        """Series and covariates on a regular grid.

        Args:
            df: a frame of any library.
            freq: pandas alias or integer step; found when None.
            gaps: "fill" or "refuse".
            columns: as `frames.to_long` takes them.

        Returns:
            The frequency, the form of the frame that came in, and unique_id, ds, y with covariates and calendar.
        """
        like = frames.to_long(df, covariates=(*self.known, *self.past), **columns)
        found = frames.detect_freq(like.frame) if freq is None else freq
        frame = frames.regularise(like.frame, found, gaps=gaps)
        return found, like, frame.assign(**calendar_features(frame["ds"], self.calendar, self.holidays))

    def describe(self, static_df: Any, frame: pd.DataFrame, id_col: str | None) -> Statics:
        """What describes the series of a frame.

        Raises:
            ConfigError: columns are named but there is no table, or the reverse.
            DataError: the table lacks a column or a series.
        """
        if static_df is None and not self.static:
            return Statics()
        if static_df is None or not self.static:
            raise ConfigError(
                f"stat_exog_list names {', '.join(self.static)}; give fit(static_df=...) as well"
                if static_df is None
                else "static_df is given but stat_exog_list names no column of it; name those to use"
            )
        table, _, _ = frames.as_pandas(static_df)
        names = frame["unique_id"].drop_duplicates().tolist()
        own = id_col if id_col in table.columns else "unique_id"
        return Statics.fit(table, self.static, names, own or "unique_id")

    def ahead(
        self,
        futr_df: Any,
        frame: pd.DataFrame,
        freq: str | int,
        h: int,
        *,
        id_col: str | None = None,
        time_col: str = "ds",
    ) -> pd.DataFrame | None:
        """The known covariates of the next steps; None where nothing is known.

        Args:
            futr_df: a frame with times, the known covariates, and series' names (or one for all series).
            frame: unique_id, ds: the history.
            freq: pandas alias or integer step.
            h: steps.
            id_col: the column of the series' names in the history, `unique_id` when None or not there.
            time_col: the column of the times in the history, `ds` when not there.

        Raises:
            ConfigError: it is missing.
            DataError: a column, or a step of a series, is missing in it.
        """
        if not (self.known or self.calendar or self.holidays):
            return None
        steps = frames.future(frame, freq, h)
        if self.known:
            if futr_df is None:
                raise ConfigError(
                    f"{', '.join(self.known)} must be known ahead; give their next {h} steps of every series, as "
                    "predict(futr_df=...)"
                )
            steps = self._aligned(futr_df, frame, steps, freq, (id_col, time_col))
        return steps.assign(**calendar_features(steps["ds"], self.calendar, self.holidays))

    def _aligned(
        self,
        futr_df: Any,
        frame: pd.DataFrame,
        steps: pd.DataFrame,
        freq: str | int,
        keys: tuple[str | None, str],
    ) -> pd.DataFrame:
        raw = (
            futr_df if isinstance(futr_df, RawTable) else from_frame(frames.as_pandas(futr_df)[0], "futr_df")
        )
        present = raw.frame.columns
        return align_ahead(
            raw,
            steps,
            frame.groupby("unique_id", sort=False, observed=True)["ds"].last(),
            self.known,
            freq=freq,
            id_col=keys[0] if keys[0] in present else "unique_id",
            time_col=keys[1] if keys[1] in present else "ds",
        )


@dataclass(frozen=True)
class Extras:
    """Covariates, with what is read of them beside the history.

    Attributes:
        exogenous: which there are.
        futr: the known covariates of the steps to forecast.
        static: one row a series: unique_id and the columns that describe it.
    """

    exogenous: Exogenous = field(default_factory=Exogenous)
    futr: Any = None
    static: Any = None


def names_of(columns: Sequence[str] | str | None) -> tuple[str, ...]:
    """Names of columns as a tuple; one name needs no list."""
    return () if columns is None else (columns,) if isinstance(columns, str) else tuple(columns)
