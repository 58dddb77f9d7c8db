"""Networks from files: the same answers on NumPy arrays as in torch."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import ostinato
from ostinato import Forecaster, ModelFileError
from ostinato.evaluate.knots import LEVELS
from ostinato.nn import LAYERS
from ostinato.nn.heads import QuantileHead
from ostinato.tasks.forecasting.recipes import RECIPES
from ostinato.tasks.stored import in_order
from ostinato.train.checkpoint import load_model, save_model


@pytest.mark.parametrize("recipe", ["default", "classic"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "slstm"])
def test_answers_equal_those_of_the_torch_module(quick, monkeypatch, recipe, cell, several, tmp_path):
    monkeypatch.setitem(RECIPES, "classic", replace(RECIPES["classic"], hidden_size=4, epochs=1))
    forecaster = Forecaster(h=3, recipe=recipe, cell=cell, random_state=0).fit(several)
    forecaster.save(tmp_path / "model")
    again = ostinato.load(tmp_path / "model")
    expected = forecaster.predict()["forecast"].to_numpy()
    assert again.predict()["forecast"].to_numpy() == pytest.approx(expected, rel=1e-5)
    for own, stored in zip(forecaster.model_.members, again.model_.members, strict=True):
        assert not stored.network.training
        assert isinstance(stored.network.recurrent, LAYERS[cell])
        for name, weight in own.weights().items():
            assert np.array_equal(weight, stored.weights()[name])


def test_a_loaded_forecaster_is_saved_as_it_was(quick, monthly, tmp_path):
    Forecaster(h=3, random_state=0).fit(monthly).save(tmp_path / "one.zip")
    ostinato.load(tmp_path / "one.zip").save(tmp_path / "two.zip")
    one, two = (load_model(tmp_path / name) for name in ("one.zip", "two.zip"))
    assert one.config == two.config
    assert all(np.array_equal(one.weights[name], two.weights[name]) for name in one.weights | two.weights)


@pytest.mark.parametrize("cell", ["gru", "slstm"])
def test_weights_that_do_not_fit_are_refused(quick, cell, monthly, tmp_path):
    Forecaster(h=3, cell=cell, random_state=0).fit(monthly).save(tmp_path / "model")
    file = load_model(tmp_path / "model")
    weights = {**file.weights, "member0.recurrent.weight_hh_l0": np.zeros((3, 3), dtype=np.float32)}
    save_model(tmp_path / "model", config=file.config, weights=weights, history=file.history)
    with pytest.raises(ModelFileError, match="does not fit together"):
        ostinato.load(tmp_path / "model")


def test_loading_forecasting_updating_and_saving_need_no_torch(quick, monthly, tmp_path):
    Forecaster(h=3, random_state=0).fit(monthly.head(60)).save(tmp_path / "model.zip")
    monthly.iloc[60:].to_csv(tmp_path / "new.csv", index=False)
    code = (
        "import sys, pandas, ostinato; from pathlib import Path; folder = Path(sys.argv[1]); "
        "from dataclasses import replace; from ostinato.tasks.forecasting.recipes import RECIPES; "
        "RECIPES['default'] = replace(RECIPES['default'], hidden_size=8); "
        "model = ostinato.load(folder / 'model.zip'); model.predict(); "
        "model.update(pandas.read_csv(folder / 'new.csv')).save(folder / 'model.zip'); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert ostinato.load(tmp_path / "model.zip").stream_ is not None


def test_quantiles_on_arrays_are_those_of_the_head():
    head = QuantileHead(4, 3, levels=LEVELS).double()
    states = torch.randn(5, 4, dtype=torch.float64)
    raw = head.linear(states).detach().numpy().reshape(5, 3, len(LEVELS))
    assert in_order(raw) == pytest.approx(head(states).detach().numpy())


def test_one_number_a_step_stays_as_it_is():
    raw = np.random.default_rng(0).normal(size=(2, 3, 1))
    assert np.array_equal(in_order(raw), raw)
