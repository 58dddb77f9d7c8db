"""The network of a forecaster, with every cell."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
import torch

import ostinato
from ostinato import Forecaster
from ostinato.evaluate.knots import LEVELS
from ostinato.nn import LAYERS
from ostinato.tasks.forecasting.network import ForecastNetwork, mark_missing
from ostinato.tasks.forecasting.plan import Channels, Plan
from ostinato.tasks.forecasting.recipes import RECIPES


@pytest.mark.parametrize("cell", LAYERS)
def test_a_forecaster_trains_with_every_cell_and_comes_back_from_a_file(quick, cell, monthly, tmp_path):
    forecaster = Forecaster(h=3, cell=cell, random_state=0).fit(monthly)
    forecast = forecaster.predict()["forecast"].to_numpy()
    assert np.isfinite(forecast).all()
    forecaster.save(tmp_path / "model")
    again = ostinato.load(tmp_path / "model").predict()["forecast"].to_numpy()
    assert again == pytest.approx(forecast, rel=1e-6)


def test_the_grud_sees_missing_values_as_missing():
    inputs = torch.tensor([[[0.5, 1.0], [0.0, 0.0]]])
    marked = mark_missing(inputs)
    assert torch.isnan(marked[0, 1, 0])
    assert torch.equal(marked[..., 1], inputs[..., 1])
    assert torch.equal(marked[0, 0], inputs[0, 0])
    assert torch.equal(mark_missing(inputs[..., :1]), inputs[..., :1])


@pytest.mark.parametrize("cell", LAYERS)
def test_weights_start_as_in_keras(cell):
    network = ForecastNetwork(Plan.make(RECIPES["classic"], cell=cell, h=1, season_length=1, seed=0))
    weights = dict(network.recurrent.named_parameters())
    hidden = network.recurrent.hidden_size
    assert all((weight == 1).all() for name, weight in weights.items() if name.startswith("gain"))
    forget = weights["bias_ih_l0"][hidden : 2 * hidden]
    assert (forget == (1.0 if network.recurrent.cell.gates == 4 else 0.0)).all()
    if "weight_hh_l0" in weights:
        torch.testing.assert_close(
            weights["weight_hh_l0"].T @ weights["weight_hh_l0"], torch.eye(hidden), atol=1e-5, rtol=0
        )


def test_quantiles_start_as_those_of_a_random_walk():
    plan = Plan.make(replace(RECIPES["default"], loss="quantile"), cell="lstm", h=4, season_length=1, seed=0)
    windows = torch.randn(3, plan.context, plan.features)
    answer = ForecastNetwork(plan)(windows).detach().numpy()  # (3, 4, 9)
    size = np.sqrt(np.pi / 2)  # normal steps of this standard deviation are 1 in the mean
    expected = [
        [size * np.sqrt(step) * NormalDist().inv_cdf(level) for level in LEVELS] for step in (1, 2, 3, 4)
    ]
    assert answer == pytest.approx(np.broadcast_to(expected, answer.shape), abs=1e-5)


def test_what_is_known_ahead_moves_all_quantiles_of_its_step():
    recipe = replace(RECIPES["default"], loss="quantile")
    channels = Channels(known=("price",))
    plan = Plan.make(recipe, cell="gru", h=2, season_length=1, seed=0, channels=channels)
    network = ForecastNetwork(plan)
    torch.nn.init.ones_(network.known.straight.weight)
    windows = torch.zeros(1, plan.context, plan.features)
    plain = network(windows, torch.zeros(1, 2, 3))
    moved = network(windows, torch.tensor([[[0.0, 0, 0], [2.0, 0, 0]]]))
    assert (moved - plain)[0].detach().numpy() == pytest.approx(np.array([[0.0] * 9, [2.0] * 9]))
