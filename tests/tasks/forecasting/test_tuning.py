"""Searching for settings on the past alone."""

import sys

import numpy as np
import pytest

import ostinato
from ostinato import ConfigError, DataError, Forecaster, tune
from ostinato.tasks.forecasting import tuning

pytest.importorskip("optuna")
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def short_trials(monkeypatch):
    """Trials of a few updates."""
    monkeypatch.setattr(tuning._Search, "_settings", _few_updates)


def _few_updates(search, found):
    rest = {name: value for name, value in found.items() if name != "updates"}
    return {**rest, "hidden_size": 8, "steps": (2, 4), "members": 1}


def test_the_first_trial_is_the_recipe_itself_and_the_best_is_fitted(short_trials, monthly):
    told = []
    found = tune(
        Forecaster(h=3, random_state=0), monthly, trials=3, origins=1, progress=lambda *at: told.append(at)
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    first = found.tried.set_index("trial").loc[0]
    assert (first["cell"], first["hidden_size"], first["context"], first["adjust"]) == ("lstm", 8, 24, True)
    assert found.tried["mase"].is_monotonic_increasing
    assert np.isfinite(found.forecaster.predict()["forecast"]).all()
    assert found.forecaster.model_.plan.cell == found.tried["cell"].iloc[0]
    assert found.forecaster.model_.plan.context == found.tried["context"].iloc[0]


def test_the_future_does_not_decide(short_trials, monthly):
    one = tune(Forecaster(h=3, random_state=0), monthly.iloc[:-6], trials=2, origins=1)
    moved = monthly.copy()
    moved.loc[moved.index[-6:], "y"] *= 100
    two = tune(Forecaster(h=3, random_state=0), moved.iloc[:-6], trials=2, origins=1)
    assert one.tried.drop(columns="seconds").equals(two.tried.drop(columns="seconds"))


def test_a_search_goes_on_from_its_file(short_trials, monthly, tmp_path):
    given = {"origins": 1, "study": tmp_path / "search.log"}
    first = tune(Forecaster(h=3, random_state=0), monthly, trials=2, **given)
    told = []
    again = tune(
        Forecaster(h=3, random_state=0), monthly, trials=3, progress=lambda *at: told.append(at), **given
    )
    assert told == [(3, 3)]
    both = again.tried.set_index("trial")["mase"].loc[[0, 1]]
    assert both.tolist() == first.tried.set_index("trial")["mase"].loc[[0, 1]].tolist()
    other = monthly.assign(y=monthly["y"] + 1)
    assert len(tune(Forecaster(h=3, random_state=0), other, trials=1, **given).tried) == 1


def test_a_tuned_forecaster_comes_back_from_a_file_and_is_backtested_as_tuned(
    short_trials, monthly, tmp_path
):
    found = tune(Forecaster(h=3, random_state=0), monthly, trials=1, origins=1).forecaster
    assert found.settings["steps"] == (2, 4)
    found.save(tmp_path / "model")
    again = ostinato.load(tmp_path / "model")
    assert again.predict()["forecast"].to_numpy() == pytest.approx(found.predict()["forecast"].to_numpy())
    make = again.maker(again.freq_, 0)
    assert (make.recipe.steps, make.recipe.members) == ((2, 4), 1)


@pytest.mark.parametrize("recipe", ["pretrained", "auto", "classic", "streaming", "finetuned", "combined"])
def test_recipes_without_settings_are_refused(recipe, monthly):
    with pytest.raises(ConfigError, match=f"recipe '{recipe}' has no settings to tune; use recipe='default'"):
        tune(Forecaster(h=3, recipe=recipe), monthly)


@pytest.mark.parametrize("name", ["trials", "origins"])
def test_a_number_below_1_is_refused(name, monthly):
    with pytest.raises(ConfigError, match=f"{name} is 0; use at least 1"):
        tune(Forecaster(h=3), monthly, **{name: 0})


def test_a_past_too_short_for_a_trial_is_refused(monthly):
    with pytest.raises(
        DataError, match="the series are too short to try settings on 12 steps; use a smaller"
    ):
        tune(Forecaster(h=12), monthly.iloc[:18])


def test_without_optuna_it_says_what_to_install(monkeypatch, monthly):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(
        ConfigError, match=r"tuning needs optuna; install it with: pip install 'ostinato\[tune\]'"
    ):
        tune(Forecaster(h=3), monthly, trials=1)


def test_an_unknown_setting_is_refused_with_those_there_are(monthly):
    with pytest.raises(
        ConfigError, match="settings has 'size', which is not known; use some of: adjust, average"
    ):
        Forecaster(h=3, settings={"size": 3}).fit(monthly)


def test_settings_of_a_recipe_that_has_none_are_refused(monthly):
    with pytest.raises(ConfigError, match="recipe 'pretrained' has no settings; use recipe='default'"):
        Forecaster(h=3, recipe="pretrained", settings={"members": 1}).fit(monthly)


def test_settings_take_the_place_of_those_of_the_recipe(monthly):
    fitted = Forecaster(h=3, settings={"members": 1, "hidden_size": 5}, random_state=0).fit(monthly)
    assert len(fitted.model_.members) == 1
    assert fitted.model_.plan.recipe.hidden_size == 5
