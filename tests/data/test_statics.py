"""What describes a series, as numbers."""

import json

import numpy as np
import pandas as pd
import pytest

from ostinato.data.statics import Statics
from ostinato.errors import DataError

TABLE = pd.DataFrame(
    {
        "unique_id": ["a", "b", "c"],
        "size": [1.0, 3.0, np.nan],
        "kind": ["shop", None, "web"],
        "open": [True, False, True],
        "rooms": [2, 4, 6],
    }
)


def described(columns, series=("c", "a")):
    return Statics.fit(TABLE, columns, series, "unique_id").matrix(series)


def test_numbers_are_scaled_over_the_series_that_are_used():
    assert described(["rooms"]).ravel().tolist() == [1.0, -1.0]


def test_a_missing_number_is_masked():
    assert described(["size"]).tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_categories_and_booleans_are_flags():
    assert described(["kind"]).tolist() == [[1, 0], [0, 1]]
    assert described(["open"], ("a", "b")).tolist() == [[1, 0], [0, 1]]
    assert described(["kind"], ("b", "a")).tolist() == [[0], [1]]


def test_a_series_that_was_not_described_is_zeros():
    assert Statics.fit(TABLE, ["rooms"], ["a", "b"], "unique_id").matrix(["new"]).tolist() == [[0.0]]


def test_dictionary_survives_json():
    fitted = Statics.fit(TABLE, ["rooms", "kind"], ["a", "b"], "unique_id")
    assert Statics.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        (TABLE, ["colour"], "static_df has no column 'colour'; its columns are unique_id, size"),
        (TABLE.head(2), ["rooms"], "static_df has no row for series 'c'; give one row for every series"),
        (pd.concat([TABLE, TABLE]), ["rooms"], "static_df has series 'a' twice; keep one row a series"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table, columns, message):
    with pytest.raises(DataError, match=message):
        Statics.fit(table, columns, ["c", "a"], "unique_id")


def test_too_many_categories_are_refused():
    table = pd.DataFrame({"unique_id": range(101), "code": [f"x{number}" for number in range(101)]})
    with pytest.raises(
        DataError, match="column 'code' of static_df has 101 categories; group them into at most 100"
    ):
        Statics.fit(table, ["code"], range(101), "unique_id")
