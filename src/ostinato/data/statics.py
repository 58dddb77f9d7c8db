"""What does not change over time: numbers and categories that describe a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ostinato.errors import DataError

Numbers = npt.NDArray[np.float32]
MOST_CATEGORIES = 100


@dataclass(frozen=True)
class Statics:
    """Numbers that describe each series: numbers scaled over the series, a flag for each category.

    Attributes:
        size: numbers a series.
        vectors: those numbers, by the name of the series.
    """

    size: int = 0
    vectors: Mapping[str, tuple[float, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def fit(
        cls, table: pd.DataFrame, columns: Sequence[str], series: Sequence[object], id_col: str
    ) -> Statics:
        """Describe series.

        Args:
            table: one row a series: its name and the columns.
            columns: those to use; text and booleans are categories.
            series: the names of the series, each of which needs a row.
            id_col: the column of the names.

        Raises:
            DataError: a column or a series is missing, a series has two rows, or a column has over 100 categories.
        """
        for name in (id_col, *columns):
            if name not in table.columns:
                raise DataError(
                    f"static_df has no column '{name}'; its columns are {', '.join(map(str, table.columns))}"
                )
        names = table[id_col].astype(str)
        if names.duplicated().any():
            raise DataError(
                f"static_df has series '{names[names.duplicated()].iloc[0]}' twice; keep one row a series"
            )
        wanted = [str(name) for name in series]
        lost = [name for name in wanted if name not in set(names)]
        if lost:
            more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
            raise DataError(
                f"static_df has no row for series '{lost[0]}'{more}; give one row for every series"
            )
        rows = table.set_index(names.to_numpy()).loc[wanted]
        parts = [_described(rows[name], str(name)) for name in columns]
        matrix = np.concatenate(parts, axis=1) if parts else np.empty((len(wanted), 0), dtype=np.float32)
        vectors = {name: tuple(row) for name, row in zip(wanted, matrix.astype(float).tolist(), strict=True)}
        return cls(matrix.shape[1], vectors)

    def matrix(self, series: Sequence[object]) -> Numbers:
        """(series, size); zeros for a series that was not described."""
        nothing = (0.0,) * self.size
        rows = [self.vectors.get(str(name), nothing) for name in series]
        return np.asarray(rows, dtype=np.float32).reshape(len(rows), self.size)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for a model file."""
        return {"size": self.size, "vectors": {name: list(row) for name, row in self.vectors.items()}}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Statics:
        """What `to_dict` gave."""
        vectors = {
            str(name): tuple(float(number) for number in row) for name, row in saved["vectors"].items()
        }
        return cls(int(saved["size"]), vectors)


def _described(column: pd.Series, name: str) -> Numbers:
    """One column as numbers (series, k): scaled, with a flag where some are missing; or a flag for each category."""
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.isfinite(values)
        seen = values[known]
        spread = float(seen.std()) if seen.size else 0.0
        centre = float(seen.mean()) if seen.size else 0.0
        scaled = np.where(known, (values - centre) / (spread if spread > 0 else 1.0), 0.0)
        parts = [scaled] if known.all() else [scaled, known.astype(np.float64)]
        return np.stack(parts, axis=1).astype(np.float32)
    codes, categories = pd.factorize(column.astype(object), sort=False)
    if len(categories) > MOST_CATEGORIES:
        raise DataError(
            f"column '{name}' of static_df has {len(categories):,} categories; group them into at most "
            f"{MOST_CATEGORIES}, or leave the column out"
        )
    flags: Numbers = (codes[:, None] == np.arange(len(categories))).astype(np.float32)
    return flags
