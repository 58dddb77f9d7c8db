"""Which column is what, for files as people have them."""

import pandas as pd
import pytest

from ostinato.data.columns import choose
from ostinato.data.findings import Log
from ostinato.data.readers import from_frame
from ostinato.errors import DataError

DAYS = [f"2024-01-{day:02d}" for day in range(1, 13)]
UP = [float(i) for i in range(12)]
DATELIKE = [f"{1900 + i}.{i + 1:02d}" for i in range(12)]  # numbers that could be a year and a month


def roles(columns, **named):
    options = {"time_col": None, "target_col": None, "id_col": None, **named}
    return choose(from_frame(pd.DataFrame(columns), "the frame"), **options, log=Log())


@pytest.mark.parametrize(
    ("columns", "time", "targets", "identity"),
    [
        ({"unique_id": ["a"] * 12, "ds": DAYS, "y": UP}, "ds", ("y",), "unique_id"),
        ({"target": UP, "timestamp": DAYS, "item_id": ["a"] * 12}, "timestamp", ("target",), "item_id"),
        ({"Month": DAYS, "Passengers": UP}, "Month", ("Passengers",), None),
        ({"reported": DAYS, "Passengers": UP}, "reported", ("Passengers",), None),
        ({"created": DAYS, "Date": DAYS, "Passengers": UP}, "Date", ("Passengers",), None),
        ({"year": range(1990, 2002), "births": UP}, "year", ("births",), None),
        ({"t": range(12), "births": UP}, "t", ("births",), None),
        ({"column 1": range(12), "births": UP}, "column 1", ("births",), None),
        ({"date": DAYS, "a": UP, "b": UP, "c": UP}, "date", ("a", "b", "c"), None),
        ({"date": DAYS, "s_1": UP, "s_2": [1e9] * 12, "s_3": UP}, "date", ("s_1", "s_2", "s_3"), None),
        ({"date": DAYS, "sales": UP, "comment": ["x"] * 12}, "date", ("sales",), None),
        ({"date": DAYS, "price": DATELIKE}, "date", ("price",), None),
        ({"price": DATELIKE, "reported": DAYS}, "reported", ("price",), None),
        ({"reported": DATELIKE, "births": UP}, "reported", ("births",), None),
        ({"date": DAYS, "month": DATELIKE, "births": UP}, "date", ("births",), None),
        ({"day": DAYS[:6] * 2, "kind": "k", "shop": [*"nnnnnnssssss"], "n": UP}, "day", ("n",), "shop"),
    ],
)  # fmt: skip
def test_columns_of_common_files(columns, time, targets, identity):
    found = roles(columns)
    assert (found.time_col, found.target_cols, found.id_col) == (time, targets, identity)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"date": DAYS, "a": UP, "b": UP},
            "2 columns that could hold the values: 'a' and 'b'; choose one with",
        ),
        ({"date": DAYS, "a": UP, "b": UP, "price": UP}, "3 columns that could hold the values"),
        ({"date": DAYS, "a": UP, "b": UP, "c": [1e9] * 12}, "3 columns that could hold the values"),
        (
            {"id": ["a"] * 12, "date": DAYS, "a": UP, "b": UP, "c": UP},
            "make a series of each with --target-col 'a,b'",
        ),
        ({"date": DAYS, "name": ["x"] * 12}, "no column of numbers beside 'date'"),
        (
            {"a": UP, "name": ["x"] * 12},
            "no time column among 'a' and 'name'; add a column of dates, or name",
        ),
    ],
)
def test_doubt_is_an_error_that_lists_the_columns(columns, message):
    with pytest.raises(DataError, match=message):
        roles(columns)


def test_covariates_can_be_overruled():
    columns = {"date": DAYS, "a": UP, "b": UP, "price": UP}
    assert roles(columns, target_col="a").target_cols == ("a",)
    assert roles(columns, target_col="a, b").target_cols == ("a", "b")
    assert roles(columns, target_col="*").target_cols == ("a", "b", "price")
    assert roles({"date": DAYS, "a,b": UP, "c": UP}, target_col="a,b").target_cols == ("a,b",)
