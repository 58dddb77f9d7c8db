import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data.windows import last_contexts, windows
from ostinato.errors import ConfigError, DataError

SERIES = st.lists(st.lists(st.integers(-9, 9).map(float) | st.just(float("nan")), max_size=12), max_size=3)


def by_hand(series, context, horizon, stride, least):
    """Every window, looped over its steps: (number, start, past, future)."""
    found = []
    for number, values in enumerate(series):
        starts = range(least, len(values) - horizon + 1)
        for start in [start for start in starts if (starts[-1] - start) % stride == 0]:
            past = [values[step] if step >= 0 else np.nan for step in range(start - context, start)]
            future = values[start : start + horizon]
            if not np.isnan(past).all() and not np.isnan(future).all():
                found.append((number, start, past, future))
    return found


@settings(max_examples=80, deadline=None)
@given(
    series=SERIES,
    context=st.integers(1, 5),
    horizon=st.integers(1, 3),
    stride=st.integers(1, 3),
    data=st.data(),
)
def test_windows_are_those_cut_by_hand(series, context, horizon, stride, data):
    least = data.draw(st.integers(1, context))
    cut = windows(series, context=context, horizon=horizon, stride=stride, min_context=least)
    expected = by_hand(series, context, horizon, stride, least)
    assert list(zip(cut.series, cut.start, strict=True)) == [
        (number, start) for number, start, _, _ in expected
    ]
    assert cut.inputs.shape == cut.observed.shape == (len(expected), context)
    assert cut.targets.shape == cut.mask.shape == (len(expected), horizon)
    for row, (_, _, past, future) in enumerate(expected):
        np.testing.assert_array_equal(cut.inputs[row], np.nan_to_num(past))
        np.testing.assert_array_equal(cut.observed[row], ~np.isnan(past))
        np.testing.assert_array_equal(cut.targets[row], np.nan_to_num(future))
        np.testing.assert_array_equal(cut.mask[row], ~np.isnan(future))


def test_a_short_series_is_padded_on_the_left():
    cut = windows([[1.0, 2.0]], context=3, horizon=1, min_context=1)
    assert cut.inputs.tolist() == [[0.0, 0.0, 1.0]]
    assert cut.observed.tolist() == [[False, False, True]]
    assert cut.targets.tolist() == [[2.0]]


def test_last_contexts_end_with_the_series():
    inputs, observed = last_contexts([[1.0, 2.0, 3.0], [4.0], [np.nan, 5.0], []], context=2)
    assert inputs.tolist() == [[2.0, 3.0], [0.0, 4.0], [0.0, 5.0], [0.0, 0.0]]
    assert observed.tolist() == [[True, True], [False, True], [False, True], [False, False]]


def test_the_latest_windows_of_each_series_are_marked():
    cut = windows([np.arange(11.0), np.arange(6.0)], context=1, horizon=1)
    late = cut.select(cut.latest(0.2))
    assert list(zip(late.series.tolist(), late.start.tolist(), strict=True)) == [(0, 9), (0, 10), (1, 5)]
    assert not cut.latest(0).any()


@pytest.mark.parametrize(
    ("count", "fraction", "held_out"), [(124, 0.1, 13), (10, 0.1, 1), (1, 0.2, 0), (3, 0.99, 2)]
)
def test_a_part_of_a_window_is_held_out_whole_but_one_window_stays(count, fraction, held_out):
    # Of the textbook's 124 training windows Keras trains on int(0.9 * 124) = 111.
    cut = windows([np.arange(count + 1.0)], context=1, horizon=1)
    assert int(cut.latest(fraction).sum()) == held_out


def test_cutting_windows_does_not_import_torch():
    code = "import sys, ostinato.data.windows, ostinato.data.scaling; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: windows([[1.0]], context=0, horizon=1), ConfigError, "context is 0, horizon 1, stride 1"),
        (
            lambda: windows([[1.0]], context=2, horizon=1, min_context=3),
            ConfigError,
            "min_context at most the context",
        ),
        (
            lambda: windows([[[1.0]]], context=1, horizon=1),
            DataError,
            r"series 0 has the shape \(1, 1\); give one row",
        ),
        (
            lambda: windows([[1.0, np.inf]], context=1, horizon=1),
            DataError,
            "series 0 is infinite at step 1; mark it",
        ),
        (lambda: last_contexts([[1.0]], context=0), ConfigError, "context is 0; use at least 1"),
        (
            lambda: windows([[1.0, 2.0]], context=1, horizon=1).latest(1.0),
            ConfigError,
            "the validation fraction is 1.0; use 0 or more and less than 1",
        ),
    ],
)
def test_what_cannot_be_cut_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
