"""Accelerate somebody else's model: neuralforecast's LSTM, fitted with and without `ostinato.accelerate`.

    pip install neuralforecast && python benchmarks/accelerate_neuralforecast.py

Writes benchmarks/results/accelerate.json: the processor seconds of each fit and how far the forecasts lie apart.
"""

from __future__ import annotations

import json
import logging
import time
import warnings
from pathlib import Path

import machine
import numpy as np
import pandas as pd
import torch
from neuralforecast import NeuralForecast
from neuralforecast.models import LSTM

import ostinato

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)


def series() -> pd.DataFrame:
    """Make 20 monthly series with a season and a trend."""
    random = np.random.default_rng(0)
    months = pd.date_range("2000-01-01", periods=144, freq="MS")
    frames = []
    for number in range(20):
        level = 100 + number + 0.3 * np.arange(144) + 10 * np.sin(2 * np.pi * np.arange(144) / 12 + number)
        frames.append(pd.DataFrame({"unique_id": number, "ds": months, "y": level + random.normal(size=144)}))
    return pd.concat(frames)


def fit(accelerated: bool) -> tuple[float, np.ndarray]:
    """Fit once and forecast a year."""
    model = LSTM(
        h=12, input_size=36, max_steps=25, encoder_hidden_size=128, random_seed=1, accelerator="cpu",
        enable_progress_bar=False, logger=False, enable_checkpointing=False,
    )  # fmt: skip
    if accelerated:
        ostinato.accelerate(model)
    forecaster = NeuralForecast([model], freq="MS")
    started = time.process_time()
    forecaster.fit(series())
    seconds = time.process_time() - started
    return seconds, forecaster.predict()["LSTM"].to_numpy()


if __name__ == "__main__":
    (torchs_seconds, theirs), (our_seconds, ours) = fit(False), fit(True)
    result = {
        "machine": machine.describe(),
        "processor_seconds": {"torch": torchs_seconds, "accelerated": our_seconds},
        "largest_relative_difference": float(np.max(np.abs(ours / theirs - 1))),
    }
    (Path(__file__).parent / "results" / "accelerate.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))
