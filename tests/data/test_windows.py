"""Windows: what is cut where, and how they are counted, held out and spread."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data.windows import Share, Store, cut
from ostinato.errors import ConfigError, DataError

lengths = st.lists(st.integers(1, 30), min_size=1, max_size=6)


@given(lengths, st.integers(1, 6), st.integers(1, 4), st.integers(1, 6))
def test_every_window_is_the_slice_of_its_series(sizes, context, horizon, least):
    least = min(least, context)
    series = [100.0 * number + np.arange(size) for number, size in enumerate(sizes)]
    share = Share.of_all(np.array(sizes), least=least, horizon=horizon)
    owners, origins = share.places(np.arange(share.total))
    found = cut(Store.of(series), owners, origins, context=context, horizon=horizon)
    expected = [
        (number, origin) for number, size in enumerate(sizes) for origin in range(least, size - horizon + 1)
    ]
    assert list(zip(owners.tolist(), origins.tolist(), strict=True)) == expected
    for row, (number, origin) in enumerate(expected):
        past = series[number][max(0, origin - context) : origin]
        assert found.inputs[row][found.observed[row]].tolist() == past.tolist()
        assert found.observed[row].tolist() == [False] * (context - len(past)) + [True] * len(past)
        assert found.targets[row].tolist() == series[number][origin : origin + horizon].tolist()


def test_missing_values_are_zero_and_masked():
    found = cut(Store.of([[1, np.nan, 3, np.nan]]), np.array([0]), np.array([2]), context=2, horizon=2)
    assert (found.inputs.tolist(), found.observed.tolist()) == ([[1, 0]], [[True, False]])
    assert (found.targets.tolist(), found.mask.tolist()) == ([[3, 0]], [[True, False]])


def test_covariates_reach_over_the_horizon_and_not_over_the_end():
    store = Store.of([[1, 2, 3], [4, 5]], np.arange(10, dtype=np.float32).reshape(5, 2))
    found = cut(store, np.array([0, 1]), np.array([2, 2]), context=1, horizon=2)
    np.testing.assert_array_equal(found.covariates[0], [[2, 3], [4, 5], [np.nan] * 2])
    np.testing.assert_array_equal(found.covariates[1], [[8, 9], [np.nan] * 2, [np.nan] * 2])


def test_a_series_without_rows_has_windows_of_padding():
    found = cut(Store.of([[]]), np.array([0]), np.array([0]), context=2, horizon=0)
    assert found.observed.tolist() == [[False, False]]


@given(lengths, st.floats(0, 0.99))
def test_the_latest_windows_are_held_out_and_one_stays(sizes, fraction):
    share = Share.of_all(np.array(sizes), least=1, horizon=1)
    stay, held_out = share.split(fraction)
    assert (stay.count + held_out.count).tolist() == share.count.tolist()
    assert (stay.count >= np.minimum(share.count, 1)).all()
    assert held_out.first.tolist() == stay.count.tolist()
    assert (
        held_out.count.tolist()
        == np.minimum(np.ceil(share.count * fraction - 1e-9), np.maximum(share.count - 1, 0)).tolist()
    )


def test_few_windows_are_all_taken_and_many_are_spread_evenly():
    share = Share.of_all(np.array([1001]), least=1, horizon=1)
    assert share.spread(1000).tolist() == list(range(1000))
    assert share.spread(10).tolist() == list(range(50, 1000, 100))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: Store.of([[1.0], [2.0, np.inf]]),
            DataError,
            "series 1 is infinite at step 1; mark it as missing",
        ),
        (
            lambda: cut(Store.of([[1.0]]), np.array([0]), np.array([0]), context=0, horizon=1),
            ConfigError,
            "context is 0 and horizon 1; use at least 1 and 0",
        ),
        (
            lambda: Share.of_all(np.array([3]), least=1, horizon=1).split(1.0),
            ConfigError,
            "the validation fraction is 1.0; use 0 or more and less than 1",
        ),
    ],
)
def test_what_cannot_be_cut_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_torch_is_not_imported():
    code = "import sys, ostinato.data.windows, ostinato.data.scaling; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
