"""Steps on a grid against pandas' own date arithmetic."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data.grid import moments, parse_freq, positions, to_integers, to_times
from ostinato.errors import ConfigError

FREQS = (
    "MS",
    "ME",
    "QS",
    "QE",
    "QE-OCT",
    "YS",
    "YE-JUN",
    "B",
    "W-THU",
    "D",
    "2h",
    "15min",
    "3MS",
    "BME",
    "SME",
)


@given(st.sampled_from(FREQS), st.integers(0, 20_000), st.integers(0, 50))
def test_steps_and_times_are_inverse_and_agree_with_pandas(freq, day, steps):
    start = pd.Timestamp("1970-01-01") + pd.Timedelta(day, "D")
    dates = pd.date_range(start, periods=steps + 1, freq=freq)
    grid = parse_freq(freq)
    times = to_integers(pd.Series(dates))
    origin = np.full(len(times), times[0])
    place, fits = positions(times, origin, grid)
    assert place.tolist() == list(range(steps + 1))
    assert fits.all()
    np.testing.assert_array_equal(to_times(moments(origin, place, grid), grid), dates.to_numpy())


@pytest.mark.parametrize(
    ("freq", "expected"),
    [
        *[("M", "ME"), ("Q", "QE-DEC"), ("A", "YE-DEC"), ("H", "h"), ("15T", "15min"), ("2M", "2ME")],
        *[("AS-JUL", "YS-JUL"), ("BQ", "BQE-DEC"), ("BA-MAR", "BYE-MAR"), ("SM", "SME-15"), ("b", "B")],
    ],
)
def test_old_aliases_are_understood(freq, expected):
    assert parse_freq(freq).freq == expected


@pytest.mark.parametrize(
    ("freq", "message"),
    [
        (
            "nonsense",
            "freq is 'nonsense', which pandas does not know; use an alias such as 'MS' or 'h', or an integer",
        ),
        ("", "which pandas does not know|must go forward"),
        ("-1D", "freq is '-1D'"),
        (-2, "freq is -2; an integer step must be at least 1"),
        ("10ns", "freq is '10ns'; steps shorter than a microsecond are not supported"),
    ],
)
def test_unusable_frequency_is_refused(freq, message):
    with pytest.raises(ConfigError, match=message):
        parse_freq(freq)


def test_weekend_is_off_the_grid_of_business_days():
    times = to_integers(pd.Series(pd.to_datetime(["2024-01-05", "2024-01-06", "2024-01-08"])))
    place, fits = positions(times, np.full(3, times[0]), parse_freq("B"))
    assert fits.tolist() == [True, False, True]
    assert place[[0, 2]].tolist() == [0, 1]


@given(st.text(max_size=8))
def test_any_text_is_a_frequency_or_a_config_error(text):
    try:
        assert parse_freq(text).size >= 1
    except ConfigError:
        return
