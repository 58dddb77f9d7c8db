import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.synthetic import generate
from ostinato.tasks.pretrained import values as pretrained_values


def seasonal(length=60, seed=0):
    time = np.arange(length)
    noise = np.random.default_rng(seed).standard_normal(length)
    return 100 + time / 2 + 10 * np.sin(2 * np.pi * time / 12) + noise


def run(values, h=5, season_length=1, long_season=0):
    values = np.asarray(values, dtype=float)
    starts, ends = np.array([0]), np.array([len(values)])
    return pretrained_values.forecast_values(
        values, starts, ends, h, season_length=season_length, long_season=long_season
    )[0]


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 13, 32, 33, 64, 65, 200, 600])
@pytest.mark.parametrize(("season", "long"), [(1, 0), (12, 0), (24, 168), (1, 52), (400, 0)])
def test_any_length_gives_finite_increasing_quantiles(length, season, long):
    values = np.random.default_rng(length).standard_normal(length).cumsum()
    found = run(values, 30, season, long)
    assert found.shape == (30, 9)
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=1) >= 0).all()


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(st.none(), st.floats(-1e12, 1e12), st.integers(0, 3).map(float)), min_size=1, max_size=70
    ).filter(lambda values: any(value is not None for value in values)),
    st.sampled_from([1, 4, 12]),
)
def test_no_input_breaks_it(values, season):
    found = run([np.nan if value is None else value for value in values], 7, season)
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=1) >= 0).all()


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0, 1e9])
def test_a_constant_series_stays_constant(value):
    np.testing.assert_allclose(run([value] * 40)[:, 4], value, rtol=1e-2, atol=1e-6)


@pytest.mark.parametrize("level", [1e4, 1e8, -1e8])
def test_small_movements_on_a_high_level_are_not_lost(level):
    movements = np.sin(np.arange(60) * np.pi / 6)
    found = run(level + movements, 6, 12)[:, 4] - level
    np.testing.assert_allclose(found, np.sin((60 + np.arange(6)) * np.pi / 6), atol=0.3)


def test_positive_series_stay_positive_and_counts_never_fall_below_zero():
    falling = np.linspace(100, 1, 50)
    assert run(falling, 60).min() > 0
    counts = np.random.default_rng(0).poisson(0.3, 80)
    assert run(counts, 24, 12).min() >= 0


def test_the_quantiles_of_counts_with_zeros_are_whole_numbers():
    counts = np.random.default_rng(0).poisson(0.6, 80)
    found = run(counts, 12, 12)
    np.testing.assert_array_equal(found, np.rint(found))


def test_other_whole_numbers_keep_their_fractions():
    found = run(np.random.default_rng(0).poisson(9, 80) + 1, 12, 12)
    assert not np.array_equal(found, np.rint(found))


@pytest.mark.parametrize("factor", [1e-3, 1e5])
def test_the_unit_of_measurement_does_not_matter(factor):
    np.testing.assert_allclose(run(seasonal() * factor, 6, 12), run(seasonal(), 6, 12) * factor, rtol=2e-3)


def test_missing_values_are_passed_over():
    values = seasonal()
    values[[5, 20, 21, 59]] = np.nan
    found = run(values, 6, 12)[:, 4]
    np.testing.assert_allclose(found, run(seasonal(), 6, 12)[:, 4], rtol=0.1)


def test_a_clear_season_is_carried_on():
    time = np.arange(132)
    truth = 100 + 10 * np.sin(2 * np.pi * time / 12)
    assert np.abs(run(truth[:120], 12, 12)[:, 4] - truth[120:]).mean() < 1.0


def test_it_beats_seasonal_naive_on_series_it_never_saw():
    series = generate(400, 78, season_length=12, seed=2**40)
    real = np.isfinite(series).all(axis=1)
    past, future = series[real, :66], series[real, 66:]
    ends = np.arange(1, len(past) + 1) * 66
    found = pretrained_values.forecast_values(
        past.astype(float).reshape(-1), ends - 66, ends, 12, season_length=12
    )
    scale = np.abs(past[:, 12:] - past[:, :-12]).mean(axis=1) + 1e-9
    errors = np.abs(found[:, :, 4] - future).mean(axis=1) / scale
    naive = np.abs(past[:, -12:] - future).mean(axis=1) / scale
    assert np.median(errors) < 0.85 * np.median(naive)


@pytest.mark.data
def test_milk_is_forecast_far_better_than_by_seasonal_naive(shared_data):
    values = pd.read_parquet(shared_data / "milk" / "milk.parquet")["y"].to_numpy()
    errors = []
    for end in range(72, 168, 12):
        scale = np.abs(values[12:end] - values[: end - 12]).mean()
        errors.append(np.abs(run(values[:end], 12, 12)[:, 4] - values[end : end + 12]).mean() / scale)
    assert np.mean(errors) < 0.75  # seasonal naive 0.899
