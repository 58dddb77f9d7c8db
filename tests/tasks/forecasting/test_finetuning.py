"""Going on from networks that were trained before: never worse, on other series, and back from a file."""

import numpy as np
import pandas as pd
import pytest

import ostinato
from ostinato import ConfigError, Forecaster
from ostinato.tasks.forecasting import finetuning
from ostinato.tasks.forecasting.fitting import held_out_batch
from ostinato.tasks.forecasting.zero_shot import ZeroShotForecaster


@pytest.fixture
def other(several) -> pd.DataFrame:
    waves = several.assign(unique_id="x" + several["unique_id"])
    noise = np.random.default_rng(0).normal(size=len(waves))
    return waves.assign(y=50 + 30 * np.sin(2 * np.pi * np.arange(len(waves)) / 6) + noise)


def held_out_error(model, network) -> float:
    pool = model.pool()
    _, latest = pool.share.split(finetuning.HELD_OUT)
    return float(network.loss(held_out_batch(pool, latest)).detach())


def test_no_network_forecasts_the_latest_windows_worse_than_before(quick, several, other):
    start = Forecaster(h=3, random_state=0).fit(several)
    before = [member.network for member in start.model_.members]
    tuned = start.finetune(other).model_
    for network, member in zip(before, tuned.members, strict=True):
        assert held_out_error(tuned, member.network) <= held_out_error(tuned, network)
    assert any(member.history["error_after"] < member.history["error_before"] for member in tuned.members)


def test_a_network_that_does_not_gain_stays_as_it_was(quick, several, monkeypatch):
    start = Forecaster(h=3, random_state=0).fit(several)
    networks = [member.network for member in start.model_.members]
    monkeypatch.setattr(finetuning, "SLOWER", 1e-9)  # steps so long that they can only harm
    tuned = start.finetune(several).model_
    assert [member.network for member in tuned.members] == networks, [
        member.history for member in tuned.members
    ]


def test_the_forecaster_stands_at_the_end_of_the_new_series(quick, several, other):
    tuned = Forecaster(h=3, random_state=0).fit(several).finetune(other)
    assert tuned.predict()["unique_id"].unique().tolist() == ["xa", "xb", "xc"]
    assert np.isfinite(tuned.predict(level=80)["forecast-lo-80"]).all()


def test_too_few_windows_to_judge_by_change_nothing(quick, several, other):
    start = Forecaster(h=3, season_length=1, random_state=0).fit(several)
    networks = [member.network for member in start.model_.members]
    short = other.groupby("unique_id").head(7)
    assert [member.network for member in start.finetune(short).model_.members] == networks


@pytest.fixture
def fewer_updates(monkeypatch):
    real = finetuning.finetune_pretrained
    monkeypatch.setattr(finetuning, "finetune_pretrained", lambda *a, **k: real(*a, **k, updates=2))


@pytest.mark.slow
def test_the_pretrained_networks_need_no_fit_and_come_back_from_a_file(fewer_updates, monthly, tmp_path):
    tuned = Forecaster(h=3, recipe="pretrained", random_state=0).finetune(monthly)
    assert isinstance(tuned.model_, ZeroShotForecaster)
    assert tuned.name == "FineTuned"
    tuned.save(tmp_path / "m")
    again = ostinato.load(tmp_path / "m")
    assert again.name == "FineTuned"
    pd.testing.assert_frame_equal(again.predict(), tuned.predict(), check_dtype=False)


@pytest.mark.slow
def test_the_recipe_is_the_same_thing(fewer_updates, monthly):
    settings = {"h": 3, "random_state": 0}
    fitted = Forecaster(recipe="finetuned", **settings).fit(monthly)
    tuned = Forecaster(recipe="pretrained", **settings).finetune(monthly)
    pd.testing.assert_frame_equal(fitted.predict(), tuned.predict())


def test_a_series_too_short_to_learn_from_leaves_the_pretrained_networks_as_they_are(monthly):
    short = monthly.head(12)
    fitted = Forecaster(h=6, recipe="finetuned", season_length=1).fit(short).predict()
    plain = Forecaster(h=6, recipe="pretrained", season_length=1).fit(short).predict()
    pd.testing.assert_frame_equal(fitted, plain)


def test_a_network_that_was_not_trained_cannot_go_on(several):
    with pytest.raises(ConfigError, match="not fitted yet; call fit first"):
        Forecaster(h=3).finetune(several)


def test_another_frequency_is_refused(quick, several):
    fitted = Forecaster(h=3, random_state=0).fit(several)
    daily = several.assign(
        ds=several.groupby("unique_id").cumcount().map(pd.date_range("2024-01-01", periods=99).__getitem__)
    )
    with pytest.raises(ConfigError, match="the frequency is 'D' but the networks were fitted to 'MS'"):
        fitted.finetune(daily)
