"""Asking any model for forecasts of the past's future: by cross-validation, by fit and predict, or as a function."""

from __future__ import annotations

import copy
import inspect
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data import frames
from ostinato.errors import ConfigError
from ostinato.evaluate.fitted_state import fitted_state
from ostinato.evaluate.tampering import Columns, cuts

Values = NDArray[np.float64]
ORIGINS = 2  # of a cross-validation: the first is judged, the second may give something away
KEYS = frozenset({"unique_id", "ds", "cutoff", "y", "index"})


@dataclass(frozen=True)
class Answer:
    """What a model gave that only the past may have decided.

    Attributes:
        forecasts: indexed by series and time, one column a model.
        state: numbers of the fitted object by path.
    """

    forecasts: pd.DataFrame
    state: Mapping[str, Values] = field(default_factory=dict)


@dataclass(frozen=True)
class Way:
    """One way to ask a model.

    Attributes:
        name: how it is named in a sentence.
        rows: rows at the end of each series that lie after the cut-off.
        ask: from a whole frame to the answer.
    """

    name: str
    rows: int
    ask: Callable[[pd.DataFrame], Answer]


def ways(
    model: Any, frame: pd.DataFrame, columns: Columns, known: tuple[str, ...], *, h: int, seed: int
) -> list[Way]:
    """All ways in which a model can be asked.

    Args:
        model: an object with `cross_validation`, or with `fit` and `predict`, or a function of a frame and a horizon.
        frame: sorted by series and time.
        columns: which column is what.
        known: covariates that are known in advance.
        h: steps to forecast.
        seed: of models without a seed of their own.

    Raises:
        ConfigError: there is none.
    """
    question = _Question(model, columns, known, h, seed)
    found: list[Way] = []
    if callable(getattr(model, "cross_validation", None)):
        found.append(Way("cross_validation", ORIGINS * h, question.cross_validation))
    if callable(getattr(model, "fit", None)) and callable(getattr(model, "predict", None)):
        held_out = 0 if found else question.held_out(frame)
        if held_out:
            found.append(Way("fit and predict", held_out, question.in_frame))
        elif not found or callable(getattr(model, "get_params", None)):
            found.append(Way("fit on everything, then on the past, and predict", h, question.second_fit))
    if not found and callable(model):
        found.append(Way("the function", h, question.function))
    if not found:
        raise ConfigError(
            f"a {type(model).__name__} cannot be audited; give an object with fit and predict, one with "
            "cross_validation, or a function of a frame and a horizon that returns forecasts"
        )
    return found


