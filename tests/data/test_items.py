"""Items of lists, arrays, columns and frames."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ostinato.data.items import as_items
from ostinato.errors import DataError


@pytest.mark.parametrize("library", [pd, pl])
def test_a_column_gives_its_values(library):
    assert as_items(library.Series(["a", "b"])) == ["a", "b"]


@pytest.mark.parametrize("library", [pd, pl])
def test_a_frame_of_one_column_gives_its_values_and_not_its_name(library):
    assert as_items(library.DataFrame({"text": ["a", "b"]})) == ["a", "b"]


@pytest.mark.parametrize("library", [pd, pl])
def test_a_frame_of_several_columns_gives_its_rows(library):
    rows = as_items(library.DataFrame({"first": [1.0, 2.0], "second": [3.0, 4.0]}))
    np.testing.assert_array_equal(rows, [[1.0, 3.0], [2.0, 4.0]])


def test_arrays_lists_and_iterators_give_what_is_in_them():
    assert [len(row) for row in as_items(np.zeros((2, 3)))] == [3, 3]
    assert as_items(["a"]) == as_items(iter(["a"])) == ["a"]


@pytest.mark.parametrize("text", ["hello", b"hello", Path("hello")])
def test_a_single_text_is_refused(text):
    with pytest.raises(DataError, match=r"a single text came, .*hello.*; give a list of them"):
        as_items(text)


def test_what_holds_nothing_is_refused():
    with pytest.raises(DataError, match="int holds no items; give a list or an array"):
        as_items(3)
