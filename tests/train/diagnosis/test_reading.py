import pytest
import torch
from torch import nn

from ostinato.data.batch import Batch
from ostinato.errors import ConfigError
from ostinato.nn import GRU, LAYERS, LSTM, RNN
from ostinato.train.diagnosis.reading import default_loss, read_model


class Network(nn.Module):
    """Two recurrent layers of either library, dropout and an answer."""

    def __init__(self):
        super().__init__()
        self.first = GRU(2, 4, batch_first=True)
        self.second = nn.LSTM(4, 5, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.answer = nn.Linear(5, 1)

    def forward(self, inputs):
        return self.answer(self.dropout(self.second(self.first(inputs)[0])[0][:, -1]))


def test_every_layer_is_read_in_the_order_it_ran():
    reading = read_model(Network(), torch.randn(3, 7, 2))
    assert [(layer.name, layer.cell, layer.hidden_size, layer.steps) for layer in reading.layers] == [
        ("first.l0", "GRU", 4, 7),
        ("second.l0", "LSTM", 5, 7),
    ]


@pytest.mark.parametrize("name", LAYERS)
def test_every_kind_of_layer_is_read_as_it_runs(name):
    model, inputs = LAYERS[name](3, 5, 2, batch_first=True).eval(), torch.randn(4, 6, 3)
    reading = read_model(model, inputs)
    assert reading.loss == pytest.approx(0.5 * model(inputs)[0].square().mean().item(), rel=1e-5)
    assert len(reading.layers) == 2
    assert all(layer.gradients.memory is not None for layer in reading.layers)
    assert all(len(layer.jacobians.lags) == 4 for layer in reading.layers)


def test_a_model_is_left_as_it_was():
    model = Network().train()
    model.answer.eval()
    model(torch.randn(3, 7, 2)).sum().backward()
    before = [weight.grad.clone() for weight in model.parameters()]
    weights = [weight.detach().clone() for weight in model.parameters()]
    random = torch.get_rng_state()
    read_model(model, torch.randn(3, 7, 2, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(random, torch.get_rng_state())
    for weight, gradient, value in zip(model.parameters(), before, weights, strict=True):
        assert torch.equal(weight.grad, gradient)
        assert torch.equal(weight, value)
    assert (model.training, model.dropout.training, model.answer.training) == (True, True, False)


def test_it_reads_without_dropout():
    model, inputs = Network(), torch.randn(3, 7, 2)
    assert read_model(model, inputs).loss == read_model(model, inputs).loss


@pytest.mark.parametrize("given", ["pair", "batch"])
def test_targets_are_compared_with_the_answer(given):
    model, inputs, targets = Network().eval(), torch.randn(3, 7, 2), torch.randn(3, 1)
    examples = (inputs, targets) if given == "pair" else Batch(inputs, targets)
    expected = nn.functional.mse_loss(model(inputs), targets).item()
    assert read_model(model, examples).loss == pytest.approx(expected)


def test_classes_are_compared_by_cross_entropy():
    model = nn.RNN(2, 4, batch_first=True)
    inputs, classes = torch.randn(3, 7, 2), torch.randint(0, 4, (3, 7))
    expected = nn.functional.cross_entropy(model(inputs)[0].transpose(1, 2), classes)
    torch.testing.assert_close(default_loss(model, (inputs, classes)), expected)


def test_targets_that_are_masked_do_not_count():
    model, inputs, targets = GRU(2, 1, batch_first=True), torch.randn(3, 7, 2), torch.randn(3, 7, 1)
    mask = torch.zeros(3, 7, 1, dtype=torch.bool)
    mask[:, 4] = True
    reading = read_model(model, Batch(inputs, targets, mask))
    assert len(reading.layers[0].gradients.by_lag) == 5


def test_the_longest_call_of_a_layer_is_read():
    layer = LSTM(2, 4, batch_first=True)

    def loss(model, inputs):
        outputs, state = model(inputs)
        return outputs.sum() + model(inputs[:, :2], state)[0].sum()

    (reading,) = read_model(layer, torch.randn(3, 7, 2), loss).layers
    assert reading.steps == 7


@pytest.mark.parametrize(
    ("model", "loss", "message"),
    [
        (nn.Linear(2, 1), None, "Linear has no recurrent layer; give a model with an RNN"),
        (RNN(2, 3), lambda model, x: x.sum(), "the loss ran none of the model's recurrent layers"),
        (
            RNN(2, 3),
            lambda model, x: model(x)[0],
            r"the loss is \(4, 5, 3\), not a scalar tensor; return its mean",
        ),
        (RNN(2, 3), lambda model, x: model(x)[0].sum().item(), "the loss is float, not a scalar tensor"),
        (
            RNN(2, 3),
            lambda model, x: model(x)[0].sum().detach(),
            "the loss has no gradient; return it without detach",
        ),
        (
            RNN(2, 3),
            lambda model, x: model(x)[0].sum() * float("nan"),
            "the loss of the batch is nan; look for",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused(model, loss, message):
    with pytest.raises(ConfigError, match=message):
        read_model(model, torch.randn(4, 5, 2), loss)


def test_a_batch_without_steps_is_refused():
    with pytest.raises(ConfigError, match="GRU was given a batch without steps; give at least one"):
        read_model(GRU(2, 3, batch_first=True), torch.zeros(4, 0, 2))


def test_a_batch_without_rows_is_refused():
    with pytest.raises(ConfigError, match="the loss of the batch is nan"):
        read_model(GRU(2, 3, batch_first=True), torch.zeros(0, 4, 2))


def test_a_model_without_a_tensor_to_judge_is_refused():
    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = RNN(2, 3)

        def forward(self, inputs):
            return str(self.layer(inputs)[0].sum().item())

    with pytest.raises(
        ConfigError, match="the model returns str, not a tensor; pass loss=lambda model, batch"
    ):
        read_model(Text(), torch.randn(4, 5, 2))
