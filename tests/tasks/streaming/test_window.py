"""The window of a forecaster: the right rows, at the right times, whatever was dropped before."""

import numpy as np
import pandas as pd
import pytest

from ostinato.tasks.forecasting.zero_shot import ZeroShotForecaster
from ostinato.tasks.streaming.window import Window, look_back


def history(rows):
    times = pd.date_range("2020-01-01", periods=rows, freq="D")
    return pd.DataFrame({"unique_id": "a", "ds": times, "y": np.arange(rows, dtype=float)})


@pytest.mark.parametrize("rows", [5, 518, 519, 520, 1000])
@pytest.mark.parametrize("more", [0, 1, 30])
def test_the_window_is_the_end_of_the_history(rows, more):
    model = ZeroShotForecaster(history(rows), "D", 7)
    window = Window.at_end(model)
    for y in range(rows, rows + more):
        window.advance(np.array([float(y)]))
    frame, whole = window.frame(), history(rows + more)
    assert min(look_back(model), rows + more) <= len(frame) <= look_back(model) + 7
    pd.testing.assert_frame_equal(frame, whole.tail(len(frame)).reset_index(drop=True), check_dtype=False)
    assert (rows + more - len(frame)) % 7 == 0  # whole seasons were dropped


def test_a_pretrained_forecaster_of_a_long_season_keeps_four_of_them():
    assert look_back(ZeroShotForecaster(history(5), "h", 24)) == 4 * 168
    assert look_back(ZeroShotForecaster(history(5), "MS", 12)) == 512
