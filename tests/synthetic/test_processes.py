import numpy as np

from ostinato import synthetic


def test_regimes_pull_back_to_their_means():
    series = synthetic.regime_switching(300, 600, season_length=1, rng=np.random.default_rng(0))
    level = series[:, :300].std(axis=1)
    moved = np.abs(series[:, 300:].mean(axis=1) - series[:, :300].mean(axis=1))
    assert np.median(moved / level) < 1.0


def test_gaussian_processes_without_season_or_trend_have_many_shapes():
    series = synthetic.gaussian_process(200, 256, season_length=1, rng=np.random.default_rng(0))
    likeness = np.array([np.corrcoef(row[1:], row[:-1])[0, 1] for row in series])
    assert likeness.min() < 0.5
    assert likeness.max() > 0.95


def test_chaos_and_growth_has_maps_cycles_and_curves():
    series = synthetic.chaos_and_growth(300, 256, season_length=1, rng=np.random.default_rng(0))
    ranks = series.argsort(axis=1).argsort(axis=1)
    trend = np.array([np.corrcoef(row, np.arange(256))[0, 1] for row in ranks])
    assert (np.abs(trend[:100]) < 0.3).mean() > 0.9  # maps
    assert (np.abs(trend[200:]) > 0.6).mean() > 0.6  # growth curves
