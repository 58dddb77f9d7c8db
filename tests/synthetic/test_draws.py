import numpy as np
import pytest

from ostinato.synthetic import draws


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_poles_lie_inside_the_unit_disc(rng):
    first, second = draws.poles(rng, 500)
    roots = np.array([np.roots([1, -a, -b]) for a, b in zip(first, second, strict=True)])
    assert np.abs(roots).max() < 1


def test_autoregressive_noise_has_unit_scale(rng):
    spread = draws.autoregressive_noise(rng, 2000, 200).std(axis=0)
    assert np.median(spread) == pytest.approx(1.0, abs=0.25)


def test_log_uniform_stays_between_its_bounds(rng):
    drawn = draws.log_uniform(rng, 0.1, 10.0, 1000)
    assert drawn.min() >= 0.0999
    assert drawn.max() <= 10.001
    assert np.median(drawn) == pytest.approx(1.0, rel=0.3)


@pytest.mark.parametrize("season_length", [2, 4, 12, 52])
def test_a_pattern_has_mean_zero_and_unit_spread(rng, season_length):
    pattern = draws.pattern(rng, season_length, 300)
    assert pattern.shape == (season_length, 300)
    assert np.abs(pattern.mean(axis=0)).max() < 1e-4
    assert np.median(pattern.std(axis=0)) == pytest.approx(1.0, abs=0.01)


def test_a_season_of_one_step_is_flat(rng):
    assert not draws.seasonal(rng, 30, 5, 1).any()


def test_half_of_placed_signals_are_positive(rng):
    placed = draws.place(rng, rng.standard_normal((200, 400), dtype=np.float32))
    assert placed.shape == (400, 200)
    assert (placed.min(axis=1) > 0).mean() > 0.5
