import numpy as np

from ostinato.synthetic import economic, steady_growth


def draw(count=400, length=60, season_length=1, seed=0):
    return economic(count, length, season_length=season_length, rng=np.random.default_rng(seed))


def test_most_series_are_positive_and_some_are_not():
    positive = (draw() > 0).all(axis=1).mean()
    assert 0.8 < positive < 0.99


def test_no_series_grows_beyond_a_few_hundred_times():
    series = draw(length=200)
    positive = series[(series > 0).all(axis=1)]
    largest = np.abs(np.log(positive / positive[:, :1])).max(axis=1)
    assert np.median(largest) < 2
    assert np.quantile(largest, 0.8) < 6.1


def test_growth_is_more_frequent_than_decline():
    series = draw(2000)
    assert 0.55 < (series[:, -1] > series[:, 0]).mean() < 0.8


def test_many_series_keep_their_direction():
    steps = np.diff(draw(2000), axis=1)
    share = np.maximum((steps > 0).mean(axis=1), (steps < 0).mean(axis=1))
    assert (share > 0.8).mean() > 0.1  # of random walks none would


def test_a_season_shows_in_most_series():
    series = draw(1000, 48, season_length=4)
    steps = np.diff(series, axis=1)
    likeness = [np.corrcoef(row[4:], row[:-4])[0, 1] for row in steps if row.std() > 0]
    assert np.mean(np.array(likeness) > 0.5) > 0.3


def steady(count=2000, length=60, season_length=1, seed=0):
    return steady_growth(count, length, season_length=season_length, rng=np.random.default_rng(seed))


def test_steady_growth_is_mostly_upwards_and_mostly_positive():
    series = steady()
    assert 0.8 < (series > 0).all(axis=1).mean() < 0.99
    assert 0.55 < (series[:, -1] > series[:, 0]).mean() < 0.75


def test_the_mean_step_of_a_steady_past_tells_the_steps_that_follow():
    series = steady(8000)
    positive = np.log(series[(series > 0).all(axis=1)])
    steps = np.diff(positive, axis=1)
    steps /= np.abs(steps[:, :47]).mean(axis=1, keepdims=True) + 1e-9
    mean, last = steps[:, :47].mean(axis=1), steps[:, 46]
    follows = steps[:, 47:].mean(axis=1)
    by_mean, by_last = np.linalg.lstsq(np.stack([mean, last], axis=1), follows, rcond=None)[0]
    assert 0.7 < by_mean < 1.1
    assert abs(by_last) < 0.1


def test_steady_growth_has_a_season_where_one_is_asked_for():
    steps = np.diff(steady(1000, 48, season_length=4), axis=1)
    likeness = [np.corrcoef(row[4:], row[:-4])[0, 1] for row in steps if row.std() > 0]
    assert np.mean(np.array(likeness) > 0.5) > 0.3
