"""Calendar features."""

import numpy as np
import pandas as pd
import pytest

from ostinato.data.calendar import calendar_columns, calendar_features
from ostinato.errors import ConfigError, DataError

TIMES = pd.Series(pd.to_datetime(["2024-01-01 06:00", "2024-01-04 18:30"]))  # a Monday and a Thursday


def test_waves_follow_their_cycle():
    found = calendar_features(TIMES, ["hour", "weekday"], [])
    assert found["calendar.hour.sin"] == pytest.approx([1.0, np.sin(2 * np.pi * 18.5 / 24)])
    assert found["calendar.weekday.cos"] == pytest.approx([1.0, np.cos(2 * np.pi * 3 / 7)])
    assert tuple(found) == calendar_columns(["hour", "weekday"], [])


def test_a_holiday_lasts_a_day():
    assert calendar_features(TIMES, [], [pd.Timestamp("2024-01-04")])["calendar.holiday"].tolist() == [
        0.0,
        1.0,
    ]


def test_an_unknown_cycle_lists_the_known_ones():
    with pytest.raises(
        ConfigError, match="calendar has 'moon', which is not known; use some of: hour, weekday"
    ):
        calendar_columns(["moon"], [])


def test_integer_times_have_no_calendar():
    with pytest.raises(DataError, match="the times are integers, of which the calendar says nothing"):
        calendar_features(pd.Series([1, 2]), ["hour"], [])


def test_holidays_that_are_no_dates_are_refused():
    with pytest.raises(ConfigError, match="the holidays cannot be read as dates"):
        calendar_features(TIMES, [], ["Christmas"])
