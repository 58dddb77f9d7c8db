"""Quantiles of networks made as wide as a backtest asks for."""

import json
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from ostinato.errors import ModelFileError
from ostinato.evaluate.conformal import Conformal
from ostinato.evaluate.knots import LEVELS
from ostinato.evaluate.recalibration import Recalibration
from ostinato.evaluate.scores import level_columns

DEVIATES = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
H, ORIGINS, PAST = 3, 4, 20


def backtest_of(series, *, spread=1.0, said=1.0, seed=0, whole=False):
    """Series of noise around 100, their last origins forecast by 100 with quantiles of another spread."""
    random = np.random.default_rng(seed)
    rows = PAST + ORIGINS * H
    y = 100 + spread * random.standard_normal((series, rows))
    y = np.maximum(np.rint(y - 100), 0.0) if whole else y
    middle = 0.0 if whole else 100.0
    ds = np.tile(np.arange(rows), series)
    names = np.repeat([f"s{number}" for number in range(series)], rows)
    frame = pd.DataFrame({"unique_id": names, "ds": ds, "y": y.ravel()})
    cv = frame[frame["ds"] >= PAST].reset_index(drop=True)
    cv["cutoff"] = PAST - 1 + (cv["ds"] - PAST) // H * H
    cv["Net"] = middle
    cv[level_columns("Net")] = middle + said * DEVIATES
    return cv, frame


def learn(cv, frame, **options):
    plain = Conformal.from_backtest(cv, frame, 1, model="Net")
    return Recalibration.from_backtest(cv, frame, plain, model="Net", **options)


def forecast_of(frame, said=1.0):
    names = frame["unique_id"].drop_duplicates()
    table = pd.DataFrame({"unique_id": names.repeat(H), "ds": np.tile(np.arange(H), len(names))})
    table = table.reset_index(drop=True).assign(forecast=100.0)
    table[level_columns("forecast")] = 100.0 + said * DEVIATES
    return table


@pytest.mark.parametrize("said", [0.3, 1.0, 4.0])
def test_intervals_hold_their_level_whatever_the_network_said(said):
    cv, frame = backtest_of(200, said=said)
    found = learn(cv, frame).apply(forecast_of(frame, said), [80, 95], history=frame)
    truth = 100 + np.random.default_rng(9).standard_normal((400, 1))
    for level in (80, 95):
        low, high = (found[f"forecast-{end}-{level}"].to_numpy() for end in ("lo", "hi"))
        assert ((truth >= low) & (truth <= high)).mean() == pytest.approx(level / 100, abs=0.02)


def test_the_longer_side_of_an_interval_stays_the_longer_one():
    cv, frame = backtest_of(100)
    table = forecast_of(frame)
    columns = level_columns("forecast")
    above = columns[LEVELS.index(0.5) + 1 :]
    table[above] = 100 + 3 * (table[above] - 100)
    found = learn(cv, frame).apply(table, [80], history=frame)
    below, over = 100 - found["forecast-lo-80"], found["forecast-hi-80"] - 100
    assert (over / below).to_numpy() == pytest.approx(3.0)


def test_without_doubt_the_quantiles_stay_as_the_network_gave_them():
    cv, frame = backtest_of(100, said=0.5)
    own = learn(cv, frame, doubt=0.0)
    assert own.trust == 0.0
    found = own.apply(forecast_of(frame, 0.5), [80], quantiles=[0.3], history=frame)
    assert found["forecast-hi-80"].to_numpy() == pytest.approx(100 + 0.5 * DEVIATES[-1])
    assert found["forecast-q-30"].to_numpy() == pytest.approx(100 + 0.5 * DEVIATES[2])


def test_many_series_are_believed_more_than_one():
    one, many = (learn(*backtest_of(series), doubt=0.18).trust for series in (1, 100))
    assert 0 < one < 0.3 < 0.7 < many < 1


