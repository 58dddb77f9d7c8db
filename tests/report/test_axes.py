"""Marks of the axes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.report.axes import number_ticks, positions, time_ticks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (4.8e6, 5.3e6, ["4.8M", "4.9M", "5.0M", "5.1M", "5.2M", "5.3M"]),
        (0, 12500, ["0", "2000", "4000", "6000", "8000", "10000", "12000"]),
        (-2e5, 2e5, ["-200k", "-100k", "0k", "100k", "200k"]),
        (3, 3, ["3"]),
    ],
)
def test_numbers_are_round_and_short(low, high, expected):
    assert [label for _, label in number_ticks(low, high, 8)] == expected


@settings(max_examples=100)
@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), st.integers(3, 9))
def test_numbers_lie_between_the_ends_and_are_few(low, span, most):
    high = low + span
    ticks = number_ticks(low, high, most)
    assert 1 <= len(ticks) <= most + 1
    slack = 1e-6 * max(abs(low), abs(high))
    assert all(low - slack <= place <= high + slack for place, _ in ticks)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (pd.date_range("1970-03-01", "1974-06-01", freq="MS"), ["1971", "1972", "1973", "1974"]),
        (pd.date_range("1800-01-01", periods=220, freq="YS"), ["1800", "1850", "1900", "1950", "2000"]),
        (pd.date_range("2024-01-01", periods=60, freq="s"), ["00:00:00", "00:00:15", "00:00:30", "00:00:45"]),
        (pd.date_range("2024-01-01", periods=49, freq="h"), ["01 Jan 00:00", "01 Jan 12:00", "02 Jan 00:00"]),
        (pd.RangeIndex(5), ["0", "1", "2", "3", "4"]),
    ],
)
def test_times_are_round(times, expected):
    assert [label for _, label in time_ticks(times)][: len(expected)] == expected


@settings(max_examples=60)
@given(
    st.datetimes(pd.Timestamp("1700-01-01"), pd.Timestamp("2200-01-01")),
    st.sampled_from(["s", "min", "h", "D", "W", "MS", "YS"]),
    st.integers(1, 400),
)
def test_times_lie_between_the_ends_and_are_few(start, freq, periods):
    try:
        times = pd.Series(pd.date_range(start, periods=periods, freq=freq))
    except pd.errors.OutOfBoundsDatetime:
        return
    ticks = time_ticks(times)
    assert 1 <= len(ticks) <= 7
    places = positions(times)
    assert all(places.min() - 86400 <= place <= places.max() + 86400 for place, _ in ticks)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_positions_are_seconds_whatever_the_unit(unit):
    times = pd.Series(pd.to_datetime(["1970-01-01", "1970-01-02"])).astype(f"datetime64[{unit}]")
    np.testing.assert_array_equal(positions(times), [0.0, 86400.0])
