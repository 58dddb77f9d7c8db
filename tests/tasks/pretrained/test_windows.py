import numpy as np

from ostinato.tasks.pretrained import inputs as pretrained_inputs
from ostinato.tasks.pretrained import scaling as pretrained_scaling
from ostinato.tasks.pretrained import windows as pretrained_windows

STEPS = np.arange(1, 7)


def cut(history, future, season=1):
    history, future = np.asarray(history, dtype=np.float32), np.asarray(future, dtype=np.float32)
    return pretrained_windows.cut(history, future, (season, 0), STEPS, patches=8), history, future


def walk(rows=5, length=26):
    return np.random.default_rng(0).standard_normal((rows, length)).cumsum(axis=1) - 100


def test_a_target_turns_back_into_the_future_value():
    series = walk()
    windows, history, future = cut(series[:, :20], series[:, 20:])
    past = pretrained_scaling.prepare(history, 1)
    values = windows.target * past.unit[:, None] + past.adjusted[:, -1:]
    np.testing.assert_allclose(values, future, rtol=1e-5)


def test_unknown_futures_are_not_scored():
    series = walk()
    series[0, 22] = np.nan
    windows, _, _ = cut(series[:, :20], series[:, 20:])
    assert windows.weight[0, 2] == 0
    assert (windows.weight > 0).sum() == 29


def test_a_constant_past_is_not_scored():
    series = walk()
    series[1, :20] = 5
    windows, _, _ = cut(series[:, :20], series[:, 20:])
    assert not windows.weight[1].any()


def test_steps_far_beyond_a_short_past_are_not_scored():
    history = np.full((1, 20), np.nan)
    history[0, -4:] = [-1, -2, -1, -3]
    past = pretrained_windows.cut(
        history.astype(np.float32), np.zeros((1, 2), np.float32), (1, 0), np.array([8, 9]), patches=8
    )
    assert past.weight[0, 0] > 0
    assert past.weight[0, 1] == 0


def test_rows_can_be_taken():
    series = walk()
    windows, _, _ = cut(series[:, :20], series[:, 20:])
    taken = windows.take(np.array([3, 1]))
    np.testing.assert_array_equal(taken.target, windows.target[[3, 1]])
    assert taken.experts.shape == (2, 6, pretrained_inputs.EXPERTS)


def test_windows_of_plain_values_have_no_logarithms():
    history = np.exp(walk() + 100)[:, :20].astype(np.float32)
    future = np.full((5, 6), 2.0, dtype=np.float32)
    windows = pretrained_windows.cut(history, future, (1, 0), STEPS, patches=8, plain=True)
    past = pretrained_scaling.prepare(history, 1, 0, np.zeros(5, dtype=bool))
    values = windows.target * past.unit[:, None] + past.adjusted[:, -1:]
    limited = np.abs(windows.target) > 39
    np.testing.assert_allclose(values[~limited], 2.0, rtol=1e-2)
