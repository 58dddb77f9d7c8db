"""Covariates: columns kept beside the series, aligned ahead of it, scaled by their past."""

import numpy as np
import pandas as pd
import pytest

from ostinato.data import frames
from ostinato.data.covariates import ColumnScales, align_ahead
from ostinato.data.readers import from_frame
from ostinato.errors import ConfigError, DataError

MONTHS = pd.date_range("2024-01-01", periods=4, freq="MS")
FRAME = pd.DataFrame(
    {
        "unique_id": ["b"] * 4 + ["a"] * 4,
        "ds": [*MONTHS, *MONTHS],
        "y": range(8),
        "price": np.arange(8.0) * 10,
    }
)


def test_columns_stay_beside_their_rows_through_sorting_and_gaps():
    rows = FRAME.drop(index=[1]).sample(frac=1, random_state=0)
    regular = frames.regularise(frames.to_long(rows, covariates=["price"]).frame, "MS")
    assert regular["unique_id"].tolist() == ["a"] * 4 + ["b"] * 4
    np.testing.assert_array_equal(regular["price"], [40, 50, 60, 70, 0, np.nan, 20, 30])


def test_a_covariate_of_a_wide_frame_stands_beside_every_series():
    wide = pd.DataFrame({"ds": MONTHS, "shop": [1.0, 2, 3, 4], "web": [5.0, 6, 7, 8], "promo": [0, 1, 0, 1]})
    long = frames.to_long(wide, target_col=["shop", "web"], covariates=["promo"]).frame
    assert long["promo"].tolist() == [0, 1, 0, 1, 0, 1, 0, 1]


def test_a_covariate_that_is_not_there_lists_the_columns():
    with pytest.raises(
        DataError, match="the frame has no covariate 'cost'; its columns are 'unique_id', 'ds'"
    ):
        frames.to_long(FRAME, covariates=["cost"])


def test_a_covariate_named_twice_is_refused():
    with pytest.raises(ConfigError, match="covariate 'price' is named twice"):
        frames.to_long(FRAME, covariates=["price", "price"])


def test_a_covariate_of_text_is_refused_with_its_row():
    with pytest.raises(DataError, match="row 0: column 'price' holds 'dear', which is not a number"):
        frames.to_long(FRAME.assign(price="dear"), covariates=["price"])


def aligned(futr: pd.DataFrame, freq: str = "MS") -> pd.DataFrame:
    steps = frames.future(FRAME, freq, 2)
    last = FRAME.groupby("unique_id", sort=False)["ds"].last()
    return align_ahead(
        from_frame(futr, "futr_df"), steps, last, ["price"], freq=freq, time_col="ds", id_col="unique_id"
    )


AHEAD = pd.DataFrame(
    {
        "unique_id": ["a", "b", "a", "b"],
        "ds": pd.to_datetime(["2024-05-01"] * 2 + ["2024-06-01"] * 2),
        "price": [1, 2, 3, 4],
    }
)


def test_steps_ahead_are_put_in_the_order_of_the_history():
    found = aligned(AHEAD.sample(frac=1, random_state=1))
    assert found["unique_id"].tolist() == ["b", "b", "a", "a"]
    assert found["price"].tolist() == [2, 4, 1, 3]


def test_rows_of_the_history_and_of_later_steps_are_passed_over():
    more = pd.concat(
        [FRAME[["unique_id", "ds", "price"]], AHEAD, AHEAD.assign(ds=pd.Timestamp("2024-07-01"))]
    )
    assert aligned(more)["price"].tolist() == [2, 4, 1, 3]


def test_another_day_of_the_month_is_the_same_month():
    shifted = AHEAD.assign(ds=(AHEAD["ds"] + pd.offsets.MonthEnd(0)).astype(str))
    assert aligned(shifted)["price"].tolist() == [2, 4, 1, 3]


def test_without_names_the_rows_hold_for_every_series():
    shared = AHEAD[AHEAD["unique_id"] == "a"][["ds", "price"]]
    assert aligned(shared)["price"].tolist() == [1, 3, 1, 3]


def test_missing_steps_are_named_with_their_series():
    with pytest.raises(
        DataError, match=r"futr_df has no row for series 'b' at 2024-06-01; give the covariates of every step"
    ):
        aligned(AHEAD.head(3))
    with pytest.raises(
        DataError, match=r"series 'b' at 2024-05-01, 2024-06-01 \(1 other series lack rows as well\)"
    ):
        aligned(AHEAD.assign(ds=pd.Timestamp("2023-01-01")))


def test_scales_are_those_of_each_series_and_flags_stay():
    values = np.array([[1, 0], [3, 1], [np.nan, 0], [100, 0], [300, 0]], dtype=np.float32)
    scales = ColumnScales.fit(values, np.array([0, 3]))
    assert scales.offset.tolist() == [[2, 0], [200, 0]]
    assert scales.scale.tolist() == [[1, 1], [100, 1]]
    scaled = scales.transform(values, np.array([0, 0, 0, 1, 1]))
    np.testing.assert_array_equal(scaled[:, 0], [-1, 1, np.nan, -1, 1])
    assert scales.transform(np.array([[1e9]], dtype=np.float32), np.array([0])).tolist() == [[10.0]]


def test_a_covariate_that_never_moved_is_centred():
    scales = ColumnScales.fit(np.full((4, 1), 7.5, dtype=np.float32), np.array([0]))
    assert scales.transform(np.array([[8.5]], dtype=np.float32), np.array([0])).tolist() == [[1.0]]
