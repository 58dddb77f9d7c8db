import numpy as np
import pytest
import torch
from torch import nn

from ostinato.errors import ConfigError
from ostinato.nn import GRU, LSTM, RNN
from ostinato.train.diagnosis.states import Follows, StateView, path, view_states, what_units_follow


def test_views_hold_what_the_layers_held():
    model, inputs = LSTM(2, 4, 2, batch_first=True), torch.randn(3, 6, 2)
    outputs, (_, c) = model(inputs)
    first, second = view_states(model, inputs)
    assert (first.name, first.cell) == ("LSTM.l0", "LSTM")
    np.testing.assert_allclose(first.inputs, inputs.numpy(), rtol=1e-6)
    np.testing.assert_allclose(second.inputs, first.hidden, rtol=1e-6)
    np.testing.assert_allclose(second.hidden, outputs.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(second.memory[:, -1], c[1].detach().numpy(), atol=1e-6)
    assert set(second.gates) == {"input", "forget", "output"}


def test_only_an_lstm_has_a_second_state():
    (view,) = view_states(nn.GRU(2, 4, batch_first=True), torch.randn(3, 6, 2))
    assert view.memory is None
    assert set(view.gates) == {"reset", "update"}
    (view,) = view_states(RNN(2, 4, batch_first=True), torch.randn(3, 6, 2))
    assert view.gates == {}


def test_padding_is_marked():
    model = GRU(2, 4, batch_first=True)
    (view,) = view_states(model, torch.randn(2, 5, 2), lambda model, x: model(x, lengths=[5, 2])[1].sum())
    assert view.real.sum(axis=1).tolist() == [5, 2]


def test_a_path_in_a_plane_is_shown_whole_and_keeps_its_distances():
    random = np.random.default_rng(0)
    flat = random.normal(size=(20, 2))
    basis, _ = np.linalg.qr(random.normal(size=(7, 2)))
    found = path(flat @ basis.T)
    assert found.share == pytest.approx(1.0)
    distances = [np.linalg.norm(each[1:] - each[:-1], axis=1) for each in (flat, found.points)]
    np.testing.assert_allclose(*distances)


def test_the_share_of_a_path_is_that_of_its_two_largest_variances():
    states = np.random.default_rng(1).normal(size=(200, 3)) * [3.0, 2.0, 1.0]
    variances = np.sort(np.linalg.eigvalsh(np.cov(states.T)))
    assert path(states).share == pytest.approx(variances[1:].sum() / variances.sum())


def test_a_state_that_stands_still_has_a_path_of_one_point():
    found = path(np.ones((5, 3)))
    assert not found.points.any()
    assert found.share == 1.0


def test_one_unit_has_a_path_on_a_line():
    assert not path(np.arange(5.0)[:, None]).points[:, 1].any()


def test_a_path_needs_two_steps():
    with pytest.raises(
        ConfigError, match="a path needs at least 2 steps, and there are 1; use a longer series"
    ):
        path(np.ones((1, 3)))


def planted(steps=48, rows=6):
    """Units that follow the input three steps before, the trend, the season, and nothing."""
    random = np.random.default_rng(2)
    inputs = random.normal(size=(rows, steps, 1))
    phases = random.uniform(0, 2 * np.pi, size=(rows, 1))
    hidden = np.stack(
        [
            np.roll(inputs[..., 0], 3, axis=1),
            np.broadcast_to(np.arange(steps) / steps, (rows, steps)),
            np.sin(2 * np.pi * np.arange(steps) / 12 + phases),
            np.zeros((rows, steps)),
        ],
        axis=2,
    )
    return StateView("l0", "GRU", inputs, hidden, None, {}, np.ones((rows, steps), dtype=bool))


def test_what_units_follow_is_found():
    follows = what_units_follow(planted(), lags=10, season_length=12)
    assert follows.strongest() == ["input 3 steps before", "trend", "season", "nothing"]
    assert follows.lags[0, 3] == pytest.approx(1.0)
    assert follows.trend[1] == pytest.approx(1.0)
    assert follows.season[2] == pytest.approx(1.0)


def test_correlations_are_numpys():
    view = planted()
    follows = what_units_follow(view, lags=5)
    expected = np.corrcoef(view.hidden[:, 2:, 2].ravel(), view.inputs[:, :-2, 0].ravel())[0, 1]
    assert follows.lags[2, 2] == pytest.approx(expected)
    assert follows.season is None


def test_lags_end_with_the_series():
    assert what_units_follow(planted(steps=6), lags=24).lags.shape == (4, 6)


def test_a_lag_of_one_is_one_step():
    follows = Follows(np.array([[0.0, 1.0]]), np.zeros(1), None)
    assert follows.strongest() == ["input 1 step before"]
