"""The verdict: what it says where the truth is known, and how often it is wrong."""

import numpy as np
import pandas as pd
import pytest

from ostinato.errors import ConfigError
from ostinato.evaluate import verdict
from ostinato.evaluate.verdict import judge

H = 4


def drawn(
    origins: int, *, series: int = 1, seed: int = 0, **sizes: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A backtest whose models err by known sizes, and its frame (scale near 1)."""
    random = np.random.default_rng(seed)
    rows = 30 + H * origins
    frame = pd.concat(
        [
            pd.DataFrame(
                {"unique_id": f"s{number:03d}", "ds": np.arange(rows), "y": random.normal(0, 1, rows)}
            )
            for number in range(series)
        ],
        ignore_index=True,
    )
    cv = frame[frame["ds"] >= 30].copy()
    cv.insert(2, "cutoff", 29 + (cv["ds"] - 30) // H * H)
    for name, size in sizes.items():
        cv[name] = cv["y"] + size * random.normal(1, 0.2, len(cv)) * random.choice([-1, 1], len(cv))
    return cv.reset_index(drop=True), frame


def test_a_network_that_is_surely_better_is_to_be_used():
    cv, frame = drawn(8, net=0.5, SeasonalNaive=1.0, Naive=2.0)
    found = judge(cv, frame, 12, model="net")
    assert found.best == "net"
    assert found.beats_seasonal_naive is True
    assert found.improvement == pytest.approx(0.5, abs=0.1)
    assert 0 < found.interval[0] < found.improvement < found.interval[1] < 1
    assert found.origins == 8
    low, high = (f"{100 * end:.0f} %" for end in found.interval)
    assert found.text == (
        "net is better than the best baseline, SeasonalNaive: "
        f"its error is {100 * found.improvement:.0f} % lower "
        f"(95 % interval {low} to {high} lower, 8 origins). net's forecast is the one to use."
    )


def test_a_network_that_is_worse_leaves_the_forecast_to_the_best_baseline():
    cv, frame = drawn(8, net=1.0, SeasonalNaive=2.0, Naive=0.5)
    found = judge(cv, frame, 12, model="net")
    assert found.best == "Naive"
    assert found.beats_seasonal_naive is True
    assert found.improvement < 0
    assert "net is not better than the best baseline, Naive: its error is" in found.text
    low, high = (f"{-100 * end:.0f} %" for end in reversed(found.interval))
    assert f"% higher (95 % interval {low} to {high} higher, 8 origins)" in found.text
    assert found.text.endswith("Naive's forecast is the one to use.")


def test_a_difference_that_may_be_chance_is_called_so():
    cv, frame = drawn(8, net=0.99, SeasonalNaive=1.0)
    cv.loc[cv["cutoff"] == cv["cutoff"].min(), "net"] += 0.5
    cv.loc[cv["cutoff"] == cv["cutoff"].max(), "SeasonalNaive"] = cv["y"] + 3
    found = judge(cv, frame, 12, model="net")
    assert found.improvement > 0 > found.interval[0]
    assert found.best == "net"
    assert found.beats_seasonal_naive is True
    assert "net did better than the best baseline" in found.text
    assert "lower, though that may be chance (95 % interval" in found.text
    assert "% higher to " in found.text


@pytest.mark.parametrize("origins", [1, 2])
def test_fewer_than_three_origins_are_too_little(origins):
    cv, frame = drawn(origins, net=0.5, SeasonalNaive=1.0, Naive=2.0)
    found = judge(cv, frame, 12, model="net")
    assert found.best == "SeasonalNaive"
    assert found.beats_seasonal_naive is None
    assert np.isnan(found.interval).all()
    assert found.improvement > 0
    assert "too little history to tell" in found.text
    assert f"over {origins} origin" in found.text
    assert "lower than that of SeasonalNaive, which may be chance" in found.text


def test_no_backtest_at_all_is_too_little():
    cv, frame = drawn(1, net=0.5, Naive=1.0)
    for season, best in ((12, "SeasonalNaive"), (1, "Naive")):
        found = judge(cv.iloc[:0], frame, season, model="net")
        assert (found.best, found.origins, found.beats_seasonal_naive) == (best, 0, None)
        assert "no origin" in found.text


def test_many_series_tell_something_even_with_one_origin():
    cv, frame = drawn(1, series=40, net=0.5, SeasonalNaive=1.0)
    found = judge(cv, frame, 12, model="net")
    assert found.best == "net"
    assert "1 origin of 40 series" in found.text


def test_the_same_seed_gives_the_same_verdict():
    cv, frame = drawn(8, net=0.9, SeasonalNaive=1.0)
    assert judge(cv, frame, 12, model="net") == judge(cv, frame, 12, model="net")


def test_without_seasonal_naive_it_cannot_be_told_whether_it_is_beaten():
    cv, frame = drawn(8, net=0.5, Naive=1.0)
    assert judge(cv, frame, 12, model="net").beats_seasonal_naive is None


def test_constant_series_are_judged_in_their_own_unit():
    cv, frame = drawn(8, net=0.5, SeasonalNaive=1.0)
    found = judge(cv, frame.assign(y=1.0), 12, model="net")
    assert found.best == "net"


def test_baselines_without_any_error_are_to_be_used():
    cv, frame = drawn(8, net=0.5, SeasonalNaive=0.0)
    found = judge(cv, frame, 12, model="net")
    assert found.best == "SeasonalNaive"
    assert np.isfinite(found.improvement)
    assert "more than ten times higher" in found.text


def test_a_network_as_perfect_as_its_baseline_is_not_better():
    cv, frame = drawn(8, net=0.0, SeasonalNaive=0.0)
    found = judge(cv, frame, 12, model="net")
    assert (found.best, found.improvement) == ("SeasonalNaive", 0.0)
    assert "their errors are equal (8 origins)" in found.text


def test_equal_errors_over_few_origins_are_called_equal():
    cv, frame = drawn(2, net=0.0, SeasonalNaive=0.0)
    assert "over 2 origins its error equals that of SeasonalNaive." in judge(cv, frame, 12, model="net").text


def test_a_network_without_forecasts_cannot_be_judged():
    cv, frame = drawn(8, net=0.5, SeasonalNaive=1.0)
    found = judge(cv.assign(net=np.nan), frame, 12, model="net")
    assert found.best == "SeasonalNaive"
    assert "too little" in found.text


@pytest.mark.slow
@pytest.mark.parametrize("baselines", [1, 4])
def test_an_equal_network_is_seldom_called_better(baselines):
    # One-sided, a 95 % interval should lie above zero in 2.5 % of cases; the more baselines the less.
    names = {f"base{number}": 1.0 for number in range(baselines)}
    wrong = 0
    for seed in range(120):
        cv, frame = drawn(8, seed=seed, net=1.0, **names)
        wrong += judge(cv, frame, 1, model="net").interval[0] > 0
    assert wrong / 120 < 0.07


@pytest.mark.slow
def test_the_interval_holds_the_true_improvement_most_of_the_time():
    inside = 0
    for seed in range(150):
        cv, frame = drawn(8, seed=seed, net=0.8, SeasonalNaive=1.0)
        low, high = judge(cv, frame, 1, model="net").interval
        inside += low <= 0.2 <= high
    assert 0.87 < inside / 150 <= 1


def test_students_quantiles_are_those_of_the_tables():
    for freedom, expected in ((3, 3.182), (7, 2.365), (30, 2.042), (1000, 1.962)):
        assert verdict._student(0.975, freedom) == pytest.approx(expected, rel=0.01)


def test_a_model_that_was_not_in_the_backtest_is_refused():
    cv, frame = drawn(8, net=0.5, Naive=1.0)
    with pytest.raises(
        ConfigError, match="the backtest has the models net, Naive; to judge 'LSTM' it needs that"
    ):
        judge(cv, frame, 12, model="LSTM")
    with pytest.raises(ConfigError, match="it needs that and a baseline"):
        judge(cv.drop(columns="Naive"), frame, 12, model="net")


def test_of_two_networks_the_better_one_is_judged():
    cv, frame = drawn(8, one=0.9, two=0.4, SeasonalNaive=1.0)
    both = judge(cv, frame, 12, model=["one", "two"])
    assert (both.best, both.network) == ("two", "two")
    assert both.improvement == judge(cv.drop(columns="one"), frame, 12, model="two").improvement


def test_two_equal_networks_are_called_better_no_more_often_than_one_by_much():
    wrong = [0, 0]
    for seed in range(60):
        cv, frame = drawn(8, seed=seed, one=1.0, two=1.0, SeasonalNaive=1.0, Naive=1.0)
        wrong[0] += judge(cv, frame, 12, model="one").interval[0] > 0
        wrong[1] += judge(cv, frame, 12, model=["one", "two"]).interval[0] > 0
    assert wrong[1] <= 0.1 * 60
    assert wrong[1] <= wrong[0] + 4