@dataclass(frozen=True)
class _Question:
    """What every way of asking needs."""

    model: Any
    columns: Columns
    known: tuple[str, ...]
    h: int
    seed: int

    def cross_validation(self, frame: pd.DataFrame) -> Answer:
        """The forecasts of the first of several origins."""
        model = self._fresh()
        wanted = {"df": frame, "h": self.h, "n_windows": ORIGINS, "step_size": self.h}
        table = self._table(_call(model.cross_validation, wanted))
        if "cutoff" not in table:
            raise ConfigError(
                "cross_validation returned no column 'cutoff'; return unique_id, ds, cutoff, y and forecasts"
            )
        names = table["unique_id"] if "unique_id" in table else pd.Series("", index=table.index)
        first = table["cutoff"] == table.groupby(names, sort=False)["cutoff"].transform("min")
        return Answer(self._forecasts(table[first]))

    def held_out(self, frame: pd.DataFrame) -> int:
        """Rows of each series that a model keeps for its own test; 0 if it forecasts what comes after the frame."""
        inside = self._inside(self.in_frame(frame).forecasts, frame)
        if not len(inside):
            return 0
        names = inside.index.get_level_values(0)
        counts = pd.Series(1, index=names).groupby(level=0).sum()
        return int(counts.max())

    def in_frame(self, frame: pd.DataFrame) -> Answer:
        """The forecasts of rows that the frame itself holds, by a model that was given all of them."""
        model = self._fresh()
        model.fit(frame.copy())
        table = self._table(_call(model.predict, self._ahead(frame)))
        return Answer(self._inside(self._forecasts(table), frame))

    def second_fit(self, frame: pd.DataFrame) -> Answer:
        """The forecasts of a model that was fitted on everything before it was fitted on the past."""
        model = self._fresh()
        past = frame[~cuts(frame, self.columns, self.h)].reset_index(drop=True)
        model.fit(frame.copy())
        model.fit(past)
        table = self._table(_call(model.predict, self._ahead(frame)))
        return Answer(self._forecasts(table), fitted_state(model))

    def function(self, frame: pd.DataFrame) -> Answer:
        """What a function of the whole frame says of its last rows."""
        self._seed()
        return Answer(self._forecasts(self._table(self.model(frame.copy(), self.h))))

    def _ahead(self, frame: pd.DataFrame) -> dict[str, Any]:
        """What `predict` may ask for: the horizon, and the covariates that are known in advance."""
        if not self.known:
            return {"h": self.h}
        keys = [name for name in (self.columns.identity, self.columns.time) if name]
        rows = frame.loc[cuts(frame, self.columns, self.h), [*keys, *self.known]].reset_index(drop=True)
        return {"h": self.h, "futr_df": rows, "X_df": rows}

    def _fresh(self) -> Any:
        """The model as it was given, its random numbers from the seed."""
        self._seed()
        model = copy.deepcopy(self.model)
        if getattr(model, "random_state", 0) is None:
            model.random_state = self.seed
        return model

    def _seed(self) -> None:
        random.seed(self.seed)
        np.random.seed(self.seed)  # a foreign model may draw from it
        if "torch" in sys.modules:
            sys.modules["torch"].manual_seed(self.seed)

    def _table(self, answer: Any) -> pd.DataFrame:
        """The frame that a model returned, its keys named as ours."""
        table, _, _ = frames.as_pandas(answer)
        named = {self.columns.identity: "unique_id", self.columns.time: "ds"}
        return table.rename(columns={old: new for old, new in named.items() if old and new not in table})

    def _forecasts(self, table: pd.DataFrame) -> pd.DataFrame:
        """Forecasts by series and time."""
        if "ds" not in table:
            raise ConfigError(
                "the model returned no column 'ds'; return unique_id, ds and a column of forecasts"
            )
        numbers = table.select_dtypes("number")
        models = [name for name in numbers.columns if name not in KEYS]
        if not models:
            raise ConfigError(
                "the model returned no column of forecasts; return unique_id, ds and one such column"
            )
        names = table["unique_id"].astype(str) if "unique_id" in table else [""] * len(table)
        index = pd.MultiIndex.from_arrays([names, table["ds"]], names=["unique_id", "ds"])
        return numbers[models].astype(np.float64).set_index(index)

    def _inside(self, forecasts: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
        """The forecasts of rows of the frame."""
        identity = self.columns.identity
        only_one = (
            identity is None
            or forecasts.index.get_level_values(0).nunique() == 1 == frame[identity].nunique()
        )
        if only_one:
            return forecasts[forecasts.index.get_level_values(1).isin(frame[self.columns.time])]
        keys = pd.MultiIndex.from_arrays([frame[identity].astype(str), frame[self.columns.time]])
        return forecasts[forecasts.index.isin(keys)]


@contextmanager
def random_numbers_kept() -> Iterator[None]:
    """Leave the random numbers of everybody else as they were."""
    torch = sys.modules.get("torch")
    plain, numpy = random.getstate(), np.random.get_state()
    theirs = None if torch is None else torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(plain)
        np.random.set_state(numpy)
        if torch is not None:
            torch.set_rng_state(theirs)


def _call(method: Callable[..., Any], wanted: Mapping[str, Any]) -> Any:
    """Call a method with those of the wanted arguments that it has."""
    parameters = inspect.signature(method).parameters
    everything = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    given = {name: value for name, value in wanted.items() if name in parameters}
    if "h" not in parameters and everything:
        given["h"] = wanted["h"]
    return method(**given)
