"""Seasonal adjustment against formulas worked by hand and series whose season is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data.adjustment import SeasonalAdjustment, log_is_favoured, seasonal_indices

MONTHS = np.arange(96)
SEASON = np.sin(2 * np.pi * np.arange(12) / 12)


def test_indices_of_a_noiseless_season_on_a_line_are_exact():
    series = 5 + 0.3 * MONTHS + 7 * SEASON[MONTHS % 12]
    assert seasonal_indices(series, 12) == pytest.approx(7 * SEASON, abs=1e-9)


def test_indices_agree_with_the_classical_decomposition_of_statsmodels_by_hand():
    # Quarters 1 to 4 of a flat trend: with a centred average of 10 the indices are the deviations from it.
    series = np.tile([8.0, 12.0, 13.0, 7.0], 6)
    assert seasonal_indices(series, 4) == pytest.approx([-2.0, 2.0, 3.0, -3.0])


def test_white_noise_has_indices_shrunk_to_nearly_nothing():
    shares = []
    for seed in range(40):
        noise = np.random.default_rng(seed).normal(size=96)
        shares.append(np.abs(seasonal_indices(noise, 12)).mean())
    # Raw means of 8 values would be near 0.8 / sqrt(8) = 0.28 on average.
    assert np.mean(shares) < 0.1


def test_missing_values_are_skipped():
    series = 5 + 0.3 * MONTHS + 7 * SEASON[MONTHS % 12]
    series[[10, 50, 51]] = np.nan
    assert seasonal_indices(series, 12) == pytest.approx(7 * SEASON, abs=0.05)


@pytest.mark.parametrize("length", [0, 1, 12, 23])
def test_fewer_than_two_seasons_give_no_indices(length):
    assert not seasonal_indices(np.arange(length, dtype=float), 12).any()


def test_log_is_chosen_for_growth_in_percent_and_not_for_growth_in_units():
    noise = np.random.default_rng(0).normal(size=96)
    percent = 100 * np.exp(0.03 * MONTHS + 0.3 * SEASON[MONTHS % 12] + 0.02 * noise)
    units = 1000 + 3 * MONTHS + 100 * SEASON[MONTHS % 12] + 5 * noise
    assert log_is_favoured(percent, 12)
    assert not log_is_favoured(units, 12)


@pytest.mark.parametrize("values", [[1.0, 0.0, 3.0] * 10, [-1.0, 2.0] * 10, [5.0] * 20, [1.0, 2.0]])
def test_log_is_never_chosen_without_positive_moving_values(values):
    assert not log_is_favoured(np.array(values), 1)


@given(
    st.lists(st.floats(0.1, 1e6), min_size=1, max_size=60),
    st.integers(1, 13),
    st.integers(0, 40),
    st.booleans(),
)
def test_inverse_undoes_transform(values, season_length, start, log):
    series = np.array(values)
    adjustment = SeasonalAdjustment.fit(series, season_length, log=log)
    back = adjustment.inverse(adjustment.transform(series, start), start)
    assert back == pytest.approx(series, rel=1e-9, abs=1e-6)


def test_a_saved_adjustment_is_the_same():
    series = 100 * 1.01**MONTHS * (1.5 + SEASON[MONTHS % 12])
    adjustment = SeasonalAdjustment.fit(series, 12)
    again = SeasonalAdjustment.from_dict(adjustment.to_dict())
    assert again.log == adjustment.log
    assert again.indices.tolist() == adjustment.indices.tolist()


def test_the_future_does_not_change_the_adjustment_of_the_past():
    series = 5 + 7 * SEASON[MONTHS % 12]
    changed = series.copy()
    changed[60:] = 1e9
    before = SeasonalAdjustment.fit(series[:60], 12)
    after = SeasonalAdjustment.fit(changed[:60], 12)
    assert before.indices.tolist() == after.indices.tolist()
