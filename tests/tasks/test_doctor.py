from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import ostinato
from ostinato import Forecaster, SequenceClassifier
from ostinato.errors import ConfigError, DataError
from ostinato.tasks.doctor import diagnose, diagnose_series
from ostinato.tasks.forecasting.recipes import RECIPES


@pytest.fixture(scope="module")
def milk():
    months = np.arange(72)
    values = 100 + 20 * np.sin(2 * np.pi * months / 12) + np.random.default_rng(0).normal(size=72)
    times = pd.date_range("2015-01-01", periods=72, freq="MS")
    return pd.DataFrame({"unique_id": "milk", "ds": times, "y": values})


@pytest.fixture(scope="module")
def fitted(milk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "default", replace(RECIPES["default"], steps=(4, 8), members=1, hidden_size=8))
        return Forecaster(h=6, random_state=0).fit(milk)


def test_a_forecaster_is_diagnosed_on_its_own_history(fitted):
    diagnosis = ostinato.diagnose(fitted)
    (layer,) = diagnosis.layers
    assert (layer.name, layer.cell, layer.hidden_size, layer.steps) == ("recurrent.l0", "LSTM", 8, 24)
    assert (diagnosis.season_length, diagnosis.season_removed) == (12, True)
    assert diagnosis.memory_sentence.endswith("your season of 12 is taken out before it looks.")


def test_a_forecaster_is_diagnosed_on_other_series(fitted, milk):
    own, other = (
        diagnose(fitted),
        diagnose(fitted, milk.assign(y=milk["y"][::-1].to_numpy())),
    )
    assert own.loss != other.loss
    assert diagnose(fitted, milk).loss == own.loss


def test_other_series_come_without_covariates(fitted, milk, monkeypatch):
    monkeypatch.setitem(
        RECIPES, "default", replace(RECIPES["default"], steps=(2, 4), members=1, hidden_size=4)
    )
    forecaster = Forecaster(h=6, random_state=0, calendar=("yearday",)).fit(milk)
    assert diagnose(forecaster).memory >= 1
    with pytest.raises(
        ConfigError, match="this forecaster looks at covariates, which other series do not bring along"
    ):
        diagnose(forecaster, milk)


def test_a_season_that_is_given_goes_before_the_forecasters_own(fitted):
    assert diagnose(fitted, season_length=6).season_length == 6


def test_a_forecaster_forecasts_as_before(fitted):
    before = fitted.predict()
    diagnose(fitted)
    assert before.equals(fitted.predict())


def test_a_season_that_the_network_sees_is_what_it_should_remember(milk, monkeypatch):
    monkeypatch.setitem(RECIPES, "classic", replace(RECIPES["classic"], hidden_size=4, epochs=1))
    forecaster = Forecaster(h=6, recipe="classic", random_state=0).fit(milk)
    diagnosis = diagnose(forecaster)
    assert not diagnosis.season_removed
    assert diagnosis.memory_sentence.endswith("your season is 12.")
    assert [layer.name for layer in diagnosis.layers] == ["recurrent.l0", "recurrent.l1"]


def test_another_estimator_is_diagnosed_by_its_network():
    class Estimator:
        network_ = nn.GRU(2, 4, batch_first=True)

    assert diagnose(Estimator(), torch.randn(3, 5, 2)).layers[0].cell == "GRU"


def test_of_an_estimator_with_several_networks_the_first_is_diagnosed():
    classifier = SequenceClassifier(cell="gru", hidden_size=8, members=2, epochs=1, random_state=0)
    classifier.fit(list(np.random.default_rng(0).normal(size=(12, 20, 1))), np.arange(12) % 2)

    def loss(network, examples):
        inputs, lengths = examples
        return network(inputs, lengths).square().mean()

    features = classifier.members_[0].network.shape.features
    diagnosis = diagnose(classifier, (torch.randn(3, 20, features), torch.tensor([20, 20, 12])), loss)
    assert {layer.cell for layer in diagnosis.layers} == {"GRU"}


@pytest.mark.parametrize("recipe", ["streaming", "pretrained"])
def test_forecasters_of_other_recipes_are_diagnosed(milk, monkeypatch, recipe):
    monkeypatch.setitem(RECIPES, "streaming", replace(RECIPES["streaming"], steps=(2, 4)))
    forecaster = Forecaster(h=6, recipe=recipe, random_state=0).fit(milk)
    before, diagnosis = forecaster.predict(), diagnose(forecaster)
    assert diagnosis.memory >= 1
    assert (diagnosis.season_length, diagnosis.season_removed, diagnosis.data_lag) == (12, True, None)
    assert ("patches of several steps" in diagnosis.memory_sentence) == (recipe == "pretrained")
    assert diagnose(forecaster, milk).loss == diagnosis.loss
    assert forecaster.predict().equals(before)


def test_what_has_no_network_is_refused():
    with pytest.raises(
        ConfigError, match="the doctor cannot look into str; give a torch module with recurrent layers"
    ):
        diagnose("model.zip")


def test_a_module_needs_something_to_run_through_it():
    with pytest.raises(
        ConfigError, match="there is nothing to run through GRU; give inputs, a pair of inputs and"
    ):
        diagnose(nn.GRU(2, 4))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_series_are_diagnosed_by_a_short_training(milk, cell):
    told = []
    diagnosis = diagnose_series(
        milk,
        "MS",
        season_length=12,
        cell=cell,
        progress=lambda done, total: told.append((done, total)),
    )
    assert diagnosis.layers[0].cell == cell.upper()
    assert diagnosis.watch.updates == 100
    assert told[-1] == (100, 100)


def test_the_same_seed_gives_the_same_diagnosis(milk):
    first, second = (diagnose_series(milk, "MS", season_length=12, seed=3) for _ in range(2))
    assert first.to_dict() == second.to_dict()


def test_series_that_are_too_short_are_refused(milk):
    with pytest.raises(DataError, match="horizon is 12 but series 'milk' has 10 rows"):
        diagnose_series(milk.head(10), "MS", season_length=12)
