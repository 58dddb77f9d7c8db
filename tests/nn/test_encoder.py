import pytest
import torch

from ostinato.errors import ConfigError
from ostinato.nn import Embedding, Encoder
from ostinato.nn.recurrent import LAYERS


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_outputs_and_state_are_those_of_torchs_layers(cell, bidirectional):
    torch.manual_seed(0)
    encoder = Encoder(3, 4, cell=cell, num_layers=2, bidirectional=bidirectional).eval()
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[cell]
    theirs = kind(3, 4, num_layers=2, batch_first=True, bidirectional=bidirectional)
    weights = {}
    for number, layer in enumerate(encoder.layers):
        weights |= {name.replace("l0", f"l{number}"): value for name, value in layer.state_dict().items()}
    theirs.load_state_dict(weights)
    inputs = torch.randn(2, 6, 3)
    outputs, state = encoder(inputs)
    expected, last = theirs(inputs)
    assert torch.allclose(outputs, expected, atol=1e-5)
    for part, true in zip(state, last if cell == "lstm" else (last,), strict=True):
        assert torch.allclose(part, true, atol=1e-5)


@pytest.mark.parametrize("cell", LAYERS)
def test_every_cell_goes_on_from_its_state(cell):
    encoder = Encoder(3, 4, cell=cell, num_layers=2, bidirectional=False).eval()
    inputs = torch.randn(2, 6, 3)
    whole, _ = encoder(inputs)
    first, state = encoder(inputs[:, :4])
    second, _ = encoder(inputs[:, 4:], state=state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)


def test_a_state_that_is_given_back_goes_on():
    encoder = Encoder(3, 4, num_layers=2, bidirectional=False).eval()
    inputs = torch.randn(2, 7, 3)
    whole, _ = encoder(inputs)
    _, state = encoder(inputs[:, :4])
    rest, _ = encoder(inputs[:, 4:], state=state)
    assert torch.allclose(rest, whole[:, 4:], atol=1e-5)


def test_padding_changes_nothing():
    encoder = Encoder(3, 4, num_layers=2).eval()
    inputs = torch.randn(2, 5, 3)
    padded = torch.cat([inputs, torch.full((2, 4, 3), 9.0)], dim=1)
    outputs, state = encoder(padded, torch.tensor([5, 5]))
    expected, last = encoder(inputs)
    assert torch.allclose(outputs[:, :5], expected, atol=1e-6)
    assert outputs[:, 5:].abs().sum() == 0
    assert all(torch.allclose(part, true, atol=1e-6) for part, true in zip(state, last, strict=True))


def test_tokens_are_embedded():
    encoder = Encoder(3, 4, embedding=Embedding(6, 3)).eval()
    tokens = torch.tensor([[2, 5, 1]])
    vectors = encoder.embedding.weight[tokens]
    assert torch.allclose(encoder(tokens)[0], encoder.layers[0](vectors)[0])
    assert encoder(tokens)[0].shape == (1, 3, 8)


def test_lstms_begin_with_open_forget_gates():
    biases = Encoder(3, 50).layers[0].bias_ih_l0
    assert biases[50:100].mean() > 0.8
    assert abs(biases[:50].mean()) < 0.2


@pytest.mark.parametrize(
    ("options", "message"),
    [({"cell": "transformer"}, "cell is 'transformer'"), ({"num_layers": 0}, "num_layers is 0")],
)
def test_what_cannot_be_built_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Encoder(3, 4, **options)
