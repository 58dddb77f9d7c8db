import numpy as np
import pandas as pd
import pytest

from ostinato.errors import ConfigError, DataError
from ostinato.tasks.pretrained import finetune as finetuning
from ostinato.tasks.pretrained import forecaster as pretrained
from ostinato.tasks.pretrained import network as pretrained_network
from ostinato.tasks.pretrained.finetune import finetune
from ostinato.tasks.pretrained.forms import DIRECT


def frame_of(*series):
    parts = [
        pd.DataFrame({"unique_id": f"s{number}", "ds": np.arange(len(values)), "y": values})
        for number, values in enumerate(series)
    ]
    return pd.concat(parts, ignore_index=True)


def tents(length, seed):
    """A rule that no linear method finds: a tent map, whose next value follows from the last alone."""
    values = np.empty(length)
    values[0] = np.random.default_rng(seed).random()
    for step in range(1, length):
        values[step] = 1.9 * min(values[step - 1], 1 - values[step - 1])
    return values - 5


def tuned(frame, h=3, **keywords):
    return finetune(frame, h, season_length=1, freq=1, **keywords)


def test_it_answers_predict_like_any_forecaster():
    found = tuned(frame_of(tents(60, 0)), updates=2).predict(3, level=(80,))
    assert found["ds"].tolist() == [60, 61, 62]
    assert np.isfinite(found["forecast"]).all()


def test_the_same_seed_gives_the_same_forecast():
    frame = frame_of(tents(60, 0), tents(80, 1))
    first, again = (tuned(frame, updates=3, seed=5).predict(3) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


@pytest.mark.slow
def test_it_learns_what_is_particular_to_the_series():
    series = [tents(80, seed) for seed in range(30)]
    past = frame_of(*(values[:-1] for values in series))
    future = np.array([values[-1] for values in series])
    plain = pretrained.forecast(past, 1, season_length=1, freq=1)["forecast"]
    learnt = tuned(past, 1, updates=100, rate=1e-3).predict(1)["forecast"]
    assert np.abs(learnt - future).mean() < 0.8 * np.abs(plain - future).mean()


def test_networks_that_do_not_improve_stay_as_they_were():
    frame = frame_of(tents(60, 0))
    kept = tuned(frame, updates=1, rate=1e-12).predict(3)
    pd.testing.assert_frame_equal(kept, pretrained.forecast(frame, 3, season_length=1, freq=1), rtol=1e-3)


def test_series_too_short_for_windows_are_an_error():
    with pytest.raises(DataError, match="the longest series has 12 steps; use one of at least 14"):
        tuned(frame_of(np.arange(12.0)))


@pytest.mark.parametrize("keywords", [{"h": 0}, {"updates": 0}])
def test_a_horizon_or_updates_below_one_are_an_error(keywords):
    with pytest.raises(ConfigError, match="both must be at least 1"):
        tuned(frame_of(np.arange(40.0)), **keywords)


@pytest.mark.slow
@pytest.mark.parametrize(("length", "changed"), [(40, True), (200, False)])
def test_direct_networks_are_tuned_on_short_histories_alone(length, changed):
    found = tuned(frame_of(*(tents(length, seed) for seed in range(8))), 1, updates=15, rate=5e-3)
    direct = [
        (one, before)
        for one, before in zip(found.members, pretrained_network.load_members(), strict=True)
        if before.form is DIRECT
    ]
    same = [np.array_equal(one.lstm[0], before.lstm[0]) for one, before in direct]
    assert all(one.form is DIRECT and one.plain == before.plain for one, before in direct)
    assert all(same) if not changed else not all(same)


@pytest.mark.slow
def test_weights_end_half_way_to_where_training_led(monkeypatch):
    frame = frame_of(*(tents(40, seed) for seed in range(8)))
    half = tuned(frame, 1, updates=15, rate=5e-3).members
    monkeypatch.setattr(finetuning, "PART", 1.0)
    whole = tuned(frame, 1, updates=15, rate=5e-3).members
    changed = 0
    for before, middle, after in zip(pretrained_network.load_members(), half, whole, strict=True):
        expected = (before.head["mix.weight"] + after.head["mix.weight"]) / 2
        np.testing.assert_allclose(middle.head["mix.weight"], expected, rtol=1e-4, atol=1e-6)
        changed += not np.array_equal(before.head["mix.weight"], after.head["mix.weight"])
    assert changed
