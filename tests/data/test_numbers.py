"""Numbers as people write them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data.numbers import is_missing, is_number, parse_numbers


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_float_is_read_back_exactly(values):
    np.testing.assert_array_equal(parse_numbers([repr(value) for value in values]).values, values)


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1))
def test_thousands_separators_change_nothing(values):
    texts = [f"{value:,}" for value in values]
    np.testing.assert_array_equal(parse_numbers(texts).values, values)


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1))
def test_decimal_commas_are_read(values):
    texts = [f"{value / 100:_.2f}".replace(".", ",").replace("_", ".") for value in values]
    expected = [value / 100 for value in values]
    np.testing.assert_array_equal(parse_numbers(texts, decimal_comma=True).values, expected)


def test_lone_comma_is_decimal_only_where_expected():
    assert parse_numbers(["1,234", "5,678"], decimal_comma=True).values.tolist() == [1.234, 5.678]
    assert parse_numbers(["1,234", "5,678"]).values.tolist() == [1234.0, 5678.0]


def test_text_is_reported_by_row():
    numbers = parse_numbers(["1", "many", "", "1_000"])
    assert numbers.bad.tolist() == [1, 3]
    assert np.isnan(numbers.values[1:]).all()


def test_text_among_decimal_commas_is_reported():
    numbers = parse_numbers(["1,5", "2,5", "3,25", "many"], decimal_comma=True)
    assert numbers.bad.tolist() == [3]
    assert numbers.values[:3].tolist() == [1.5, 2.5, 3.25]


@pytest.mark.parametrize("text", ["", " ", "NA", "n/a", "NaN", "NULL", "-", "?", ".", "#N/A"])
def test_marks_of_missing_values(text):
    assert is_missing(text)
    assert not is_number(text)
