"""Recurrent layers on NumPy arrays, against torch's operators."""

import numpy as np
import pytest
import torch

from ostinato.errors import ConfigError
from ostinato.kernels import forward_numpy
from ostinato.kernels.torch_path import run_torch

KINDS = ("rnn_tanh", "rnn_relu", "lstm", "gru")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_numpy_arrays_give_torchs_numbers(isa, kind, seed, make_case):
    case = make_case(seed, kind=kind)
    outputs, state = forward_numpy(
        kind,
        case.inputs.numpy(),
        [weight.numpy() for weight in case.weights],
        state=[part.numpy() for part in case.state],
        lengths=None if case.lengths is None else case.lengths.tolist(),
        num_layers=case.stack.num_layers,
        bidirectional=case.stack.bidirectional,
    )
    exact = case.cast(torch.float64)
    expected, expected_state = run_torch(exact.stack, exact.inputs, exact.state, exact.weights, exact.lengths)
    np.testing.assert_allclose(outputs, expected.detach(), atol=2e-6)
    for part, other in zip(state, expected_state, strict=True):
        np.testing.assert_allclose(part, other.detach(), atol=5e-6)


def test_the_state_is_zeros_where_none_is_given(isa):
    weights = [np.full((4, 2), 0.1), np.full((4, 4), 0.1)]
    inputs = np.ones((3, 5, 2))
    zeros = np.zeros((1, 3, 4))
    given, _ = forward_numpy("rnn_tanh", inputs, weights, state=[zeros])
    assert np.array_equal(forward_numpy("rnn_tanh", inputs, weights)[0], given)
    assert given[0, 0, 0] == pytest.approx(np.tanh(0.2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "qrnn"}, "kind is 'qrnn'; use one of rnn_tanh, rnn_relu, lstm, gru"),
        ({"inputs": np.ones((5, 2))}, r"inputs has the shape \(5, 2\); use \(batch, time, features\)"),
        ({"inputs": np.ones((3, 0, 2))}, "each at least 1"),
        ({"inputs": np.ones((3, 5, 7))}, "the weights of scan 0 have the shapes"),
        ({"num_layers": 2}, "there are 2 weights for 2 scans"),
        ({"state": [np.zeros((1, 2, 4))]}, "state has the shapes"),
        ({"lengths": [6, 1, 1]}, r"lengths is \[6, 1, 1\]; use 3 whole numbers from 0 to 5"),
        ({"lengths": [1, 1]}, "use 3 whole numbers"),
    ],
)
def test_what_does_not_fit_is_refused(isa, changes, message):
    good = {"kind": "rnn_tanh", "inputs": np.ones((3, 5, 2)), "weights": [np.ones((4, 2)), np.ones((4, 4))]}
    with pytest.raises(ConfigError, match=message):
        forward_numpy(**(good | changes))


def test_without_kernels_it_says_what_to_use_instead(monkeypatch):
    monkeypatch.setenv("OSTINATO_ISA", "torch")
    with pytest.raises(ConfigError, match=r"use ostinato\.nn"):
        forward_numpy("rnn_tanh", np.ones((3, 5, 2)), [np.ones((4, 2)), np.ones((4, 4))])