def test_quantiles_replace_those_of_the_network_and_rise():
    cv, frame = backtest_of(30)
    wanted = np.linspace(0.01, 0.99, 25)
    found = learn(cv, frame).apply(forecast_of(frame), [], quantiles=wanted, history=frame)
    names = [f"forecast-q-{100 * quantile:g}" for quantile in wanted]
    assert list(found.columns) == ["unique_id", "ds", "forecast", *names]
    assert (np.diff(found[names].to_numpy(), axis=1) >= 0).all()
    assert found["forecast-q-50"].to_numpy() == pytest.approx(100.0)


def test_paths_are_distributed_as_the_intervals_say():
    cv, frame = backtest_of(50, said=0.5)
    own, table = learn(cv, frame), forecast_of(frame, 0.5)
    normal = np.random.default_rng(0).standard_normal((2000, 50, H))
    paths = own.sample(table, normal, history=frame)
    low, high = np.quantile(paths, [0.1, 0.9], axis=(0, 1))
    ends = own.apply(table, [80], history=frame)[["forecast-lo-80", "forecast-hi-80"]].to_numpy()[:H]
    assert np.stack([low, high], axis=1) == pytest.approx(ends, abs=0.05)


def test_counts_that_are_often_0_keep_the_intervals_of_their_errors():
    cv, frame = backtest_of(20, spread=0.7, whole=True)
    assert learn(cv, frame) is None
    mixed_cv, mixed = backtest_of(20)
    frame = pd.concat([mixed, frame.assign(unique_id="c" + frame["unique_id"])], ignore_index=True)
    cv = pd.concat([mixed_cv, cv.assign(unique_id="c" + cv["unique_id"])], ignore_index=True)
    own, table = learn(cv, frame), forecast_of(frame)
    found = own.apply(table, [80], history=frame)
    plain = own.plain.apply(table[["unique_id", "ds", "forecast"]], [80], history=frame)
    counts = found["unique_id"].str.startswith("c")
    assert found[counts].equals(plain[counts])
    assert not found[~counts].equals(plain[~counts])


def test_origins_in_the_first_half_of_a_series_do_not_count():
    cv, frame = backtest_of(70)
    early = cv.assign(cutoff=cv["cutoff"] - 15, y=1000.0)
    early["ds"] -= 15
    both = pd.concat([early, cv]).sort_values(["unique_id", "cutoff", "ds"], ignore_index=True)
    found, expected = (learn(table, frame).sizes.widths(H) for table in (both, cv))
    assert found == pytest.approx(expected)


def test_a_backtest_without_quantiles_teaches_nothing():
    cv, frame = backtest_of(5)
    assert learn(cv.drop(columns=level_columns("Net")), frame) is None


def test_few_errors_do_not_tell_how_wide_the_quantiles_of_an_unknown_network_should_be():
    cv, frame = backtest_of(2)
    assert learn(cv, frame) is None
    assert learn(cv, frame, doubt=0.18) is not None


def test_what_was_learned_survives_json():
    own = learn(*backtest_of(10), doubt=0.2)
    assert Recalibration.from_dict(json.loads(json.dumps(own.to_dict())), own.plain) == own


@pytest.mark.parametrize("change", [{"trust": 2.0}, {"trust": None}, {"sizes": 3}])
def test_a_damaged_part_is_refused(change):
    own = learn(*backtest_of(10), doubt=0.2)
    with pytest.raises(ModelFileError, match="the intervals of the model file are damaged"):
        Recalibration.from_dict({**own.to_dict(), **change}, own.plain)


def test_trust_lies_between_the_network_and_the_errors():
    cv, frame = backtest_of(100, said=0.5)
    own = learn(cv, frame)
    widths = [
        float(
            replace(own, trust=trust)
            .apply(forecast_of(frame, 0.5), [80], history=frame)["forecast-hi-80"]
            .iloc[0]
        )
        for trust in (0.0, 0.5, 1.0)
    ]
    assert widths[0] < widths[1] < widths[2]
