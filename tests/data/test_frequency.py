"""Frequencies found from times, against the frequency the times were made with."""

import numpy as np
import pandas as pd
import pytest

from ostinato.data import frequency
from ostinato.data.frames import detect_freq, regularise
from ostinato.errors import DataError


def single(ds, name="a"):
    return pd.DataFrame({"unique_id": name, "ds": ds, "y": np.arange(1.0 * len(ds))})


@pytest.mark.parametrize(
    "freq",
    [*("MS", "ME", "QS", "QE-DEC", "YS", "YE-DEC", "W-MON", "W-SUN", "D", "B", "h", "15min", "30min"),
     *("s", "2D", "QS-FEB", "QS-MAR", "QE-NOV", "QE-OCT", "YS-JUL", "YE-JUN", "2MS", "6h", "10s")],
)  # fmt: skip
@pytest.mark.parametrize("start", ["2019-01-01", "2020-02-29 00:00", "2021-12-31"])
def test_made_frequency_is_found(freq, start):
    assert detect_freq(single(pd.date_range(start, periods=30, freq=freq))) == freq


@pytest.mark.parametrize("freq", ["MS", "ME", "D", "B", "h", "W-FRI", "QS", "15min"])
def test_frequency_is_found_through_gaps(freq):
    ds = pd.date_range("2019-01-01", periods=60, freq=freq)
    keep = np.random.default_rng(0).random(60) > 0.2
    assert detect_freq(single(ds[keep])) == freq


@pytest.mark.parametrize(("dates", "freq"), [
    (["1962-01-31", "1962-02-28", "1962-03-31"], "ME"),
    (["1962-01-15", "1962-02-15", "1962-03-15"], "MS"),
    (["1962-01-30", "1962-02-28", "1962-03-30", "1962-04-30"], "ME"),
    (["1962-01-03", "1962-02-07", "1962-03-02", "1962-04-05"], "MS"),
    (["2024-01-19", "2024-02-16", "2024-03-15", "2024-04-19", "2024-05-17"], "MS"),
    (["1962-06-30", "1963-06-30"], "YE-JUN"),
    (["2024-01-01 06:00", "2024-01-02 06:00", "2024-01-03 06:00"], "D"),
])  # fmt: skip
def test_odd_days_of_the_month(dates, freq):
    assert detect_freq(single(pd.to_datetime(dates))) == freq


def test_every_28_days_is_not_monthly():
    assert detect_freq(single(pd.date_range("2024-01-01", periods=20, freq="28D"))) == "4W-MON"


def test_integer_steps():
    assert detect_freq(single([3, 4, 5, 9])) == 1
    assert detect_freq(single([0, 5, 10, 20])) == 5
    assert detect_freq(single([7])) == 1


def test_time_of_day_is_kept_on_the_grid():
    frame = single(pd.date_range("2024-01-01 06:00", periods=5, freq="D")).drop(index=2)
    assert regularise(frame, detect_freq(frame))["ds"].dt.hour.tolist() == [6] * 5


def test_series_of_several_lengths_share_a_frequency():
    frame = pd.concat(
        [single(pd.date_range("2024-01-01", periods=n, freq="MS"), f"s{n}") for n in (1, 2, 30)]
    )
    assert detect_freq(frame.reset_index(drop=True)) == "MS"


def mixed(first, second):
    return pd.concat([single(first), single(second, "b")], ignore_index=True)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            mixed(pd.date_range("2024", periods=60, freq="D"), pd.date_range("2024", periods=12, freq="MS")),
            "series 'b' has mixed frequencies: runs of 31 steps where others take one",
        ),
        (
            mixed(
                pd.date_range("2024", periods=12, freq="QS"), pd.date_range("2024", periods=12, freq="QS-FEB")
            ),
            "series 'a' and 'b' have mixed frequencies: both step 3 months but from different months",
        ),
        (
            single(
                pd.date_range("2020", periods=8, freq="YS").append(
                    pd.date_range("2028", periods=9, freq="MS")
                )
            ),
            "series 'a' has mixed frequencies: runs of 12 steps",
        ),
        (
            single(pd.to_datetime([0, 7, 19, 23, 41, 58, 71], unit="D")),
            "the times are irregular: only 0 % of the steps are 1 days long; resample the file",
        ),
        (
            single(pd.to_datetime(["2024-01-01 00:00:13", "2024-01-01 01:02:40", "2024-01-01 02:00:09"])),
            "the times are irregular",
        ),
        (
            single(pd.to_datetime(["2024-01-01"])),
            "cannot be found from series of one row; name it with --freq",
        ),
    ],
)
def test_mixed_and_irregular_times_are_refused(frame, message):
    with pytest.raises(DataError, match=message):
        detect_freq(frame)


def test_random_gaps_are_not_mixed_frequencies():
    rng = np.random.default_rng(1)
    days = pd.date_range("2020-01-01", periods=2000)
    frame = pd.concat([single(days[rng.random(2000) < 0.5], f"s{i}") for i in range(20)], ignore_index=True)
    assert detect_freq(frame) == "D"


@pytest.mark.parametrize(
    ("freq", "words"),
    [
        ("MS", "monthly (MS)"),
        ("QS", "quarterly (QS-JAN)"),
        ("YE", "yearly (YE-DEC)"),
        ("B", "business days (B)"),
        ("D", "daily (D)"),
        ("W-MON", "weekly (W-MON)"),
        ("15min", "every 15 minutes (15min)"),
        ("2MS", "every 2 months (2MS)"),
        ("250us", "every 250 microseconds (250us)"),
        (7, "a step of 7 between integer times"),
    ],
)
def test_frequency_in_words(freq, words):
    assert frequency.describe(freq) == words
