"""Existing models on the fused kernels: the same numbers, the same objects."""

import copy
import pickle

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

import ostinato
from ostinato.nn.accelerate import FUSED, accelerate, restore

LAYERS = (torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU)


class Model(torch.nn.Module):
    """A model as users write them: a recurrent layer inside a module inside a module."""

    def __init__(self, layer=torch.nn.LSTM, **options):
        super().__init__()
        self.encoder = torch.nn.ModuleDict({"rnn": layer(3, 8, 2, batch_first=True, **options)})
        self.head = torch.nn.Linear(8, 1)

    def forward(self, inputs):
        return self.head(self.encoder["rnn"](inputs)[0])


def train(model, steps=5):
    torch.manual_seed(0)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = model(torch.randn(6, 9, 3)).square().mean()
        loss.backward()
        optimiser.step()
    return loss.detach()


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_every_kind_of_input_gives_torchs_numbers(layer, batch_first, bidirectional):
    theirs = layer(3, 8, 2, batch_first=batch_first, bidirectional=bidirectional)
    ours = accelerate(copy.deepcopy(theirs))
    batch = torch.randn(4, 7, 3) if batch_first else torch.randn(7, 4, 3)
    packed = pack_padded_sequence(batch, [3, 7, 1, 5], batch_first=batch_first, enforce_sorted=False)
    in_order = pack_padded_sequence(batch, [7, 5, 3, 1], batch_first=batch_first)
    for inputs in (batch, torch.randn(7, 3), packed, in_order):
        expected, expected_state = theirs(inputs)
        outputs, state = ours(inputs)
        assert type(outputs) is type(expected)
        torch.testing.assert_close(outputs, expected, atol=1e-6, rtol=0)
        torch.testing.assert_close(state, expected_state, atol=1e-6, rtol=0)
        again, _ = ours(inputs, state)
        torch.testing.assert_close(again, theirs(inputs, expected_state)[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("layer", LAYERS)
def test_training_goes_the_same_way(layer):
    theirs = Model(layer)
    ours = accelerate(copy.deepcopy(theirs))
    torch.testing.assert_close(train(ours), train(theirs), atol=1e-6, rtol=1e-4)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=0)


def test_objects_parameters_and_state_dicts_stay_what_they_were():
    model = Model()
    layer, parameters, keys = model.encoder["rnn"], list(model.parameters()), list(model.state_dict())
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    assert accelerate(model) is model
    assert model.encoder["rnn"] is layer
    assert isinstance(layer, torch.nn.LSTM)
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
    assert list(model.state_dict()) == keys
    model(torch.randn(2, 5, 3)).sum().backward()
    before = layer.weight_hh_l0.detach().clone()
    optimiser.step()
    assert not torch.equal(layer.weight_hh_l0, before)


def test_restore_undoes_it():
    model = accelerate(Model())
    inputs = torch.randn(2, 5, 3)
    fast = model(inputs)
    assert restore(model) is model
    assert type(model.encoder["rnn"]) is torch.nn.LSTM
    torch.testing.assert_close(model(inputs), fast, atol=1e-6, rtol=0)


def test_a_layer_by_itself_and_the_public_names():
    layer = torch.nn.GRU(3, 4)
    assert type(ostinato.accelerate(layer)) is FUSED[torch.nn.GRU]
    assert type(ostinato.restore(layer)) is torch.nn.GRU


def test_accelerated_models_can_be_copied_and_pickled():
    model, inputs = accelerate(Model()), torch.randn(2, 5, 3)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(inputs), model(inputs))


@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")
def test_what_the_kernels_do_not_compute_runs_as_before():
    inputs = torch.randn(2, 5, 3)
    for options, cast in (({"proj_size": 4}, torch.float32), ({}, torch.float64)):
        theirs = torch.nn.LSTM(3, 8, batch_first=True, **options).to(cast)
        ours = accelerate(copy.deepcopy(theirs))
        assert torch.equal(ours(inputs.to(cast))[0], theirs(inputs.to(cast))[0])


def test_subclasses_are_left_alone():
    class Own(torch.nn.LSTM):
        pass

    assert type(accelerate(Own(3, 4))) is Own


@pytest.mark.parametrize("layer", LAYERS)
def test_wrong_shapes_give_torchs_errors(layer):
    ours = accelerate(layer(3, 4))
    with pytest.raises(RuntimeError, match=r"input\.size\(-1\) must be equal to input_size"):
        ours(torch.zeros(2, 3, 5))
    state = torch.zeros(1, 1, 4)
    with pytest.raises(RuntimeError, match="Expected hidden"):
        ours(torch.zeros(2, 3, 3), (state, state) if layer is torch.nn.LSTM else state)


def test_dropout_acts_while_training_only():
    model = accelerate(Model(dropout=0.5))
    inputs = torch.randn(2, 5, 3)
    assert not torch.equal(model(inputs), model(inputs))
    model.eval()
    assert torch.equal(model(inputs), model(inputs))
