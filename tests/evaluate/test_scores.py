"""The leaderboard against scores worked by hand and against utilsforecast."""

import numpy as np
import pandas as pd
import pytest

from ostinato.errors import DataError
from ostinato.evaluate import baselines, metrics, scores
from ostinato.evaluate.backtest import backtest

MODELS = ["Naive", "SeasonalNaive", "Drift"]


def long(series: dict[str, int], seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.concat(
        [
            pd.DataFrame(
                {"unique_id": name, "ds": np.arange(rows), "y": random.normal(0, 1, rows).cumsum() + 30}
            )
            for name, rows in series.items()
        ],
        ignore_index=True,
    )


def judged(frame: pd.DataFrame, season: int = 4) -> pd.DataFrame:
    return backtest(baselines.makers(season, 1, extra=False), frame, h=4, freq=1, n_windows=3)


def scores_of(cv: pd.DataFrame, frame: pd.DataFrame, season: int) -> dict[str, dict[str, float]]:
    return scores.as_dict(scores.leaderboard(cv, frame, season))


def test_scores_agree_with_the_metrics_cell_by_cell():
    frame = long({"a": 40, "b": 29})
    cv = judged(frame)
    found = scores_of(cv, frame, 4)
    for model in MODELS:
        mases, rmses = [], []
        for uid, table in cv.groupby("unique_id"):
            rmses.append(metrics.rmse(table["y"], table[model]))
            for cutoff, cell in table.groupby("cutoff"):
                past = frame[(frame["unique_id"] == uid) & (frame["ds"] <= cutoff)]["y"]
                mases.append(metrics.mase(cell["y"], cell[model], past=past, season_length=4))
        assert found[model]["mae"] == pytest.approx(metrics.mae(cv["y"], cv[model]))
        assert found[model]["smape"] == pytest.approx(metrics.smape(cv["y"], cv[model]))
        assert found[model]["mase"] == pytest.approx(np.mean(mases))
        assert found[model]["rmse"] == pytest.approx(np.mean(rmses))


def test_mase_is_the_mean_of_utilsforecasts_over_series_and_cutoffs(losses):
    frame = long({"a": 40, "b": 29})
    cv = judged(frame)
    expected = losses.mase(cv, MODELS, 4, frame)[MODELS].mean()
    found = scores_of(cv, frame, 4)
    for model in MODELS:
        assert found[model]["mase"] == pytest.approx(expected[model])


@pytest.mark.data
def test_seasonal_naive_on_milk_has_its_known_mase(milk_csv):
    table = pd.read_csv(milk_csv)
    frame = pd.DataFrame(
        {"unique_id": "milk", "ds": pd.to_datetime(table["Date"]), "y": table["Production"].astype(float)}
    )
    cv = backtest(baselines.makers(12, "MS", extra=False), frame, h=12, freq="MS", n_windows=8)
    assert scores_of(cv, frame, 12)["SeasonalNaive"]["mase"] == pytest.approx(0.899, abs=5e-4)


def test_models_are_sorted_by_mase():
    frame = long({"a": 40, "b": 29})
    board = scores.leaderboard(judged(frame), frame, 4)
    assert list(board.columns) == ["model", "mae", "rmse", "mase", "smape"]
    assert board["mase"].is_monotonic_increasing


def test_values_after_a_cutoff_do_not_change_its_scale():
    frame = long({"a": 40})
    cv = judged(frame)
    before = scores.cells(cv, frame, 4).scale
    frame.loc[frame["ds"] > cv["cutoff"].min(), "y"] += 1000
    assert scores.cells(cv, frame, 4).scale[0] == before[0]


def test_missing_truths_are_skipped():
    frame = long({"a": 40})
    cv = judged(frame)
    cv.loc[[0, 5], "y"] = np.nan
    rest = cv.drop(index=[0, 5])
    found = scores.cells(cv, frame, 4)
    assert found.mae[0, 0] == pytest.approx(metrics.mae(rest["y"][:3], rest["Naive"][:3]))


def test_a_cell_that_one_model_could_not_forecast_counts_for_none():
    frame = long({"a": 40})
    cv = judged(frame)
    cv.loc[2, "Drift"] = np.nan
    rest = cv.iloc[4:]
    found = scores_of(cv, frame, 4)
    assert found["Naive"]["mae"] == pytest.approx(metrics.mae(rest["y"], rest["Naive"]))


def test_a_model_without_any_forecast_hinders_no_other():
    frame = long({"a": 40})
    cv = judged(frame)
    found = scores_of(cv.assign(silent=np.nan), frame, 4)
    assert np.isnan(found["silent"]["mase"])
    assert found["Naive"] == scores_of(cv, frame, 4)["Naive"]
    assert list(found)[-1] == "silent"


def test_a_constant_series_has_no_mase_but_an_mae():
    frame = long({"a": 40}).assign(y=3.0)
    board = scores.leaderboard(judged(frame), frame, 4)
    assert board["mase"].isna().all()
    assert (board["mae"] == 0).all()


def test_a_huge_series_does_not_spoil_the_scale_of_the_next():
    frame = long({"a": 30, "b": 30})
    alone = scores.running_scale(frame[frame["unique_id"] == "b"], 4)
    frame.loc[frame["unique_id"] == "a", "y"] *= 1e18
    np.testing.assert_allclose(scores.running_scale(frame, 4)[30:], alone, rtol=1e-12)


def test_the_running_scale_is_that_of_every_past():
    frame = long({"a": 15, "b": 6})
    frame.loc[[3, 9, 17], "y"] = np.nan
    found = scores.running_scale(frame, 5)
    for row in range(len(frame)):
        past = frame["y"][0 if row < 15 else 15 : row + 1]
        np.testing.assert_allclose(found[row], metrics.seasonal_scale(past, 5), rtol=1e-12)


def test_a_backtest_without_models_is_refused():
    frame = long({"a": 40})
    with pytest.raises(DataError, match="the backtest has no column of a model"):
        scores.leaderboard(judged(frame)[["unique_id", "ds", "cutoff", "y"]], frame, 4)


def test_a_frame_without_the_cutoffs_is_refused():
    frame = long({"a": 40})
    with pytest.raises(
        DataError, match="cut-off 27 is not a time of series 'a'; give the frame of the backtest"
    ):
        scores.leaderboard(judged(frame), frame[frame["ds"] > 30], 4)
