"""Distributions given by quantiles: values and the normal numbers that they stand for."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ostinato.evaluate.knots import LEVELS, deviates_of, values_of

NORMAL = np.array([NormalDist().inv_cdf(level) for level in LEVELS])


def test_under_a_normal_distribution_values_inside_stand_for_themselves():
    values = np.linspace(-1.28, 1.28, 41)
    assert deviates_of(np.tile(NORMAL, (41, 1)), values) == pytest.approx(values)


def test_beyond_the_outer_quantiles_tails_are_a_little_heavier_than_normal():
    found = values_of(NORMAL, np.array([-3.0, 3.0]))
    assert found[0] == pytest.approx(-found[1])
    assert 3.0 < found[1] < 4.0


def test_the_median_stands_for_0_and_the_quantile_0_9_for_its_normal_number():
    levels = np.array([1.0, 2, 3, 4, 6, 10, 20, 40, 80])
    assert deviates_of(levels, np.array(6.0)) == pytest.approx(0.0)
    assert deviates_of(levels, np.array(80.0)) == pytest.approx(NormalDist().inv_cdf(0.9))


def test_a_missing_value_stays_missing():
    assert np.isnan(deviates_of(NORMAL, np.array(np.nan)))


def test_equal_quantiles_keep_their_order():
    found = values_of(np.zeros(9), np.linspace(-3, 3, 7))
    assert (np.diff(found) >= 0).all()
    assert found == pytest.approx(0.0, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.float64, 9, elements=st.floats(-1e6, 1e6)),
    arrays(np.float64, 5, elements=st.floats(-4, 4)),
)
def test_values_of_rising_numbers_rise(levels, deviates):
    found = values_of(np.sort(levels), np.sort(deviates))
    assert np.isfinite(found).all()
    assert (np.diff(found) >= -1e-9 * np.abs(levels).max()).all()


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, 9, elements=st.floats(0.01, 100)), st.floats(-4, 4))
def test_a_value_and_its_normal_number_lead_back_to_each_other(steps, deviate):
    levels = steps.cumsum()
    assert deviates_of(levels, values_of(levels, np.array(deviate))) == pytest.approx(deviate, abs=1e-6)
