"""Dates as people write them, against pandas timestamps typed by hand."""

import numpy as np
import pandas as pd
import pytest

from ostinato.data.times import in_range, is_time, parse_times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1962-01", "1962-01-01"),
        ("1962-01-31", "1962-01-31"),
        ("1962/1/3", "1962-01-03"),
        ("1962.01.31", "1962-01-31"),
        ("1962M01", "1962-01-01"),
        ("1962Q3", "1962-07-01"),
        ("1962-Q3", "1962-07-01"),
        ("Q3 1962", "1962-07-01"),
        ("2024-W01", "2024-01-01"),
        ("2020W53", "2020-12-28"),
        ("2024-W01-4", "2024-01-04"),
        ("01/1962", "1962-01-01"),
        ("Jan 1962", "1962-01-01"),
        ("Jan-62", "2062-01-01"),
        ("Sept 1975", "1975-09-01"),
        ("1962 January", "1962-01-01"),
        ("3 Jan 1962", "1962-01-03"),
        ("03-JAN-1962", "1962-01-03"),
        ("January 3, 1962", "1962-01-03"),
        ("Wed, 3 Jan 1962", "1962-01-03"),
        ("31/12/1999", "1999-12-31"),
        ("12/31/1999", "1999-12-31"),
        ("31.12.99 14:30", "1999-12-31 14:30"),
        ("1962-01-31T14:30:15", "1962-01-31 14:30:15"),
        ("1962-01-31 14:30:15.250", "1962-01-31 14:30:15.250"),
        ("1/31/1962 2:30 PM", "1962-01-31 14:30"),
        ("1/31/1962 12:05 am", "1962-01-31 00:05"),
        ("1962-01-31T24:00", "1962-02-01"),
        ("2024-01-01T10:00+02:00", "2024-01-01 10:00"),
    ],
)
def test_ways_of_writing(text, expected):
    times = parse_times([text, text])
    assert len(times.bad) == 0
    assert pd.Timestamp(times.values[1]) == pd.Timestamp(expected)
    assert is_time(text)


@pytest.mark.parametrize(
    "text", ["soon", "1962-13", "1962-02-30", "25:00", "1962-01-01 25:00", "Foo 1962", "13/13/1962"]
)
def test_what_is_no_date_is_marked_bad(text):
    assert parse_times(["1962-01-01", text]).bad.tolist() == [1]


def test_missing_marks_are_not_bad():
    times = parse_times(["1962-01-01", "", "NA"])
    assert times.bad.tolist() == []
    assert np.isnat(times.values[1:]).all()


@pytest.mark.parametrize(
    ("texts", "order", "sure"),
    [
        (["31/01/1962", "28/02/1962"], "day first", True),
        (["01/31/1962", "02/28/1962"], "month first", True),
        (["01.02.1962", "02.02.1962"], "day first", True),
        ([f"01/{month:02d}/{year}" for year in (1962, 1963) for month in range(1, 13)], "day first", True),
        ([f"{month:02d}/01/{year}" for year in (1962, 1963) for month in range(1, 13)], "month first", True),
        (["01/02/1962", "02/03/1962"], "month first", False),
        (["1962-01-31"], "", True),
    ],
)
def test_day_and_month_order_is_decided_over_the_column(texts, order, sure):
    times = parse_times(texts)
    assert (times.order, times.sure) == (order, sure)


def test_zones_are_reported_with_their_first_row():
    times = parse_times(
        ["2024-01-01T10:00Z", "2024-01-01T11:00+00:00", "2024-01-01T12:00+0200", "2024-01-01T12:00"]
    )
    assert times.zones == {"+00:00": 0, "+02:00": 2, "": 3}


def test_numbers_are_not_times():
    assert not any(map(is_time, ["1962", "19620131", "1.5", "", "a"]))


def test_range_is_what_nanoseconds_can_hold():
    assert in_range(np.array(["1700-01-01", "1500-01-01", "NaT"], dtype="datetime64[us]")).tolist() == [
        True,
        False,
        True,
    ]
