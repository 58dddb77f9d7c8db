import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from ostinato.errors import ConfigError
from ostinato.kernels.stepper import Stepper

TORCH = {"rnn_tanh": torch.nn.RNN, "rnn_relu": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
KINDS = pytest.mark.parametrize("kind", TORCH)
PATHS = pytest.mark.parametrize("path", ["", "torch"])  # the kernels, and NumPy where there are none


def torch_layer(kind, features, hidden, layers):
    options = {"nonlinearity": "relu"} if kind == "rnn_relu" else {}
    return TORCH[kind](features, hidden, layers, batch_first=True, **options)


def arrays(layer):
    return [weight.detach().numpy() for weight in layer.parameters()]


@KINDS
@PATHS
@pytest.mark.parametrize(("batch", "hidden", "layers"), [(1, 5, 1), (3, 16, 2), (70, 7, 1)])
def test_steps_give_the_outputs_and_the_state_of_torchs_layer(kind, path, batch, hidden, layers, monkeypatch):
    monkeypatch.setenv("OSTINATO_ISA", path)
    layer = torch_layer(kind, 3, hidden, layers)
    inputs = torch.randn(batch, 9, 3)
    with torch.no_grad():
        outputs, state = layer(inputs)
    stepper = Stepper(kind, arrays(layer), batch=batch)
    steps = [stepper.step(inputs[:, step].numpy()).copy() for step in range(9)]
    np.testing.assert_allclose(np.stack(steps, axis=1), outputs, atol=1e-5)
    for ours, theirs in zip(stepper.state, state if kind == "lstm" else (state,), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@PATHS
def test_a_state_that_is_written_into_the_stepper_is_where_it_goes_on_from(path, monkeypatch):
    monkeypatch.setenv("OSTINATO_ISA", path)
    weights = arrays(torch_layer("lstm", 2, 4, 1))
    whole, later = Stepper("lstm", weights, batch=2), Stepper("lstm", weights, batch=2)
    inputs = np.random.default_rng(0).normal(size=(6, 2, 2)).astype(np.float32)
    for x in inputs[:3]:
        whole.step(x)
    for ours, theirs in zip(later.state, whole.state, strict=True):
        ours[:] = theirs
    for x in inputs[3:]:
        assert np.array_equal(whole.step(x), later.step(x))


@PATHS
@pytest.mark.parametrize("again", [copy.deepcopy, lambda stepper: pickle.loads(pickle.dumps(stepper))])
def test_a_copy_goes_on_by_itself(path, again, monkeypatch):
    monkeypatch.setenv("OSTINATO_ISA", path)
    stepper = Stepper("lstm", arrays(torch_layer("lstm", 2, 4, 1)), batch=1)
    x = np.ones((1, 2), dtype=np.float32)
    first = stepper.step(x).copy()
    other = again(stepper)
    second = stepper.step(x).copy()
    assert np.array_equal(other.step(x), second)
    assert not np.array_equal(first, second)
    other.step(x)
    assert np.array_equal(stepper.step(x), again(other).state[0][0])


@PATHS
def test_weights_may_change_after_a_stepper_was_made_of_them(path, monkeypatch):
    monkeypatch.setenv("OSTINATO_ISA", path)
    weights = arrays(torch_layer("gru", 2, 4, 1))
    copies = [weight.copy() for weight in weights]
    stepper, other = Stepper("gru", copies, batch=1), Stepper("gru", weights, batch=1)
    for weight in copies:
        weight[:] = 0
    x = np.ones((1, 2), dtype=np.float32)
    assert np.array_equal(stepper.step(x), other.step(x))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("slstm", [], 1), "kind is 'slstm'; use one of rnn_tanh, rnn_relu, lstm, gru"),
        (("gru", [], 1), "there are 0 weights for a batch of 1; use 4 for each layer, and at least 1 row"),
        (
            ("gru", [np.zeros((3, 1)), np.zeros((3, 1)), np.zeros(3), np.zeros(3)], 0),
            "for a batch of 0; use 4",
        ),
        (
            ("gru", [np.zeros((3, 1)), np.zeros((3, 1)), np.zeros(3), np.zeros(4)], 1),
            "the weights of layer 0 have",
        ),
    ],
)
def test_what_the_kernels_cannot_check_is_refused(arguments, message):
    kind, weights, batch = arguments
    with pytest.raises(ConfigError, match=message):
        Stepper(kind, weights, batch=batch)


def test_a_stepper_does_not_import_torch():
    code = (
        "import sys, numpy as np; from ostinato.kernels.stepper import Stepper; "
        "w = [np.zeros((12, 2)), np.zeros((12, 3)), np.zeros(12), np.zeros(12)]; "
        "Stepper('lstm', w, batch=2).step(np.ones((2, 2))); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
