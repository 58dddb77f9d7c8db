import numpy as np
import pytest
import torch
from torch import nn

from ostinato.errors import ConfigError
from ostinato.report.doctor import (
    gates_figure,
    gradient_figure,
    gradient_lines,
    new_figure,
    watch_figure,
    write_pictures,
)
from ostinato.tasks.doctor import diagnose
from ostinato.train.history import Sighting


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


def test_gradients_that_hardly_fade_are_drawn_over_a_whole_decade():
    axes = new_figure(4, 3).add_subplot()
    gradient_lines(axes, {"flat": [1.0, 0.9, 0.8]})
    assert axes.get_ylim()[0] == 0.1


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


def sightings(curves):
    """Ten looks at a memory that grows by a step each, with curves at some of them."""
    return [
        Sighting(
            place, 10 * place, 1.0, memory=place, by_lag={"l0": [1.0, 0.1 * place]} if place in curves else {}
        )
        for place in range(1, 11)
    ]


def test_the_memory_is_drawn_over_the_updates_and_curves_where_they_were_kept():
    left, right = watch_figure(sightings({1, 10}), season_length=12).axes
    memory, season = left.get_lines()
    np.testing.assert_array_equal(memory.get_xydata(), [[10 * place, place] for place in range(1, 11)])
    assert season.get_label() == "season 12"
    first, last, _ = right.get_lines()
    assert (first.get_label(), last.get_label()) == ("update 10", "update 100")
    np.testing.assert_allclose(first.get_ydata(), [1.0, 0.1])


def test_no_more_than_six_curves_are_drawn_the_first_and_the_last_among_them():
    _, right = watch_figure(sightings(range(1, 11))).axes
    labels = [line.get_label() for line in right.get_lines()]
    assert len(labels) == 6
    assert (labels[0], labels[-1]) == ("update 10", "update 100")


def test_a_training_that_was_not_followed_cannot_be_drawn():
    with pytest.raises(
        ConfigError, match=r"there are no gradients by lag to draw; watch the training with Trai"
    ):
        watch_figure(sightings(()))
    with pytest.raises(ConfigError, match="no layer 'l1' was watched; use one of l0"):
        watch_figure(sightings({1}), layer="l1")
