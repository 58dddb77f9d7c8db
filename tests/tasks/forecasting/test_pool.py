"""Windows as batches: few at once, many drawn, each as its covariates say."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ostinato.data.windows import Store, cut
from ostinato.tasks.forecasting import pool as pools
from ostinato.tasks.forecasting.plan import Channels, Plan
from ostinato.tasks.forecasting.pool import Draws, Pool, see
from ostinato.tasks.forecasting.recipes import RECIPES

PLAN = Plan.make(RECIPES["default"], cell="lstm", h=2, season_length=1, seed=0)


def make_pool(sizes: list[int], plan: Plan = PLAN, covariates: np.ndarray | None = None) -> Pool:
    draws = np.random.default_rng(0)
    store = Store.of([draws.normal(size=size).cumsum() for size in sizes], covariates)
    return Pool(store, np.ones(len(sizes)), np.zeros((len(sizes), plan.channels.static), np.float32), plan)


def test_a_short_series_gives_padded_windows():
    pool = make_pool([6, 9])
    assert pool.share.count.tolist() == [1, 4]  # four real steps at least, and two to come
    batch = pool.batch(*pool.share.places(np.arange(5)))
    assert batch.inputs.shape == (5, 24, 2)
    assert batch.inputs[0, :, 1].tolist() == [0.0] * 20 + [1.0] * 4


def test_windows_without_a_real_future_are_left_out():
    pool = make_pool([8])
    pool.store.values[4:6] = np.nan
    assert len(pool.batch(*pool.share.places(np.arange(3)))) == 2


def test_few_windows_are_kept_and_each_epoch_has_all_of_them():
    pool = make_pool([20, 30])
    source = pool.source(pool.share, batch_size=8, seed=1)
    rows = sum(len(batch) for batch in source.epoch(0))
    assert rows == pool.share.total == 15 + 25


def test_many_windows_are_drawn_anew_in_each_epoch_evenly_over_all(monkeypatch):
    monkeypatch.setattr(pools, "MOST_WINDOWS", 50)
    pool = make_pool([300] * 4)
    source = pool.source(pool.share, batch_size=20, seed=1)
    assert isinstance(source, Draws)
    first, again, other = (
        torch.cat([batch.targets for batch in source.epoch(number)]) for number in (0, 0, 1)
    )
    assert first.equal(again)
    assert not first.equal(other)
    assert len(first) == 50


def test_a_drawn_epoch_takes_windows_of_every_series(monkeypatch):
    monkeypatch.setattr(pools, "MOST_WINDOWS", 40)
    pool = make_pool([100] * 20)
    for number, values in enumerate(np.split(pool.store.values, 20)):
        values += 1e6 * number
    seen = []
    monkeypatch.setattr(Pool, "batch", lambda self, series, origins: seen.append(series) or [])
    list(pool.source(pool.share, batch_size=40, seed=0).epoch(0))
    assert np.bincount(seen[0]).tolist() == [2] * 20


def test_channels_follow_the_series():
    plan = replace(PLAN, channels=Channels(known=("price",), past=("lead",), static=1))
    values = np.stack([np.arange(10.0), 100 + np.arange(10.0)], axis=1).astype(np.float32)
    values[3, 0] = np.nan
    pool = make_pool([10], plan, values)
    windows = cut(pool.store, np.array([0]), np.array([6]), context=4, horizon=2)
    _, features, ahead = see(windows, np.ones(1), np.full((1, 1), 7.0, np.float32), plan)
    assert features.shape == (1, 4, plan.features)
    assert features[0, :, 2].tolist() == [2, 0, 4, 5]
    assert features[0, :, 4].tolist() == [1, 0, 1, 1]
    assert features[0, :, 3].tolist() == [102, 103, 104, 105]
    assert features[0, :, 6].tolist() == [7] * 4
    assert ahead is not None
    assert ahead[0].tolist() == [
        [6, 1, 1],
        [7, 1, 2],
    ]  # the price, that it is known, and its rise since the last one
    assert ahead.shape[2] == plan.ahead


@pytest.mark.parametrize("change", ["values", "share", "plan"])
def test_another_fit_has_another_name(change):
    pool = make_pool([30])
    name, share = pool.digest(pool.share), pool.share
    if change == "values":
        pool.store.values[0] += 1
    if change == "share":
        share, _ = share.split(0.2)
    if change == "plan":
        pool = replace(pool, plan=replace(PLAN, seed=1))
    assert pool.digest(share) != name
