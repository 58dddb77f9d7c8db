"""Packed weights are kept while the weights stay the same, however they are changed."""

import gc

import pytest
import torch

from ostinato import nn
from ostinato.errors import ConfigError
from ostinato.kernels import native, weights


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return nn.LSTM(3, 8, batch_first=True)


@pytest.fixture
def count_packs(monkeypatch):
    calls = []
    original = native.pack
    monkeypatch.setattr(native, "pack", lambda *arguments: calls.append(1) or original(*arguments))
    return calls


def run(layer):
    with torch.no_grad():
        return layer(torch.ones(2, 4, 3))[0]


def expected(layer):
    other = torch.nn.LSTM(3, 8, batch_first=True)
    other.load_state_dict(layer.state_dict())
    return run(other)


def test_the_same_weights_are_packed_no_more_than_twice(layer, count_packs):
    for _ in range(6):
        run(layer)
    assert len(count_packs) == 2  # the second time they are also fingerprinted


@pytest.mark.parametrize(
    "change",
    [
        lambda weight: weight.add_(0.5),
        lambda weight: weight.data.add_(0.5),
        lambda weight: weight.detach().numpy().__iadd__(0.5),
        lambda weight: weight.data.copy_(weight.data.flip(0)),
        lambda weight: setattr(weight, "data", weight.data + 0.5),
    ],
    ids=["in place", "through data", "through numpy", "rows swapped", "new data"],
)
@pytest.mark.parametrize("name", ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"])
def test_changed_weights_are_packed_again(layer, change, name):
    for _ in range(3):
        run(layer)
    with torch.no_grad():
        change(getattr(layer, name))
    torch.testing.assert_close(run(layer), expected(layer), atol=1e-6, rtol=0)


def test_packed_weights_go_with_their_owner():
    layer = nn.LSTM(3, 8, batch_first=True)
    run(layer)
    place = (id(layer.weight_ih_l0), False)
    assert place in weights._kept
    del layer
    gc.collect()
    assert place not in weights._kept


def test_weights_of_the_wrong_shape_are_refused(layer):
    layer.weight_hh_l0.data = torch.zeros(32, 7)
    with pytest.raises(ConfigError, match="this layer needs"):
        run(layer)
