"""Synthetic time series of many kinds, seeded and fast: what the pretrained forecaster learns from."""

from ostinato.synthetic.augment import censor, down_sample, flip, make_gaps, mix_up, modulate, round_off
from ostinato.synthetic.economic import economic, steady_growth
from ostinato.synthetic.events import intermittent_counts, steps_and_spikes
from ostinato.synthetic.mixture import AUGMENTATIONS, FAMILIES, generate
from ostinato.synthetic.processes import chaos_and_growth, gaussian_process, regime_switching
from ostinato.synthetic.structural import (
    exponential_smoothing,
    local_level,
    local_trend,
    seasonal_arima,
    trend_season,
)

__all__ = [
    "AUGMENTATIONS",
    "FAMILIES",
    "censor",
    "chaos_and_growth",
    "down_sample",
    "economic",
    "exponential_smoothing",
    "flip",
    "gaussian_process",
    "generate",
    "intermittent_counts",
    "local_level",
    "local_trend",
    "make_gaps",
    "mix_up",
    "modulate",
    "regime_switching",
    "round_off",
    "seasonal_arima",
    "steady_growth",
    "steps_and_spikes",
    "trend_season",
]
