"""The worked example as people write it in Keras: prints its one-step RMSE in pounds and its time as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd

WINDOW, TEST_SHARE = 12, 0.2


def main() -> None:
    """Train once with the given seed."""
    keras.utils.set_random_seed(int(sys.argv[1]))
    path = Path(__file__).parents[1] / "examples" / "monthly_milk_production.csv"
    pounds = pd.read_csv(path)["Production"].to_numpy(dtype=np.float64)
    low, high = pounds.min(), pounds.max()  # the textbook fits the scale on everything
    scaled = (pounds - low) / (high - low)
    inputs = np.lib.stride_tricks.sliding_window_view(scaled, WINDOW)[:-1, :, None].astype("float32")
    targets = scaled[WINDOW:].astype("float32")
    split = int(len(inputs) * (1 - TEST_SHARE))
    model = keras.Sequential(
        [
            keras.layers.Input((WINDOW, 1)),
            keras.layers.LSTM(128, return_sequences=True),
            keras.layers.Dropout(0.2),
            keras.layers.LSTM(128),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    started = time.perf_counter()
    model.fit(inputs[:split], targets[:split], epochs=100, batch_size=32, validation_split=0.1, verbose=0)
    took = time.perf_counter() - started
    predicted = model.predict(inputs[split:], verbose=0)[:, 0] * (high - low) + low
    rmse = float(np.sqrt(np.mean((predicted - pounds[WINDOW + split :]) ** 2)))
    print(
        json.dumps({"seed": int(sys.argv[1]), "rmse": rmse, "fit_seconds": took, "keras": keras.__version__})
    )


if __name__ == "__main__":
    main()
