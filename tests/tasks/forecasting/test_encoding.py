"""Encodings: what a network sees and how its answers are read back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.tasks.forecasting.encoding import SeriesEncoding, carry_forward, show
from ostinato.tasks.forecasting.recipes import RECIPES

DEFAULT, CLASSIC = RECIPES["default"], RECIPES["classic"]
numbers = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40)


@given(numbers, st.sampled_from([DEFAULT, CLASSIC]), st.integers(1, 12))
def test_decode_undoes_encode(values, recipe, season_length):
    past = np.array(values)
    encoding = SeriesEncoding.fit(past, season_length, recipe)
    assert encoding.decode(encoding.encode(past)) == pytest.approx(past, rel=1e-6, abs=1e-6)


def test_classic_scales_the_past_to_zero_and_one():
    past = np.array([3.0, 5.0, 4.0])
    encoding = SeriesEncoding.fit(past, 12, CLASSIC)
    assert encoding.encode(past).tolist() == [0.0, 1.0, 0.5]
    assert encoding.decode(np.array([2.0])).tolist() == [7.0]  # beyond the past, the scale goes on


def test_a_relative_window_does_not_depend_on_level_and_unit():
    past = np.array([[1.0, 3.0, 2.0, 5.0]])
    seen = np.ones((1, 4), bool)
    one = show(past, seen, np.array([0.0]), DEFAULT)
    other = show(1000 + 60 * past, seen, np.array([0.0]), DEFAULT)
    assert one.features == pytest.approx(other.features, abs=1e-6)
    # By hand: steps 2, 1, 3 have mean 2; relative to the last value 5 the first is (1 - 5) / 2 = -2.
    assert one.features[0, 0, 0] == pytest.approx(np.arcsinh(-2.0))
    assert (one.offset[0], one.scale[0]) == (5.0, 2.0)


def test_missing_values_and_padding_are_masked():
    values = np.array([[0.0, 4.0, 0.0, 6.0]])
    shown = show(values, np.array([[False, True, False, True]]), np.array([1.0]), DEFAULT)
    assert shown.features[0, :, 1].tolist() == [0, 1, 0, 1]
    assert shown.features[0, [0, 2], 0].tolist() == [0, 0]


def test_answers_are_read_in_the_unit_of_the_window():
    shown = show(np.array([[1.0, 3.0]]), np.ones((1, 2), bool), np.array([2.0]), DEFAULT)
    answers = shown.targets(np.array([[4.0, 5.0]]))
    assert shown.read(answers).tolist() == [[4.0, 5.0]]


def test_a_constant_window_has_no_targets_and_answers_its_value():
    shown = show(np.full((1, 3), 7.0), np.ones((1, 3), bool), np.array([0.0]), DEFAULT)
    assert np.isnan(shown.targets(np.array([[7.0]]))).all()
    assert shown.read(np.array([[123.0]])).tolist() == [[7.0]]


def test_classic_windows_are_the_values_themselves():
    shown = show(np.array([[0.1, 0.2]]), np.ones((1, 2), bool), np.array([1.0]), CLASSIC)
    assert shown.features.tolist() == [[[pytest.approx(0.1)], [pytest.approx(0.2)]]]


def test_carry_forward_keeps_what_has_nothing_before_it():
    row = carry_forward(np.array([np.nan, 1.0, np.nan, 3.0]))
    assert np.isnan(row[0])
    assert row[1:].tolist() == [1.0, 1.0, 3.0]


def test_an_encoding_survives_a_model_file():
    past = 100 * 1.01 ** np.arange(60.0)
    encoding = SeriesEncoding.fit(past, 12, replace(DEFAULT, scaler="standard"))
    again = SeriesEncoding.from_dict(encoding.to_dict())
    assert again.encode(past).tolist() == encoding.encode(past).tolist()
