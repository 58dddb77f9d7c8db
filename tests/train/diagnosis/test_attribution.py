import numpy as np
import pytest
import torch
from torch import nn

from ostinato.errors import ConfigError
from ostinato.nn import GRU, LSTM
from ostinato.train.diagnosis.attribution import integrated_gradients


class Answer(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(8, 2)

    def forward(self, inputs):
        return self.head(self.dropout(self.layer(inputs)[0]))


@pytest.mark.parametrize(
    "layer", [LSTM(2, 8, batch_first=True), nn.GRU(2, 8, batch_first=True)], ids=["ours", "torch"]
)
@pytest.mark.parametrize("base", [None, 0.5])
def test_attributions_sum_to_the_change_of_the_answer(layer, base):
    torch.manual_seed(0)
    model, inputs = Answer(layer), torch.randn(3, 9, 2)
    baseline = None if base is None else torch.tensor(base)
    found = integrated_gradients(model, inputs, baseline=baseline, points=100)
    with torch.no_grad():
        start = torch.zeros_like(inputs) if base is None else torch.full_like(inputs, base)
        change = [model.eval()(end)[:, -1, 0] for end in (inputs, start)]
    np.testing.assert_allclose(found.change, (change[0] - change[1]).numpy(), atol=1e-6)
    np.testing.assert_allclose(found.values.sum(axis=(1, 2)), found.change, atol=1e-4)
    assert found.gap < 1e-4


def test_a_linear_answer_is_attributed_exactly():
    inputs, weights = torch.randn(4, 5, 2), torch.randn(5, 2)
    model = GRU(2, 8, batch_first=True)
    found = integrated_gradients(model, inputs, answer=lambda _, x: (x * weights).sum(dim=(1, 2)), points=1)
    np.testing.assert_allclose(found.values, (inputs * weights).numpy(), rtol=1e-5)


def test_lags_count_from_the_last_step():
    inputs = torch.ones(2, 4, 1)
    found = integrated_gradients(nn.Identity(), inputs, answer=lambda _, x: 3 * x[:, 2, 0], points=1)
    np.testing.assert_allclose(found.by_lag(), [0.0, 3.0, 0.0, 0.0])


def test_the_model_is_left_as_it_was():
    model = Answer(LSTM(2, 8, batch_first=True)).train()
    random = torch.get_rng_state()
    integrated_gradients(model, torch.ones(2, 4, 2))
    assert model.dropout.training
    assert torch.equal(random, torch.get_rng_state())
    assert all(weight.grad is None for weight in model.parameters())


def test_no_points_are_refused():
    with pytest.raises(ConfigError, match="points is 0; use at least 1, such as 64"):
        integrated_gradients(nn.Identity(), torch.ones(1, 2, 1), points=0)


def test_an_answer_must_be_one_number_a_row():
    with pytest.raises(
        ConfigError, match=r"the answer has the shape \(3, 4\) for 3 rows; return one number a row"
    ):
        integrated_gradients(nn.Identity(), torch.ones(3, 4, 1), answer=lambda _, x: x[..., 0])
