"""Seasons: found where there is one, and only there."""

import numpy as np
import pandas as pd
import pytest

from ostinato.data import seasons
from ostinato.data.seasons import assess_season, candidates, detect_common_season, detect_season


def repeating(period, length, noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    return np.tile(rng.normal(size=period), length // period + 1)[:length] + noise * rng.normal(size=length)


@pytest.mark.parametrize(
    ("freq", "periods"),
    [
        ("MS", (12,)),
        ("ME", (12,)),
        ("QS", (4,)),
        ("2MS", (6,)),
        ("YS", ()),
        ("W-SUN", (52,)),
        ("D", (7, 365)),
        ("B", (5, 261)),
        ("h", (24, 168)),
        ("30min", (48, 336)),
        ("15min", (96, 672)),
        ("min", (60, 1440, 10080)),
        ("2D", ()),
        ("2W-MON", (26,)),
    ],
)
def test_candidates_of_frequencies(freq, periods):
    assert candidates(freq) == periods


@pytest.mark.parametrize(
    ("period", "freq"), [(12, "MS"), (4, "QS"), (7, "D"), (365, "D"), (24, "h"), (48, "30min"), (52, "W-SUN")]
)
def test_season_is_found(period, freq):
    assert detect_season(repeating(period, 6 * period + 3, noise=0.1), freq) == period


@pytest.mark.parametrize("period", [4, 7, 12, 24, 48, 52])
def test_season_of_integer_times_is_found_among_common_cycles(period):
    assert detect_season(repeating(period, 8 * period, noise=0.1), 1) == period


@pytest.mark.parametrize(
    ("freq", "length"), [("MS", 60), ("MS", 168), ("QS", 40), ("D", 400), ("h", 500), (1, 200)]
)
def test_white_noise_has_a_season_in_at_most_three_of_a_hundred(freq, length):
    rng = np.random.default_rng(1)
    found = sum(detect_season(rng.normal(size=length), freq) > 1 for _ in range(100))
    assert found <= 3


@pytest.mark.parametrize("freq", ["MS", "D", "h"])
def test_random_walks_seldom_have_a_season(freq):
    rng = np.random.default_rng(2)
    found = sum(detect_season(rng.normal(size=200).cumsum(), freq) > 1 for _ in range(100))
    assert found <= 4


def test_trend_level_and_scale_do_not_matter():
    values = repeating(12, 96)
    plain = assess_season(values, 12)
    moved = assess_season(1000 * values + 5e5 + 300.0 * np.arange(96), 12)
    assert moved.z == pytest.approx(plain.z, rel=1e-6)
    assert moved.strength == pytest.approx(plain.strength, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-200, 1e300])
def test_units_of_any_size_do_not_matter(scale):
    values = repeating(12, 96)
    assert assess_season(scale * values, 12).z == pytest.approx(assess_season(values, 12).z)


def test_a_single_value_near_the_largest_number_makes_no_season():
    values = np.r_[np.tile(np.arange(7.0), 9), 1e308]
    assert detect_season(values, "MS") == 1


def test_high_level_hides_no_season():
    assert detect_season(repeating(12, 120) + 1e12, "MS") == 12


def test_rounding_of_a_high_level_is_no_season():
    assert detect_season(1e6 + np.tile([1e-10, 0.0, 0.0, 0.0], 30), "QS") == 1


def test_missing_values_are_tolerated():
    values = repeating(12, 96)
    values[np.random.default_rng(0).random(96) < 0.15] = np.nan
    assert detect_season(values, "MS") == 12
    assert detect_season([np.nan] * 48, "MS") == 1


def test_one_outlier_neither_makes_nor_hides_a_season():
    noise = np.random.default_rng(3).normal(size=96)
    noise[50] = 1e4
    assert detect_season(noise, "MS") == 1
    values = repeating(12, 96)
    values[50] = 1e4
    assert detect_season(values, "MS") == 12


def test_fewer_than_three_cycles_tell_nothing():
    assert detect_season(repeating(12, 35, noise=0), "MS") == 1
    assert detect_season([], "MS") == 1
    assert detect_season(np.full(60, 5.0), "MS") == 1


def test_exact_repetition_is_a_season():
    assert detect_season(repeating(12, 48, noise=0), "MS") == 12


def test_deviate_agrees_with_the_f_distribution():
    stats = pytest.importorskip("scipy.stats")
    for ratio, free in [(1.0, (11, 84)), (3.0, (11, 84)), (2.0, (3, 30)), (5.0, (6, 12))]:
        exact = stats.norm.isf(stats.f.sf(ratio, *free))
        assert seasons._normal_deviate(ratio, *map(float, free)) == pytest.approx(exact, abs=0.05)


def test_strength_is_the_share_of_variance_the_season_explains():
    values = repeating(12, 6000, noise=0.5)
    profile = np.random.default_rng(0).normal(size=12)
    expected = profile.var() / (profile.var() + 0.25)
    assert assess_season(values, 12).strength == pytest.approx(expected, abs=0.03)


def frame_of(series):
    return pd.concat(
        [pd.DataFrame({"unique_id": f"s{i:05d}", "y": y}) for i, y in enumerate(series)], ignore_index=True
    )


def test_common_season_needs_a_third_of_the_series():
    rng = np.random.default_rng(0)
    noise = [rng.normal(size=96) for _ in range(20)]
    clear = [repeating(12, 96, seed=i) for i in range(20)]
    assert detect_common_season(frame_of(noise + clear[:15]), "MS") == 12
    assert detect_common_season(frame_of(noise + clear[:4]), "MS") == 1


def test_many_series_are_sampled():
    import time

    ids = np.repeat(np.arange(20_000), 48)
    frame = pd.DataFrame({"unique_id": ids, "y": np.tile(repeating(12, 48), 20_000)})
    start = time.thread_time()
    assert detect_common_season(frame, "MS") == 12
    assert time.thread_time() - start < 2.0  # 0.2 s; the rest is for slower machines
