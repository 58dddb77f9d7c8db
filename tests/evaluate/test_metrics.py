"""The metrics against formulas worked by hand and against utilsforecast."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ostinato.errors import ConfigError
from ostinato.evaluate import metrics

NAN = float("nan")
Y = [10.0, NAN, 14.0, 8.0]
PREDICTION = [12.0, 99.0, 13.0, 8.0]
PAST = [4.0, 7.0, 6.0, 9.0, 5.0]


def drawn(seed: int = 3, rows: int = 40) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "unique_id": "a",
            "ds": np.arange(rows),
            "y": random.normal(50, 10, rows),
            "model": random.normal(50, 10, rows),
            "low": random.normal(40, 5, rows),
            "high": random.normal(60, 5, rows),
        }
    )


def test_mae_is_the_mean_of_absolute_errors_over_known_values():
    assert metrics.mae(Y, PREDICTION) == pytest.approx((2 + 1 + 0) / 3)


def test_rmse_is_the_root_of_the_mean_square_over_known_values():
    assert metrics.rmse(Y, PREDICTION) == pytest.approx(((4 + 1 + 0) / 3) ** 0.5)


def test_smape_counts_from_0_to_200():
    expected = 200 * (2 / 22 + 1 / 27 + 0) / 3
    assert metrics.smape(Y, PREDICTION) == pytest.approx(expected)
    assert metrics.smape([1.0], [-1.0]) == 200.0


def test_smape_of_zero_forecast_as_zero_is_zero():
    assert metrics.smape([0.0, 2.0], [0.0, 2.0]) == 0.0


def test_mase_divides_by_seasonal_naive_of_the_past():
    # |6-4| , |9-7|, |5-6| for a season of 2
    assert metrics.mase(Y, PREDICTION, past=PAST, season_length=2) == pytest.approx(1.0 / (5 / 3))


def test_seasonal_scale_passes_over_missing_values():
    assert metrics.seasonal_scale([1.0, NAN, 4.0, 2.0, 5.0], 2) == pytest.approx((3 + 1) / 2)


def test_seasonal_scale_of_a_past_within_one_season_is_that_of_single_steps():
    assert metrics.seasonal_scale([1.0, 3.0, 4.0], 12) == pytest.approx(1.5)


@pytest.mark.parametrize("past", [[], [3.0], [2.0, 2.0, 2.0], [NAN, NAN]])
def test_mase_without_a_scale_is_unknown(past):
    assert np.isnan(metrics.mase([1.0], [2.0], past=past))


def test_owa_is_the_mean_of_two_ratios():
    y, prediction, reference, past = [10.0, 20.0], [11.0, 19.0], [14.0, 26.0], [8.0, 9.0, 12.0]
    smape_ratio = (1 / 21 + 1 / 39) / (4 / 24 + 6 / 46)
    mae_ratio = 1.0 / 5.0
    found = metrics.owa(y, prediction, reference=reference, past=past)
    assert found == pytest.approx((smape_ratio + mae_ratio) / 2)


def test_owa_of_the_reference_is_one():
    assert metrics.owa([1.0, 5.0], [2.0, 3.0], reference=[2.0, 3.0], past=[1.0, 2.0]) == 1.0


def test_quantile_loss_weighs_the_two_sides():
    assert metrics.quantile_loss([10.0, 10.0], [8.0, 13.0], level=0.9) == pytest.approx(
        (0.9 * 2 + 0.1 * 3) / 2
    )


def test_crps_of_many_normal_quantiles_approaches_the_closed_form():
    # CRPS of N(0, 1) at y: y (2 Phi(y) - 1) + 2 phi(y) - 1 / sqrt(pi), Gneiting and Raftery (2007), eq. 21
    from statistics import NormalDist

    normal, y, count = NormalDist(), 0.7, 2000
    levels = (np.arange(count) + 0.5) / count
    quantiles = [[normal.inv_cdf(level) for level in levels]]
    exact = y * (2 * normal.cdf(y) - 1) + 2 * normal.pdf(y) - 1 / np.sqrt(np.pi)
    assert metrics.crps([y], quantiles, levels=levels) == pytest.approx(exact, abs=1e-3)


def test_coverage_counts_the_ends_as_inside():
    assert metrics.coverage(
        [1.0, 2.0, 3.0, NAN], [1.0, 0.0, 4.0, 0.0], [2.0, 2.0, 5.0, 1.0]
    ) == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", ["mae", "rmse"])
def test_simple_errors_agree_with_utilsforecast(name, losses):
    frame = drawn()
    expected = getattr(losses, name)(frame, ["model"])["model"][0]
    assert metrics.METRICS[name](frame["y"], frame["model"]) == pytest.approx(expected)


def test_smape_is_200_times_that_of_utilsforecast(losses):
    frame = drawn()
    expected = 200 * losses.smape(frame, ["model"])["model"][0]
    assert metrics.smape(frame["y"], frame["model"]) == pytest.approx(expected)


@pytest.mark.parametrize("season_length", [1, 4, 12])
def test_mase_agrees_with_utilsforecast(season_length, losses):
    frame, past = drawn(), drawn(seed=4, rows=60)
    past["ds"] -= 60
    expected = losses.mase(frame, ["model"], season_length, past)["model"][0]
    found = metrics.mase(frame["y"], frame["model"], past=past["y"], season_length=season_length)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.975])
def test_quantile_loss_agrees_with_utilsforecast(level, losses):
    frame = drawn()
    expected = losses.quantile_loss(frame, {"model": "model"}, q=level)["model"][0]
    assert metrics.quantile_loss(frame["y"], frame["model"], level=level) == pytest.approx(expected)


def test_crps_is_the_scaled_one_of_utilsforecast_times_the_mean_size(losses):
    frame = drawn()
    levels = np.array([0.1, 0.9])
    scaled = losses.scaled_crps(frame, {"model": ["low", "high"]}, levels)["model"][0]
    found = metrics.crps(frame["y"], frame[["low", "high"]], levels=levels)
    assert found / frame["y"].abs().mean() == pytest.approx(scaled)


def test_coverage_agrees_with_utilsforecast(losses):
    frame = drawn().rename(columns={"low": "model-lo-80", "high": "model-hi-80"})
    expected = losses.coverage(frame, ["model"], 80)["model"][0]
    assert metrics.coverage(frame["y"], frame["model-lo-80"], frame["model-hi-80"]) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["mae", "rmse", "smape"])
def test_nothing_to_compare_gives_nan(name):
    assert np.isnan(metrics.METRICS[name]([NAN], [1.0]))
    assert np.isnan(metrics.METRICS[name]([], []))


@pytest.mark.parametrize("name", ["mae", "rmse", "smape"])
def test_a_missing_forecast_of_a_known_value_is_not_skipped(name):
    assert np.isnan(metrics.METRICS[name]([1.0, 2.0], [1.0, NAN]))


@settings(max_examples=40)
@given(
    arrays(np.float64, 12, elements=st.floats(-1e6, 1e6)),
    arrays(np.float64, 12, elements=st.floats(-1e6, 1e6)),
)
def test_errors_are_symmetric_and_zero_only_at_the_truth(y, prediction):
    for name in ("mae", "rmse", "smape"):
        score = metrics.METRICS[name]
        assert score(y, y) == 0
        assert score(y, prediction) == pytest.approx(score(prediction, y))
        assert score(y, prediction) >= 0
    assert metrics.smape(y, prediction) <= 200 * (1 + 1e-12)
    assert (
        metrics.mae(y, prediction) <= metrics.rmse(y, prediction) * (1 + 1e-9) + 1e-100
    )  # squares underflow


def test_shapes_that_differ_are_refused():
    with pytest.raises(
        ConfigError, match=r"y has the shape \(2,\) but the prediction has \(1,\); give one forecast"
    ):
        metrics.mae([1.0, 2.0], [1.0])


def test_quantiles_of_the_wrong_shape_are_refused():
    with pytest.raises(
        ConfigError, match=r"quantiles have the shape \(1, 2\) but y has \(1,\) and there are 3"
    ):
        metrics.crps([1.0], [[1.0, 2.0]], levels=[0.1, 0.5, 0.9])


@pytest.mark.parametrize("level", [0, 1, 1.5])
def test_quantile_level_outside_the_unit_interval_is_refused(level):
    with pytest.raises(ConfigError, match=f"quantile level is {level}; it must lie between 0 and 1"):
        metrics.quantile_loss([1.0], [1.0], level=level)


def test_season_below_one_is_refused():
    with pytest.raises(ConfigError, match="season_length is 0; it must be at least 1"):
        metrics.mase([1.0], [1.0], past=[1.0, 2.0], season_length=0)
