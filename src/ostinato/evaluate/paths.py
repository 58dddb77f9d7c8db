"""How forecast errors go together, over the steps of a path and over series: what sums and maxima depend on.

Intervals hold each step by itself. The error of a sum depends on whether the errors of its parts go together, so
sample paths are drawn from a Gaussian copula: normal numbers that go together as the errors of a backtest did, each
turned into an error that has the conformal interval's distribution at its step.

References:
    A. Sklar (1959), Fonctions de repartition a n dimensions et leurs marges (a joint distribution is its
    marginals and a copula).
    O. Ledoit and M. Wolf (2004), A well-conditioned estimator for large-dimensional covariance matrices (few
    observations are mixed with a simple structure).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.errors import ModelFileError
from ostinato.evaluate import scores

Values = NDArray[np.float64]
MOST_SHARED = 0.95
STRONGEST = 0.99
USUAL = 0.7
"""Mean correlation of the steps where there is nothing to tell it from: about that of a random walk."""


@dataclass(frozen=True)
class Dependence:
    """How the errors of forecasts go together.

    Attributes:
        steps: (h, h) correlation of the errors at different steps of one path.
        shared: correlation of the errors of two series at the same time, from 0 to 0.95.
    """

    steps: tuple[tuple[float, ...], ...]
    shared: float = 0.0

    @classmethod
    def fit(cls, errors: Values, cutoffs: NDArray[Any] | None = None) -> Dependence:
        """Learn it from the errors of a backtest.

        Args:
            errors: (cells, h) forecast minus truth, one row a series and origin, in the unit of the series; NaN where
                missing.
            cutoffs: (cells,) the origin of each row; rows of one origin are series beside each other. None for one
                series.
        """
        whole = errors[np.isfinite(errors).all(axis=1)]
        size = np.sqrt(np.mean(whole**2, axis=0)) if len(whole) else np.ones(errors.shape[1])  # (h,)
        scaled = errors / np.where(size > 0, size, 1.0)
        correlation = _steps(scaled[np.isfinite(scaled).all(axis=1)], errors.shape[1])
        shared = 0.0 if cutoffs is None else _shared(scaled, cutoffs)
        return cls(tuple(tuple(float(value) for value in row) for row in correlation), shared)

    @classmethod
    def from_backtest(
        cls, cv: pd.DataFrame, frame: pd.DataFrame, season_length: int, *, model: str
    ) -> Dependence:
        """Learn it for one model of a backtest.

        Args:
            cv: the backtest: unique_id, ds, cutoff, y and one column per model.
            frame: unique_id, ds, y; the series it was made of.
            season_length: steps in a season.
            model: the column of the model.
        """
        errors = scores.errors_of(cv, model)  # (cells, h)
        scale = scores.cells(cv, frame, season_length).scale[:, None]
        errors = np.divide(errors, scale, out=np.full(errors.shape, np.nan), where=scale > 0)
        return cls.fit(errors, cv["cutoff"].to_numpy()[:: errors.shape[1]])

    def draw(self, n: int, series: int, h: int, random: np.random.Generator) -> Values:
        """Standard normal numbers that go together as the errors did.

        Args:
            n: paths.
            series: series that go together.
            h: steps, at most those of the backtest.
            random: where they are drawn from.

        Returns:
            (n, series, h).
        """
        correlation = np.asarray(self.steps)[:h, :h]
        values, vectors = np.linalg.eigh(correlation)
        root = vectors * np.sqrt(np.maximum(values, 0.0))  # (h, h), root @ root.T = correlation
        common = random.standard_normal((n, 1, h))
        own = random.standard_normal((n, series, h))
        mixed = np.sqrt(self.shared) * common + np.sqrt(1.0 - self.shared) * own
        drawn: Values = mixed @ root.T
        return drawn

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        return {"steps": [list(row) for row in self.steps], "shared": self.shared}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Dependence:
        """What `to_dict` gave.

        Raises:
            ModelFileError: a part is missing or is not what it should be.
        """
        try:
            steps = tuple(tuple(float(value) for value in row) for row in content["steps"])
            shared = float(content["shared"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the paths of the model file are damaged ({error!r}); fit again") from error
        if not steps or any(len(row) != len(steps) for row in steps) or not 0 <= shared <= MOST_SHARED:
            raise ModelFileError("the paths of the model file are damaged (sizes do not agree); fit again")
        return cls(steps, shared)


def _steps(errors: Values, h: int) -> Values:
    """Correlation of the steps, (h, h): that of the errors, mixed with one that fades with the distance."""
    if h == 1:
        return np.ones((1, 1))
    cells = len(errors)
    if cells == 0:
        return _fading(USUAL, h)
    square = errors.T @ errors
    size = np.sqrt(np.diag(square))
    own = square / np.where(size > 0, np.outer(size, size), 1.0)
    np.fill_diagonal(own, 1.0)
    between = ~np.eye(h, dtype=np.bool_)
    mean = float(own[between].mean()) if cells > 1 else USUAL
    weight = cells / (cells + h) if cells > 1 else 0.0
    mixed: Values = weight * own + (1.0 - weight) * _fading(mean, h)
    return mixed


def _fading(mean: float, h: int) -> Values:
    """The correlation memory ** distance whose mean over pairs of steps is as given, (h, h)."""
    distance = np.abs(np.subtract.outer(np.arange(h), np.arange(h)))
    between = distance > 0
    low, high = 0.0, STRONGEST
    for _ in range(40):  # by halves: the mean rises with the memory
        memory = (low + high) / 2
        low, high = (memory, high) if float((memory**distance)[between].mean()) < mean else (low, memory)
    fading: Values = np.asarray(high**distance, dtype=np.float64)
    return fading


def _shared(errors: Values, cutoffs: NDArray[Any]) -> float:
    """Mean product of two series' errors at the same origin and step, in units of their mean square."""
    codes, _ = pd.factorize(cutoffs)
    known = np.isfinite(errors)
    filled = np.where(known, errors, 0.0)
    origins = int(codes.max()) + 1
    sums, squares, counts = (np.zeros((origins, errors.shape[1])) for _ in range(3))
    for total, part in ((sums, filled), (squares, filled**2), (counts, known)):
        np.add.at(total, codes, part)
    pairs = float((counts * (counts - 1)).sum())
    mean_square = float(squares.sum() / max(counts.sum(), 1.0))
    if pairs == 0 or mean_square == 0:
        return 0.0
    return float(np.clip((sums**2 - squares).sum() / pairs / mean_square, 0.0, MOST_SHARED))
