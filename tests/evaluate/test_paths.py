"""Sample paths: sums over steps and over series hold what comes true."""

import json

import numpy as np
import pandas as pd
import pytest

from ostinato.errors import ModelFileError
from ostinato.evaluate import baselines
from ostinato.evaluate.backtest import backtest
from ostinato.evaluate.conformal import Conformal
from ostinato.evaluate.paths import Dependence

TABLE = pd.DataFrame({"unique_id": "a", "ds": range(12), "forecast": 0.0})


def errors_of(kind: str, cells: int, random: np.random.Generator) -> np.ndarray:
    noise = random.normal(size=(cells, 12))
    if kind == "walk":
        return noise.cumsum(axis=1)
    if kind == "level":
        return noise[:, :1] + 0.3 * noise
    if kind == "autoregressive":
        for step in range(1, 12):
            noise[:, step] = 0.8 * noise[:, step - 1] + 0.6 * noise[:, step]
    return noise


@pytest.mark.parametrize("kind", ["walk", "independent", "autoregressive", "level"])
@pytest.mark.parametrize("cells", [8, 80])
def test_the_sum_over_the_steps_is_covered(kind, cells):
    random = np.random.default_rng(1)
    held = []
    for _ in range(100):
        errors = errors_of(kind, cells + 20, random)
        normal = Dependence.fit(errors[:cells]).draw(200, 1, 12, random)
        sums = Conformal.fit(errors[:cells]).sample(TABLE, normal)[:, 0].sum(axis=1)
        low, high = np.quantile(sums, [0.1, 0.9])
        held.append(((low <= errors[cells:].sum(axis=1)) & (errors[cells:].sum(axis=1) <= high)).mean())
    assert 0.72 <= np.mean(held) <= 0.92


def test_independent_and_common_errors_give_narrow_and_wide_sums():
    random = np.random.default_rng(2)
    spread = {}
    for kind in ("independent", "level"):
        found = Dependence.fit(errors_of(kind, 200, random)).draw(4000, 1, 12, random)
        spread[kind] = found[:, 0].sum(axis=1).std()
    assert spread["independent"] == pytest.approx(np.sqrt(12), rel=0.15)
    assert spread["level"] == pytest.approx(12 * np.sqrt(1 / 1.09), rel=0.05)


def test_each_step_is_distributed_as_its_interval_says():
    errors = errors_of("walk", 100, np.random.default_rng(3))
    conformal = Conformal.fit(errors)
    normal = Dependence.fit(errors).draw(20_000, 1, 12, np.random.default_rng(0))
    paths = conformal.sample(TABLE, normal)[:, 0]
    expected = conformal.apply(TABLE, [80])["forecast-hi-80"].to_numpy()
    assert np.quantile(paths, 0.9, axis=0) == pytest.approx(expected, rel=0.05)


def series_with_common_shocks(share: float, random: np.random.Generator) -> pd.DataFrame:
    common = np.sqrt(share) * random.normal(size=120).cumsum()
    parts = [
        pd.DataFrame(
            {
                "unique_id": f"s{number}",
                "ds": np.arange(120),
                "y": 100 + common + np.sqrt(1 - share) * random.normal(size=120).cumsum(),
            }
        )
        for number in range(10)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_series_that_move_together_are_drawn_together(share):
    random = np.random.default_rng(4)
    found = []
    for _ in range(5):
        frame = series_with_common_shocks(share, random)
        cv = backtest(baselines.makers(1, 1, extra=False), frame, h=3, freq=1, n_windows=30)
        found.append(Dependence.from_backtest(cv, frame, 1, model="Naive").shared)
    assert np.mean(found) == pytest.approx(share, abs=0.12)


def test_one_step_and_no_whole_path_are_understood():
    random = np.random.default_rng(5)
    assert Dependence.fit(np.ones((8, 1))).steps == ((1.0,),)
    gaps = np.full((4, 3), np.nan)
    gaps[:, 0] = 1.0
    drawn = Dependence.fit(gaps).draw(2000, 1, 3, random)[:, 0]
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(0.75, abs=0.15)


def test_drawn_numbers_are_standard_normal_for_fewer_steps_as_well():
    errors = errors_of("autoregressive", 8, np.random.default_rng(6))
    drawn = Dependence.fit(errors).draw(5000, 2, 4, np.random.default_rng(0))
    assert drawn.shape == (5000, 2, 4)
    assert drawn.std(axis=0) == pytest.approx(np.ones((2, 4)), abs=0.05)


def test_dictionary_survives_json():
    fitted = Dependence.fit(errors_of("walk", 8, np.random.default_rng(7)))
    assert Dependence.from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False))) == fitted


@pytest.mark.parametrize("change", [{"steps": [[1.0, 0.0]]}, {"steps": []}, {"shared": 2.0}, {"shared": "x"}])
def test_a_damaged_dictionary_is_refused(change):
    content = Dependence.fit(np.ones((3, 2))).to_dict()
    with pytest.raises(ModelFileError, match="the paths of the model file are damaged"):
        Dependence.from_dict(content | change)
