import numpy as np
import pytest

from ostinato import synthetic


def drawn(family, **keywords):
    return family(300, 200, season_length=keywords.get("season_length", 12), rng=np.random.default_rng(0))


def test_trend_season_is_never_negative():
    assert drawn(synthetic.trend_season).min() >= 0


def test_some_calendars_have_closed_days():
    series = drawn(synthetic.trend_season, season_length=7)
    closed = (series[:, :196].reshape(300, 28, 7) == 0).all(axis=1).any(axis=1)
    assert 0.01 < closed.mean() < 0.3


@pytest.mark.parametrize(
    "family", [synthetic.exponential_smoothing, synthetic.local_level, synthetic.local_trend]
)
def test_most_series_of_business_families_are_positive(family):
    assert (drawn(family).min(axis=1) > 0).mean() > 0.5


def test_local_trends_mostly_grow():
    series = drawn(synthetic.local_trend, season_length=1)
    assert (series[:, -1] > series[:, 0]).mean() > 0.55


def test_no_local_trend_grows_beyond_bounds():
    series = synthetic.local_trend(300, 640, season_length=12, rng=np.random.default_rng(1))
    assert series.max() < 1e9


def test_seasonal_arima_without_integration_stays_in_range():
    series = drawn(synthetic.seasonal_arima)
    spread = np.abs(series - series.mean(axis=1, keepdims=True)).max(axis=1) / series.std(axis=1)
    assert np.median(spread) < 6
