"""The network of a forecaster, with every cell."""

import numpy as np
import pytest
import torch

import ostinato
from ostinato import Forecaster
from ostinato.nn import LAYERS
from ostinato.tasks.forecasting.network import ForecastNetwork, mark_missing
from ostinato.tasks.forecasting.plan import Plan
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
