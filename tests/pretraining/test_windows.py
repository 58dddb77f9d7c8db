"""Training windows: what a pool of them gives, drawn by NumPy or on a device."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from ostinato.tasks.pretrained.forms import DIRECT, LONG

FOLDER = Path(__file__).parents[2] / "pretraining"


@pytest.fixture
def windows(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("windows")


@pytest.fixture
def small(windows, monkeypatch):
    monkeypatch.setattr(windows, "GROUP", 64)
    return windows


@pytest.mark.parametrize("device", [None, "cpu"])
def test_a_pool_gives_batches_of_the_bucket_it_filled(small, device):
    pool = small.Pool(1, small.Kind(DIRECT, unseasonal=True), device=device)
    batch = pool.batch(pool.refill(), 16)
    assert batch.target.shape == (16, small.STEPS)
    assert all(isinstance(array, np.ndarray) for array in vars(batch).values())


@pytest.mark.parametrize("device", [None, "cpu"])
def test_a_pool_of_one_seed_gives_the_same_windows(small, device):
    first, again = (small.Pool(3, small.Kind(DIRECT), device=device) for _ in range(2))
    numbers = first.refill(), again.refill()
    assert numbers[0] == numbers[1]
    np.testing.assert_array_equal(*(pool.batch(numbers[0], 16).target for pool in (first, again)))


def test_a_pool_on_a_device_draws_some_groups_ahead(small, monkeypatch):
    counts = []
    generate = small.generate
    monkeypatch.setattr(
        small, "generate", lambda count, *rest, **more: counts.append(count) or generate(count, *rest, **more)
    )
    pool = small.Pool(1, small.Kind(DIRECT), device="cpu")
    filled = [pool.refill() for _ in range(2 * small.AHEAD)]
    assert set(counts) == {small.AHEAD * small.GROUP}
    assert len(counts) == sum(-(-filled.count(number) // small.AHEAD) for number in set(filled))


def test_series_of_a_device_are_like_those_of_numpy(windows):
    kind = windows.Kind(DIRECT)
    spreads = []
    for device in (None, "cpu"):
        rng = np.random.default_rng(0)
        drawn = [windows.draw(kind.buckets[1], rng, 300, kind, device=device).target for _ in range(6)]
        spreads.append(np.quantile(np.abs(np.concatenate(drawn)), [0.25, 0.5, 0.75]))
    np.testing.assert_allclose(spreads[1], spreads[0], rtol=0.25)


def test_long_networks_are_always_told_a_season_and_hours_of_weeks_the_week_as_well(windows):
    rng = np.random.default_rng(0)
    *_, shorter, longest = windows.Kind(LONG).buckets
    told = {
        bucket: {windows._seasons(bucket, rng, LONG) for _ in range(300)} for bucket in (shorter, longest)
    }
    assert all(season > 1 for seasons in told.values() for season, _ in seasons)
    assert (24, 168) in told[longest]
    assert not any(long for _, long in told[shorter])


def test_long_networks_read_windows_of_their_form(windows):
    kind = windows.Kind(LONG)
    drawn = windows.draw(kind.buckets[-1], np.random.default_rng(0), 40, kind)
    assert drawn.patches.shape[1:] == (32, LONG.sizes.patch)
    assert drawn.steps.shape[2] == LONG.sizes.step
