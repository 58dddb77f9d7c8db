import numpy as np
import pytest

from ostinato.data.channels import Channels, to_series
from ostinato.errors import DataError


def test_gaps_lie_on_a_straight_line_and_ends_go_on():
    nan = float("nan")
    assert to_series([nan, 1.0, nan, nan, 4.0, nan], 0).ravel().tolist() == [1, 1, 2, 3, 4, 4]


def test_a_channel_without_values_becomes_its_mean_in_training():
    lacking = to_series([[float("nan"), 990.0]], 0)
    channels = Channels.fit([lacking, np.array([[1000.0, 990.0], [1010.0, 1010.0], [1020.0, 1010.0]])])
    assert channels.mean == (1010.0, 1000.0)
    assert channels.transform(lacking, 0).tolist() == [[0.0, -1.0]]


def test_a_channel_without_a_value_anywhere_is_zero():
    nothing = to_series([[float("nan"), 1.0], [float("nan"), 3.0]], 0)
    assert Channels.fit([nothing]).transform(nothing, 0).tolist() == [[0.0, -1.0], [0.0, 1.0]]


def test_the_callers_array_stays_as_it_is():
    given = np.array([1.0, float("nan")])
    to_series(given, 0)
    assert np.isnan(given[1])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([["a"]], "series 3 is no array of numbers"),
        (np.zeros((1, 1, 1)), "series 3 has 3 dimensions"),
        ([1.0, float("inf")], "series 3 has an infinite value"),
    ],
)
def test_what_is_no_series_is_refused(values, message):
    with pytest.raises(DataError, match=message):
        to_series(values, 3)


def test_training_series_get_mean_zero_and_deviation_one():
    series = [np.random.default_rng(seed).normal(5, 3, (20, 2)) for seed in range(4)]
    scaled = np.concatenate([Channels.fit(series).transform(values, 0) for values in series])
    assert np.allclose(scaled.mean(axis=0), 0)
    assert np.allclose(scaled.std(axis=0), 1)


def test_a_constant_channel_is_only_shifted():
    assert Channels.fit([np.full((4, 1), 7.0)]).transform(np.array([[8.0]]), 0).tolist() == [[1.0]]


def test_empty_series_do_not_matter():
    assert Channels.fit([np.zeros((0, 1)), np.ones((3, 2))]).transform(np.zeros((0, 1)), 0).shape == (0, 2)


def test_channels_survive_json():
    channels = Channels.fit([np.array([[1.0, 2.0], [3.0, 5.0]])])
    assert Channels.from_dict(channels.to_dict()) == channels


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ([np.ones((2, 1)), np.ones((2, 3))], "series 1 has 3 channels and series 0 has 1"),
        ([np.zeros((0, 1))], "all series are empty"),
    ],
)
def test_mixed_or_empty_training_series_are_refused(series, message):
    with pytest.raises(DataError, match=message):
        Channels.fit(series)


def test_other_channels_than_in_training_are_refused():
    with pytest.raises(DataError, match="series 2 has 3 channels and those in training had 1"):
        Channels.fit([np.ones((2, 1))]).transform(np.ones((2, 3)), 2)
