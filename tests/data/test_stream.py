"""One long text in columns: what is read, in which order, and that carried states make pieces equal the whole."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from ostinato.data.stream import Stream
from ostinato.errors import ConfigError, DataError
from ostinato.nn import LSTM
from ostinato.train.config import TrainConfig
from ostinato.train.loop import fit


def test_every_token_but_the_first_is_a_target_once_and_follows_its_input():
    pieces = list(Stream(np.arange(103), columns=4, steps=7, seed=None).epoch(0))
    pairs = [
        (a, b)
        for piece in pieces
        for a, b in zip(piece.inputs[piece.mask].tolist(), piece.targets[piece.mask].tolist(), strict=True)
    ]
    assert sorted(pairs) == [(number, number + 1) for number in range(102)]


def test_each_row_goes_on_where_it_ended():
    pieces = list(Stream(np.arange(101), columns=4, steps=7, seed=None).epoch(0))
    for before, after in pairwise(pieces):
        assert torch.equal(after.inputs[:, 0], before.targets[:, -1])


def test_only_the_first_piece_of_an_epoch_resets_the_state():
    first, *later = Stream(np.arange(50), columns=2, steps=5, seed=0).epoch(3)
    assert first.first is None
    assert later
    assert not any(bool(piece.first.any()) for piece in later)


def test_epochs_cut_elsewhere_and_always_the_same_way():
    source = Stream(np.arange(1000), columns=2, steps=50, seed=1)
    starts = [int(next(iter(source.epoch(number))).inputs[0, 0]) for number in range(6)]
    assert len(set(starts)) > 2
    assert max(starts) < 50
    assert starts == [int(next(iter(source.epoch(number))).inputs[0, 0]) for number in range(6)]


class Network(nn.Module):
    """A tiny language model."""

    def __init__(self):
        super().__init__()
        self.vectors = nn.Embedding(5, 3)
        self.layer = LSTM(3, 6, num_layers=2, batch_first=True)
        self.scores = nn.Linear(6, 5)

    def forward(self, tokens, state=None):
        hidden, state = self.layer(self.vectors(tokens), state)
        return self.scores(hidden), state

    def loss(self, batch, state):
        scores, state = self(batch.inputs, state)
        return nn.functional.cross_entropy(scores[batch.mask], batch.targets[batch.mask]), state


def test_states_carried_from_piece_to_piece_equal_one_pass_over_the_whole():
    torch.manual_seed(0)
    network, tokens = Network().double(), np.random.default_rng(0).integers(5, size=61)
    (whole,) = Stream(tokens, columns=3, steps=100, seed=None).epoch(0)
    expected, last = network(whole.inputs)
    state, found = None, []
    for piece in Stream(tokens, columns=3, steps=4, seed=None).epoch(0):
        scores, state = network(piece.inputs, state)
        found.append(scores)
    torch.testing.assert_close(torch.cat(found, dim=1), expected)
    torch.testing.assert_close(state, last)


def test_the_training_loop_carries_the_state_over_pieces_and_resets_it_each_epoch():
    torch.manual_seed(0)
    network, starts = Network(), []

    def loss(batch, state):
        starts.append(None if state is None else state[0].clone())
        scalar, state = network.loss(batch, state)
        starts.append(state[0].detach().clone())
        return scalar, state

    fit(
        network,
        Stream(np.arange(41) % 5, columns=2, steps=8, seed=0),
        loss=loss,
        config=TrainConfig(epochs=2),
    )
    given, left = starts[::2], starts[1::2]
    half = len(given) // 2
    assert given[0] is None
    assert given[half] is None
    for place in (*range(1, half), *range(half + 1, len(given))):
        assert torch.equal(given[place], left[place - 1])


def test_validation_in_pieces_equals_the_loss_of_the_whole():
    torch.manual_seed(0)
    network, tokens = Network(), np.random.default_rng(0).integers(5, size=50)
    with torch.no_grad():
        (whole,) = Stream(tokens, columns=2, steps=100, seed=None).epoch(0)
        expected = network.loss(whole, None)[0].item()
    history = fit(
        network,
        Stream(tokens, columns=2, steps=100, seed=None),
        loss=network.loss,
        config=TrainConfig(epochs=1, learning_rate=1e-12),
        validation=Stream(tokens, columns=2, steps=6, seed=None),
    )
    assert history.validation[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("length", [2, 3, 7])
def test_texts_shorter_than_the_columns_are_read_whole(length):
    pieces = list(Stream(np.arange(length), columns=32, steps=128, seed=0).epoch(0))
    assert sum(piece.real for piece in pieces) in range(length // 2, length)


def test_what_cannot_be_a_stream_is_refused():
    with pytest.raises(
        DataError, match="the text has 1 tokens; give at least 2, one to read and one to predict"
    ):
        Stream([3])
    with pytest.raises(ConfigError, match="columns is 0 and steps 5; use at least 1 for both"):
        Stream([1, 2], columns=0, steps=5)
