"""Scalers: fitted on the past alone, undone after prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ostinato.errors import ConfigError, DataError

Values = npt.NDArray[np.float64]
SMALLEST_SCALE = 1e-100
"""A spread below this counts as none: dividing by it would overflow for any later value of note."""


@dataclass(frozen=True)
class Scaler:
    """A shift and a stretch: `transform(v) = (v - offset) / scale`.

    Make one with `fit`. Missing values (NaN) stay missing.

    Args:
        kind: A name in `SCALERS`.
        offset: What is taken away, in units of the values.
        scale: What is divided by, in units of the values; above 0.

    Examples:
        >>> scaler = Scaler.fit([1.0, 2.0, 5.0], kind="minmax")
        >>> scaler.transform([1.0, 5.0, 9.0]).tolist()
        [0.0, 1.0, 2.0]
        >>> scaler.inverse([0.25]).tolist()
        [2.0]
    """

    kind: str
    offset: float
    scale: float

    @classmethod
    def fit(cls, values: npt.ArrayLike, kind: str = "standard") -> Scaler:
        """Measure the values of the past.

        Args:
            values: Any shape; NaN is missing and not measured.
            kind: A name in `SCALERS`.

        Returns:
            The scaler. Constant values get scale 1, no values at all offset 0 and scale 1.

        Raises:
            ConfigError: If there is no such kind.
            DataError: If a value is infinite, or so large that the scale is not a number.
        """
        if kind not in SCALERS:
            raise ConfigError(f"scaler is {kind!r}; use one of {', '.join(SCALERS)}")
        past = np.asarray(values, dtype=np.float64).ravel()
        past = past[~np.isnan(past)]
        if np.isinf(past).any():
            raise DataError(
                f"{np.isinf(past).sum()} of {past.size} values are infinite; mark them as missing (NaN)"
            )
        if past.size == 0:
            return cls(kind, 0.0, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            offset, scale = SCALERS[kind](past)
        if not (np.isfinite(offset) and np.isfinite(scale)):
            raise DataError(
                f"values up to {np.abs(past).max():.3g} are too large to be scaled; use a larger unit"
            )
        # Below this the spread is rounding noise, and dividing by it would blow noise up.
        noise = 4 * np.finfo(np.float64).eps * float(np.abs(past).max())
        constant = scale <= max(noise, SMALLEST_SCALE)
        return cls(kind, float(offset), 1.0 if constant else float(scale))

    def transform(self, values: npt.ArrayLike) -> Values:
        """Bring values in their own units to the scale of the network."""
        return (np.asarray(values, dtype=np.float64) - self.offset) / self.scale

    def inverse(self, values: npt.ArrayLike) -> Values:
        """Bring values on the scale of the network back to their own units."""
        return np.asarray(values, dtype=np.float64) * self.scale + self.offset

    def to_dict(self) -> dict[str, Any]:
        """Return the scaler as plain values for JSON."""
        return {"kind": self.kind, "offset": self.offset, "scale": self.scale}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Scaler:
        """Return the scaler that `to_dict` described.

        Raises:
            ConfigError: If a part is missing, unknown or not a number that can be used.
        """
        names = {"kind", "offset", "scale"}
        if set(saved) != names or saved["kind"] not in SCALERS:
            raise ConfigError(
                f"a saved scaler is {dict(saved)}; it needs kind (one of {', '.join(SCALERS)}), offset, scale"
            )
        numbers = (saved["offset"], saved["scale"])
        if (
            not all(isinstance(number, int | float) and np.isfinite(number) for number in numbers)
            or numbers[1] <= 0
        ):
            raise ConfigError(
                f"a saved scaler is {dict(saved)}; offset must be a number and scale one above 0"
            )
        return cls(saved["kind"], float(numbers[0]), float(numbers[1]))


def _identity(_: Values) -> tuple[float, float]:
    """Leave values as they are."""
    return 0.0, 1.0


def _minmax(past: Values) -> tuple[float, float]:
    """Bring the past to [0, 1]."""
    return past.min(), past.max() - past.min()


def _standard(past: Values) -> tuple[float, float]:
    """Bring the past to mean 0 and standard deviation 1."""
    return past.mean(), past.std()


def _robust(past: Values) -> tuple[float, float]:
    """Bring the past to median 0 and interquartile range 1, which outliers hardly move."""
    low, middle, high = np.quantile(past, [0.25, 0.5, 0.75])
    return middle, high - low


def _mean_absolute(past: Values) -> tuple[float, float]:
    """Divide by the mean absolute value, so that 0 stays 0."""
    return 0.0, np.abs(past).mean()


SCALERS: dict[str, Callable[[Values], tuple[float, float]]] = {
    "identity": _identity,
    "minmax": _minmax,
    "standard": _standard,
    "robust": _robust,
    "mean_absolute": _mean_absolute,
}
