"""recipe="auto": what is tried on the past, within the time, and what is taken."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ostinato
from ostinato import ConfigError, Forecaster
from ostinato.tasks.forecasting import choosing
from ostinato.tasks.forecasting.choosing import MakeAuto, candidates
from ostinato.tasks.forecasting.order import Order
from ostinato.tasks.forecasting.zero_shot import MakeZeroShot, ZeroShotForecaster
from ostinato.tasks.streaming.model import StreamingForecaster

ORDER = Order("auto", "lstm", 3, "MS", 12, 0)


class Fixed(MakeZeroShot):
    """Forecasts one value, and counts how often it was made."""

    def __init__(self, value: float, wait: float = 0.0) -> None:
        super().__init__("MS", 12)
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "wait", wait)
        object.__setattr__(self, "pasts", [])

    def train(self, past, *, progress=None):
        self.pasts.append(past)
        until = time.perf_counter() + self.wait
        while time.perf_counter() < until:
            time.sleep(0.01)
            progress(1, 2)
        forecaster = ZeroShotForecaster(past, "MS", 12)
        return _Constant(forecaster, self.value)


class _Constant:
    def __init__(self, forecaster, value):
        self.frame, self.freq, self.season_length, self.value = forecaster.frame, "MS", 12, value

    def predict(self, h):
        return ostinato.tasks.forecasting.trained.frames.future(self.frame, "MS", h).assign(
            forecast=self.value
        )


def chosen(monkeypatch, frame, makers, budget=60.0):
    monkeypatch.setattr(choosing, "candidates", lambda order, season: list(makers.items()))
    return MakeAuto(ORDER, budget).choose(frame)


@pytest.fixture
def flat(monthly) -> pd.DataFrame:
    return monthly.assign(y=100 + np.random.default_rng(0).normal(size=len(monthly)))


def test_the_better_half_is_tried_further_back(monkeypatch, flat):
    makers = {f"at {value}": Fixed(value) for value in (140.0, 130.0, 120.0, 100.0)}
    found = chosen(monkeypatch, flat, makers)
    assert found.name == "at 100.0"
    tried = found.tried.set_index("candidate")
    assert tried["origins"].to_dict() == {"at 100.0": 4, "at 120.0": 2, "at 130.0": 1, "at 140.0": 1}
    assert tried["chosen"].tolist() == [True, False, False, False]
    assert tried.loc["at 100.0", "mase"] < 1 < tried.loc["at 140.0", "mase"]


def test_every_trial_sees_the_past_of_its_origin_alone(monkeypatch, flat):
    make = Fixed(100.0)
    chosen(monkeypatch, flat, {"only": make})
    assert [len(past) for past in make.pasts] == [69, 66, 63, 60, 72]
    assert all(past["y"].tolist() == flat["y"].head(len(past)).tolist() for past in make.pasts)


def test_a_candidate_that_takes_too_long_is_stopped(monkeypatch, flat):
    started = time.perf_counter()
    found = chosen(monkeypatch, flat, {"quick": Fixed(200.0), "slow": Fixed(100.0, wait=200.0)}, budget=1.0)
    assert time.perf_counter() - started < 200
    assert found.name == "quick"
    assert found.tried.set_index("candidate").loc["slow", "origins"] == 0


def test_a_quick_candidate_that_erred_more_does_not_win_when_time_gets_short(monkeypatch, flat):
    makers = {"quick": Fixed(110.0), "slow": Fixed(100.0, wait=0.7), "worse": Fixed(140.0)}
    found = chosen(
        monkeypatch, flat, makers, budget=1.6
    )  # a second trial of the slow one and its fit do not fit in
    tried = found.tried.set_index("candidate")
    assert tried.loc["slow", "origins"] == 1
    assert found.name == "slow"


@pytest.mark.slow
def test_fine_tuning_that_takes_too_long_is_stopped(monkeypatch, monthly):
    tuned = dict(candidates(ORDER, 12))["finetuned"]
    found = chosen(monkeypatch, monthly, {"quick": Fixed(100.0), "finetuned": tuned}, budget=0.2)
    assert found.name == "quick"
    assert found.tried.set_index("candidate").loc["finetuned", "origins"] == 0


def test_a_past_too_short_for_a_trial_takes_the_pretrained_networks(quick, monthly):
    model = Forecaster(h=6, recipe="auto", season_length=1, random_state=0).fit(monthly.head(10)).model_
    assert isinstance(model, ZeroShotForecaster)


@pytest.mark.slow
def test_a_forecaster_chooses_reports_and_comes_back_from_a_file(quick, monthly, tmp_path, monkeypatch):
    real = candidates
    monkeypatch.setattr(
        choosing,
        "candidates",
        lambda order, season: [one for one in real(order, season) if "units" in one[0]],
    )
    fitted = Forecaster(h=3, recipe="auto", random_state=0).fit(monthly)
    assert list(fitted.tried_.columns) == ["candidate", "origins", "mase", "seconds", "chosen"]
    assert set(fitted.tried_["candidate"]) == {"lstm of 32 units", "lstm of 64 units", "gru of 32 units"}
    assert fitted.name == "Auto"
    fitted.save(tmp_path / "m")
    found = ostinato.load(tmp_path / "m").predict()
    pd.testing.assert_frame_equal(found, fitted.predict(), check_dtype=False)


def test_candidates_begin_with_one_that_always_works_and_have_names_of_their_own():
    found = candidates(replace(ORDER, cell="gru"), 12)
    assert isinstance(found[0][1], MakeZeroShot)
    assert len({name for name, _ in found}) == len(found)


def test_a_network_that_carries_its_state_may_be_chosen_and_comes_back_from_a_file(
    quick, monthly, tmp_path, monkeypatch
):
    real = candidates
    monkeypatch.setattr(
        choosing,
        "candidates",
        lambda order, season: [one for one in real(order, season) if "state" in one[0]],
    )
    fitted = Forecaster(h=3, recipe="auto", cell="gru", random_state=0).fit(monthly)
    assert isinstance(fitted.model_, StreamingForecaster)
    assert fitted.tried_["candidate"].tolist() == ["gru that carries its state"]
    fitted.save(tmp_path / "m")
    found = ostinato.load(tmp_path / "m")
    assert found.model_.weights.cell == "gru"
    np.testing.assert_allclose(found.predict()["forecast"], fitted.predict()["forecast"], rtol=1e-6)


def test_a_cell_whose_state_cannot_be_carried_leaves_that_to_an_lstm():
    names = [name for name, _ in candidates(replace(ORDER, cell="slstm"), 12)]
    assert "lstm that carries its state" in names


@pytest.mark.parametrize("budget", [0, -1.0, float("inf")])
def test_a_budget_that_is_no_time_is_refused(monthly, budget):
    with pytest.raises(ConfigError, match=r"time_budget is .*; use a number of seconds above 0"):
        Forecaster(h=3, recipe="auto", time_budget=budget).fit(monthly)
