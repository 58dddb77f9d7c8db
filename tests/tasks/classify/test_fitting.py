from dataclasses import replace

import numpy as np
import pytest
import torch

from ostinato.tasks.classify.fitting import Labelled, Plan, _slices, log_softmax, temperature
from ostinato.tasks.classify.network import ClassifierNetwork, Shape, _ends, in_pieces
from ostinato.tasks.classify.settings import choose

SHAPE = Shape(
    features=3, classes=2, pieces=0, embedding=None, cell="gru", hidden_size=8, num_layers=1, dropout=0.0
)


def plan(members):
    return Plan(SHAPE, members, 5, 2, 16, 1e-3, 0.0, 0.0, 0.0, 0)


@pytest.mark.parametrize("members", [1, 3, 5, 10])
def test_slices_do_not_overlap_and_keep_classes_in_proportion(members):
    targets = np.repeat([0, 1], [300, 100])
    slices = _slices(targets, plan(members))
    places = np.concatenate(slices)
    assert len(set(places.tolist())) == len(places)
    for part in slices:
        assert abs((targets[part] == 1).mean() - 0.25) < 0.05
        assert abs(len(part) - 400 * min(0.15, 1 / members)) <= 2


def test_no_class_is_left_out_as_a_whole():
    targets = np.array([0] * 20 + [1])
    for part in _slices(targets, plan(3)):
        assert 20 not in part


def test_the_temperature_makes_a_given_confidence_true():
    truth = np.repeat([0, 1], [7000, 3000])
    scores = np.log(np.tile([0.99, 0.01], (10_000, 1)))
    power = temperature(scores, truth)
    assert np.exp(log_softmax(scores / power))[0, 0] == pytest.approx(0.7, abs=1e-3)


@pytest.mark.parametrize(("right", "confidence"), [(8, 9 / 10), (98, 99 / 100)])
def test_a_few_right_answers_make_none_certain(right, confidence):
    scores = np.log(np.tile([0.8, 0.2], (right, 1)))
    power = temperature(scores, np.zeros(right, dtype=int))
    assert np.exp(log_softmax(scores / power))[0, 0] == pytest.approx(confidence, abs=1e-4)


def test_the_temperature_is_the_best_on_a_grid():
    rng = np.random.default_rng(0)
    scores, truth = rng.normal(0, 3, (200, 4)), rng.integers(0, 4, 200)
    shares = np.where(np.arange(4) == truth[:, None], 201 / 202, 1 / 606)
    losses = {
        power: -(shares * log_softmax(scores / power)).sum(axis=1).mean()
        for power in np.geomspace(0.05, 20, 400)
    }
    assert temperature(scores, truth) == pytest.approx(min(losses, key=losses.__getitem__), rel=0.02)


def test_without_held_out_sequences_the_temperature_is_one():
    assert temperature(np.zeros((0, 2)), np.zeros(0, dtype=int)) == 1.0


@pytest.mark.parametrize("ends", [False, True])
def test_padding_does_not_change_what_a_network_says(ends):
    torch.manual_seed(0)
    network = ClassifierNetwork(replace(SHAPE, ends=ends)).eval()
    inputs = torch.randn(1, 5, 3)
    padded = torch.cat([inputs, torch.zeros(1, 4, 3)], dim=1)
    alone, longer = network(inputs, torch.tensor([5])), network(padded, torch.tensor([5]))
    assert torch.allclose(alone, longer, atol=1e-6)


def test_the_last_states_are_those_that_the_layers_return():
    network = ClassifierNetwork(replace(SHAPE, ends=True)).eval()
    lengths = torch.tensor([5, 2])
    states, (last,) = network.encoder(torch.randn(2, 5, 3), lengths)
    assert torch.equal(_ends(states, lengths), torch.cat([last[0], last[1]], dim=-1))


@pytest.mark.parametrize("ends", [False, True])
def test_a_sequence_without_steps_is_answered_by_the_bias(ends):
    network = ClassifierNetwork(replace(SHAPE, ends=ends)).eval()
    logits = network(torch.zeros(1, 1, 3), torch.tensor([0]))
    assert torch.allclose(logits[0], network.head.linear.bias)


def test_pieces_hold_the_steps_in_order():
    inputs = torch.arange(12.0).reshape(1, 4, 3)
    pieces, lengths = in_pieces(inputs, torch.tensor([4]), 2)
    assert pieces[0, 1].tolist() == inputs[0, 2:].flatten().tolist()
    assert lengths.tolist() == [2]


class Shown:
    kind, features, pieces = "series", 1, 0


@pytest.mark.parametrize(("length", "piece"), [(20, 1), (64, 1), (150, 3), (1000, 16)])
def test_long_series_are_read_in_pieces(length, piece):
    data = Labelled([np.zeros((length, 1))] * 4, np.array([0, 1, 0, 1]))
    assert choose({}, Shown, data, classes=2, seed=0).shape.piece == piece


def test_few_sequences_are_trained_on_for_more_epochs():
    few, many = (
        choose({}, Shown, Labelled([np.zeros((5, 1))] * count, np.zeros(count, dtype=int)), classes=2, seed=0)
        for count in (50, 5000)
    )
    assert few.epochs > many.epochs
