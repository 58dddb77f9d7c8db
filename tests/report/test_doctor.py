import numpy as np
import pytest
import torch
from torch import nn

from ostinato.errors import ConfigError
from ostinato.report.doctor import gates_figure, gradient_figure, gradient_lines, new_figure, write_pictures
from ostinato.tasks.doctor import diagnose


@pytest.fixture(scope="module")
def diagnosis():
    torch.manual_seed(0)
    return diagnose(nn.LSTM(2, 4, 2, batch_first=True), torch.randn(3, 20, 2), season_length=12)


def test_gradients_are_drawn_by_lag_for_each_layer(diagnosis):
    left, right = gradient_figure(diagnosis).axes
    first, second, season = left.get_lines()
    by_lag = diagnosis.layers[0].gradients.by_lag
    np.testing.assert_allclose(first.get_ydata(), by_lag / by_lag.max())
    assert first.get_label() == f"LSTM.l0, memory {diagnosis.layers[0].gradients.memory}"
    assert second.get_label().startswith("LSTM.l1")
    assert season.get_label() == "season 12"
    np.testing.assert_allclose(right.get_lines()[0].get_ydata(), diagnosis.layers[0].jacobians.largest)


def test_lines_end_where_nothing_is_to_be_seen():
    axes = new_figure(4, 3).add_subplot()
    gradient_lines(axes, {"one": [1.0, 1e-20], "none": [0.0, 0.0]})
    (line,) = axes.get_lines()
    assert line.get_label() == "one"
    assert np.isnan(line.get_ydata()[1])


def test_gates_are_shut_between_and_open(diagnosis):
    (axes,) = gates_figure(diagnosis).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:3] == ["LSTM.l0 input", "LSTM.l0 forget", "LSTM.l0 output"]
    widths = np.array([[bar.get_width() for bar in bars] for bars in axes.containers])
    np.testing.assert_allclose(widths.sum(axis=0), 1.0)


def test_a_layer_without_gates_has_none_to_draw():
    simple = diagnose(nn.RNN(2, 4, batch_first=True), torch.randn(3, 20, 2))
    with pytest.raises(
        ConfigError, match="the layers of this network have no gates to draw; use an LSTM or a GRU"
    ):
        gates_figure(simple)


def test_pictures_are_files(diagnosis, tmp_path):
    paths = write_pictures(diagnosis, tmp_path)
    assert set(paths) == {"gradients", "gates"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths.values())
