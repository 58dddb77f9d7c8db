"""How a recipe shows series to its network, and how the network's answers are read back.

Two steps, each fitted on the past alone: a series is brought to the network's scale as a whole (season, logarithm,
scaler), then, in a recipe with relative windows, every window is normalised by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.adjustment import SeasonalAdjustment
from ostinato.data.scaling import Scaler
from ostinato.tasks.forecasting.recipes import Recipe

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

SMALLEST_STEP = 0.1
"""Smallest scale of a window, as a share of the typical step of its series."""


@dataclass(frozen=True)
class SeriesEncoding:
    """A series as a whole, brought to the network's scale and back.

    Attributes:
        adjustment: logarithm and season.
        scaler: shift and stretch.
        typical: mean absolute step of the encoded past.
        never_negative: whether forecasts are held at 0 or above, as every value of the past was.
    """

    adjustment: SeasonalAdjustment
    scaler: Scaler
    typical: float
    never_negative: bool = False

    @classmethod
    def fit(cls, past: Values, season_length: int, recipe: Recipe) -> "SeriesEncoding":
        """Fit on the past of one series.

        Args:
            past: (time,) in the series' unit; NaN where missing.
            season_length: steps in a season; 1 for none.
            recipe: whether season and logarithm are taken out, and the scaler.
        """
        if recipe.adjust:
            season = season_length if recipe.deseasonalise else 1
            adjustment = SeasonalAdjustment.fit(past, season, log=None if recipe.logarithm else False)
        else:
            adjustment = SeasonalAdjustment(log=False, indices=np.zeros(1))
        adjusted = adjustment.transform(past)
        scaler = Scaler.fit(adjusted, kind=recipe.scaler)
        known = scaler.transform(adjusted[~np.isnan(adjusted)])
        typical = float(np.abs(np.diff(known)).mean()) if len(known) > 1 else 0.0
        never_negative = recipe.adjust and bool(np.nanmin(past, initial=np.inf) >= 0)
        return cls(adjustment, scaler, typical, never_negative)

    def encode(self, values: Values, start: int = 0) -> Values:
        """Bring (time,) values to the network's scale; the first stands at position `start` of the past."""
        return self.scaler.transform(self.adjustment.transform(values, start))

    def decode(self, values: Values, start: int = 0) -> Values:
        """Bring (..., time) values back to the series' unit."""
        decoded = self.adjustment.inverse(self.scaler.inverse(values), start)
        return np.maximum(decoded, 0.0) if self.never_negative else decoded

    def to_dict(self) -> dict[str, Any]:
        """The encoding as plain numbers, for a model file."""
        return {
            "adjustment": self.adjustment.to_dict(),
            "scaler": self.scaler.to_dict(),
            "typical": self.typical,
            "never_negative": self.never_negative,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "SeriesEncoding":
        """The encoding that `to_dict` wrote."""
        return cls(
            SeasonalAdjustment.from_dict(data["adjustment"]),
            Scaler.from_dict(data["scaler"]),
            float(data["typical"]),
            bool(data.get("never_negative", False)),  # not in files of the first version
        )


@dataclass(frozen=True)
class Shown:
    """Windows as a network sees them.

    Attributes:
        features: (windows, context, features).
        offset: (windows,) what the answer 0 stands for, on the scale of the encoded series.
        scale: (windows,) what the answer 1 adds to it; 0 where a window is constant.
    """

    features: NDArray[np.float32]
    offset: Values
    scale: Values

    def targets(self, values: Values) -> Values:
        """The right answers: (windows, horizon) encoded values relative to each window; NaN for a constant one."""
        return (values - self.offset[:, None]) / np.where(self.scale > 0, self.scale, np.nan)[:, None]

    def read(self, answers: Values) -> Values:
        """Encoded values (..., windows, horizon) for the network's answers."""
        return self.offset[:, None] + self.scale[:, None] * answers


def show(inputs: Values, observed: Flags, typical: Values, recipe: Recipe) -> Shown:
    """Make the features of windows.

    Args:
        inputs: (windows, context) encoded values; whatever where not observed.
        observed: (windows, context) True where a value is real; padding stands on the left.
        typical: (windows,) typical step of each window's series.
        recipe: whether windows are normalised by themselves.

    Returns:
        With relative windows two features, the value relative to the last one in units of the window's mean absolute
        step, squashed by asinh, and 1 where it is real; otherwise one feature, the value itself.
    """
    filled = carry_forward(np.where(observed, inputs, np.nan))
    if not recipe.relative:
        known = carry_forward(filled[:, ::-1])[:, ::-1]  # before the first real value: that value
        features = np.nan_to_num(known)[..., None]
        return Shown(features.astype(np.float32), np.zeros(len(inputs)), np.ones(len(inputs)))
    last = np.nan_to_num(filled[:, -1])
    steps = np.abs(np.diff(filled, axis=1))
    counted = ~np.isnan(steps)
    mean = np.where(counted, steps, 0.0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    scale = np.maximum(mean, SMALLEST_STEP * typical)
    normal = (inputs - last[:, None]) / np.where(scale > 0, scale, 1.0)[:, None]
    features = np.stack([np.arcsinh(np.where(observed, normal, 0.0)), observed], axis=-1)
    return Shown(features.astype(np.float32), last, scale)


def carry_forward(values: Values) -> Values:
    """Missing values replaced by the last one before them, (..., time); NaN stays where there is none."""
    position = np.where(np.isnan(values), 0, np.arange(values.shape[-1]))
    return np.take_along_axis(values, np.maximum.accumulate(position, axis=-1), axis=-1)


def encode_all(encodings: Sequence[SeriesEncoding], pasts: Sequence[Values]) -> list[Values]:
    """Every series on the network's scale."""
    return [encoding.encode(past) for encoding, past in zip(encodings, pasts, strict=True)]
