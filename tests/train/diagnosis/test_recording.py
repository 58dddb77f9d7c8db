import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from ostinato import accelerate
from ostinato.nn import GRU, LSTM, RNN
from ostinato.train.diagnosis.recording import recording

LAYERS = [
    RNN(3, 5, 2, "relu", batch_first=True),
    LSTM(3, 5, 2, batch_first=True, bidirectional=True),
    GRU(3, 5),
    nn.RNN(3, 5, batch_first=True),
    nn.LSTM(3, 5, 2, bidirectional=True, bias=False),
    nn.LSTM(3, 5, proj_size=2),
    nn.GRU(3, 5, 2, batch_first=True),
    accelerate(nn.LSTM(3, 5)),
]


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_a_recorded_layer_gives_its_own_numbers(layer):
    inputs = torch.randn(4, 6, 3)
    expected, state = layer(inputs)
    with recording(layer) as calls:
        outputs, recorded = layer(inputs)
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(recorded, state)
    assert len(calls) == 1
    assert len(calls[0].scans) == layer.num_layers * (2 if layer.bidirectional else 1)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_packed_sequences_are_recorded(layer):
    inputs = torch.randn(4, 6, 3) if layer.batch_first else torch.randn(6, 4, 3)
    packed = pack_padded_sequence(inputs, torch.tensor([6, 2, 4, 1]), layer.batch_first, enforce_sorted=False)
    expected, state = layer(packed)
    with recording(layer) as calls:
        outputs, recorded = layer(packed)
    torch.testing.assert_close(outputs.data, expected.data)
    torch.testing.assert_close(recorded, state)
    assert sorted(calls[0].scans[0].lengths.tolist()) == [1, 2, 4, 6]


def test_a_given_state_is_where_the_recording_starts():
    layer, inputs, start = GRU(3, 5), torch.randn(6, 4, 3), torch.randn(1, 4, 5)
    with recording(layer) as calls:
        outputs, _ = layer(inputs, start)
    torch.testing.assert_close(outputs, layer(inputs, start)[0])
    torch.testing.assert_close(calls[0].scans[0].before()[0][:, 0], start[0])


@pytest.mark.parametrize("reverse", [False, True])
def test_the_state_before_a_step_is_that_after_the_one_it_follows(reverse):
    layer = GRU(3, 5, batch_first=True, bidirectional=True)
    with recording(layer) as calls:
        layer(torch.randn(2, 4, 3))
    scan = calls[0].scans[reverse]
    before, after = scan.before()[0], scan.after()[0]
    if reverse:
        torch.testing.assert_close(before[:, :-1], after[:, 1:])
        assert not before[:, -1].any()
    else:
        torch.testing.assert_close(before[:, 1:], after[:, :-1])
        assert not before[:, 0].any()


def test_layers_are_as_before_after_the_block():
    model = nn.ModuleDict({"ours": LSTM(3, 5), "theirs": nn.GRU(5, 5)})
    attributes = {name: set(vars(module)) for name, module in model.items()}
    with recording(model) as calls:
        model["theirs"](model["ours"](torch.randn(6, 2, 3))[0])
    model["ours"](torch.randn(6, 2, 3))
    assert [call.name for call in calls] == ["ours", "theirs"]
    assert {name: set(vars(module)) for name, module in model.items()} == attributes


def test_layers_with_frozen_weights_carry_the_graph():
    layer = GRU(3, 5).requires_grad_(False)
    with recording(layer) as calls:
        outputs, _ = layer(torch.randn(6, 2, 3))
    assert outputs.requires_grad
    assert torch.autograd.grad(outputs.sum(), calls[0].handles[0])[0].any()


def test_a_model_without_recurrent_layers_leaves_no_calls():
    with recording(nn.Linear(3, 2)) as calls:
        pass
    assert calls == []
