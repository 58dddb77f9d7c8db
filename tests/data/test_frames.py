"""Frames of every kind to the grid and back."""

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data import frames
from ostinato.errors import ConfigError, DataError, OstinatoError

DAYS = pd.date_range("2024-01-01", periods=4, freq="D")


def long(ids="ab", ds=DAYS):
    return pd.DataFrame(
        {
            "unique_id": np.repeat(list(ids), len(ds)),
            "ds": np.tile(ds, len(ids)),
            "y": np.arange(1.0 * len(ds) * len(ids)),
        }
    )


def single(ds, y=None):
    return pd.DataFrame({"unique_id": "a", "ds": ds, "y": np.arange(1.0 * len(ds)) if y is None else y})


@pytest.mark.parametrize(
    "make", [lambda df: df, pl.from_pandas, lambda df: pa.Table.from_pandas(df, preserve_index=False)]
)
def test_long_frame_of_each_library_is_read_and_given_back_in_kind(make):
    native = make(long())
    read = frames.to_long(native)
    pd.testing.assert_frame_equal(read.frame, long(), check_dtype=False)
    back = frames.from_long(read.frame.assign(forecast=1.0), read)
    assert type(back) is type(native)
    table, source = nw.from_native(back, eager_only=True), nw.from_native(native, eager_only=True)
    assert table.columns == ["unique_id", "ds", "y", "forecast"]
    assert table.select("unique_id", "ds", "y").schema == source.schema
    assert table["y"].to_list() == source["y"].to_list()


def test_polars_dates_come_back_as_dates():
    native = pl.DataFrame({"unique_id": ["a", "a"], "ds": DAYS[:2].date.tolist(), "y": [1.0, None]})
    read = frames.to_long(native)
    assert np.isnan(read.frame["y"].iloc[1])
    assert frames.from_long(read.frame, read).schema["ds"] == pl.Date


def test_pandas_microseconds_come_back_as_microseconds():
    frame = long().astype({"ds": "datetime64[us]"})
    read = frames.to_long(frame)
    assert frames.from_long(read.frame, read)["ds"].dtype == frame["ds"].dtype


def test_integer_names_and_times_stay_integers():
    frame = pd.DataFrame({"unique_id": [2, 2, 1, 1], "ds": [0, 1, 0, 1], "y": [1.0, 2, 3, 4]})
    read = frames.to_long(frame).frame
    assert read["unique_id"].tolist() == [1, 1, 2, 2]
    assert read["unique_id"].dtype == read["ds"].dtype == np.int64
    assert frames.future(read, 1, 2)["ds"].tolist() == [2, 3, 2, 3]


def test_series_with_times_in_its_index_is_one_series():
    read = frames.to_long(pd.Series(np.arange(4), index=DAYS, name="sales")).frame
    assert read["unique_id"].unique().tolist() == ["sales"]
    assert read["ds"].tolist() == DAYS.tolist()


def test_nameless_series_and_periods_are_read():
    values = pd.Series([1.0, 2.0, 3.0], index=pd.period_range("2024-01", periods=3, freq="M"))
    read = frames.to_long(values).frame
    assert read["ds"].tolist() == pd.date_range("2024-01-01", periods=3, freq="MS").tolist()


def test_wide_frame_gives_one_series_per_column():
    wide = pd.DataFrame({"north": [1.0, 2, 3, 4], "south": 5.0, "west": 6.0}, index=DAYS)
    read = frames.to_long(wide).frame
    assert read["unique_id"].unique().tolist() == ["north", "south", "west"]
    assert read["y"].tolist() == [1, 2, 3, 4, 5, 5, 5, 5, 6, 6, 6, 6]


def test_input_is_left_alone():
    frame = long().iloc[::-1]
    before = frame.copy()
    frames.regularise(frames.to_long(frame).frame, "D")
    pd.testing.assert_frame_equal(frame, before)


def test_columns_can_be_named():
    frame = long().rename(columns={"unique_id": "shop", "ds": "when", "y": "sold"}).assign(price=1.0)
    read = frames.to_long(frame, id_col="shop", time_col="when", target_col="sold").frame
    pd.testing.assert_frame_equal(read, long(), check_dtype=False)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1, 2, 3], "the data are a list; give a pandas, polars or pyarrow frame, or a pandas Series"),
        (pd.DataFrame(), "the frame has no columns"),
        (pd.DataFrame({"ds": [], "y": []}), "the frame has columns but no rows"),
        (pd.DataFrame([[1, 2]], columns=["y", "y"]), "the frame has several columns named 'y'; rename one"),
        (long().assign(y="many"), "the frame has no column of numbers beside"),
        (long().assign(y=np.inf), "the frame, row 0: column 'y' holds an infinite number"),
        (pd.concat([long(), long()]), "the frame: series 'a' has 2024-01-01 twice, on rows 0 and 8"),
    ],
)
def test_frame_that_cannot_be_used_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        frames.to_long(data)


def test_regularise_fills_gaps_with_missing_values():
    full = single(DAYS)
    result = frames.regularise(full.drop(index=2), "D")
    expected = full.assign(y=[0.0, 1.0, np.nan, 3.0])
    pd.testing.assert_frame_equal(result, expected, check_dtype=False)


def test_regularise_refuses_gaps_when_told():
    message = r"series 'a' has a gap after 2024-01-02 \(1 gap in all\); fill in the rows, or use --gaps fill"
    with pytest.raises(DataError, match=message):
        frames.regularise(single(DAYS).drop(index=2), "D", gaps="refuse")


def test_regularise_sorts_series_by_name():
    result = frames.regularise(long().iloc[[4, 5, 6, 7, 0, 1, 2, 3]], "D")
    pd.testing.assert_frame_equal(result, long(), check_dtype=False)


def test_regularise_sorts_rows():
    shuffled = long().sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(frames.regularise(shuffled, "D"), long(), check_dtype=False)


@pytest.mark.parametrize(
    ("frame", "freq", "message"),
    [
        (single(DAYS), 1, "freq is '1' but the times are dates; use an alias"),
        (single([0, 1]), "D", "freq is 'D' but the times are integers; use an integer"),
        (single(DAYS), "2D", "series 'a' has the time 2024-01-02, which is off the grid of frequency '2D'"),
        (single(DAYS), "MS", "series 'a' has 2024-01-01 and 2024-01-02 in one step of frequency 'MS'"),
        (single(DAYS), "W-SUN", "which is off the grid of frequency 'W-SUN'; mend the time"),
        (single([0, 10**6]), 1, "filling the gaps would make 1,000,001 rows of 2, so '1' does not fit"),
    ],
)
def test_regularise_refuses_what_does_not_fit(frame, freq, message):
    with pytest.raises(DataError, match=message):
        frames.regularise(frame, freq)


def test_bad_arguments_are_refused():
    with pytest.raises(ConfigError, match="gaps is 'skip'; use 'fill' or 'refuse'"):
        frames.regularise(long(), "D", gaps="skip")
    with pytest.raises(ConfigError, match="h is 0; use a horizon of at least 1 step"):
        frames.future(long(), "D", 0)


@pytest.mark.parametrize("dates", [["2023-12-15", "2024-01-15"], ["2024-01-05", "2024-02-03", "2024-03-09"]])
def test_dates_within_months_are_moved_to_month_starts(dates):
    frame = single(pd.to_datetime(dates))
    regular = frames.regularise(frame, frames.detect_freq(frame))
    assert regular["ds"].tolist() == [date.replace(day=1) for date in frame["ds"]]


@pytest.mark.parametrize(
    "freq",
    [*("MS", "ME", "QS", "QE-DEC", "YS", "YE-DEC", "W-MON", "W-SUN", "D", "B", "h", "15min", "30min"),
     *("s", "2D", "QS-FEB", "QE-NOV", "YS-JUL", "YE-JUN", "2MS", "BME", "BQS-JAN", "6h", "2W-WED", "SMS-15")],
)  # fmt: skip
def test_future_and_grid_agree_with_pandas_date_range(freq):
    expected = pd.date_range("2023-03-31", periods=40, freq=freq)
    frame = single(expected[:30])
    pd.testing.assert_frame_equal(frames.regularise(frame, freq), frame, check_dtype=False)
    np.testing.assert_array_equal(frames.future(frame, freq, 10)["ds"], expected[30:])
    holed = frame.drop(index=[3, 4, 17])
    np.testing.assert_array_equal(frames.regularise(holed, freq)["ds"], expected[:30])


@settings(max_examples=60)
@given(
    freq=st.sampled_from(["MS", "ME", "QS", "YS", "W-TUE", "D", "B", "h", "5min", 1, 7]),
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    seed=st.integers(0, 1000),
    library=st.sampled_from(["pandas", "polars"]),
)
def test_any_frame_survives_the_way_to_the_grid_and_back(freq, lengths, seed, library):
    rng = np.random.default_rng(seed)
    parts = []
    for i, length in enumerate(lengths):
        start = int(rng.integers(0, 20))
        if isinstance(freq, int):
            ds = np.arange(start, start + length * freq, freq)
        else:
            ds = pd.date_range("2001-03-31", periods=start + length, freq=freq)[start:]
        parts.append(pd.DataFrame({"unique_id": f"s{i}", "ds": ds, "y": rng.normal(size=length)}))
    whole = pd.concat(parts, ignore_index=True)
    shuffled = whole.sample(frac=1, random_state=seed)
    read = frames.to_long(pl.from_pandas(shuffled) if library == "polars" else shuffled)
    regular = frames.regularise(read.frame, freq)
    pd.testing.assert_frame_equal(regular, whole, check_dtype=False)
    back = frames.from_long(regular, read)
    np.testing.assert_array_equal(np.asarray(back["y"]), whole["y"])


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(-(10**6), 10**6), st.floats(allow_nan=True, width=32)),
        max_size=12,
    ),
    st.sampled_from(["D", "s", "m", None]),
)
def test_any_random_frame_gives_a_grid_or_an_ostinato_error(rows, unit):
    frame = pd.DataFrame(rows, columns=["unique_id", "ds", "y"]).astype({"ds": np.int64, "y": np.float64})
    if unit is not None:
        frame["ds"] = pd.to_datetime(frame["ds"] % 10_000, unit=unit)
    try:
        read = frames.to_long(frame)
        regular = frames.regularise(read.frame, frames.detect_freq(read.frame))
    except OstinatoError:
        return
    kept = read.frame.dropna()
    merged = kept.merge(regular, on=["unique_id", "ds"], suffixes=("", "_regular"))
    if len(merged) == len(kept):  # months may have been moved to their first day
        np.testing.assert_array_equal(merged["y"], merged["y_regular"])
    np.testing.assert_allclose(regular["y"].sum(), kept["y"].sum(), rtol=1e-6, atol=1e-6)


def test_a_hundred_thousand_rows_take_well_under_a_second():
    import time

    frame = long(ids=[f"s{i}" for i in range(5000)], ds=pd.date_range("2024-01-01", periods=20))
    start = time.thread_time()
    read = frames.to_long(frame).frame
    frames.future(frames.regularise(read, frames.detect_freq(read)), "D", 12)
    assert time.thread_time() - start < 1.5  # 0.15 s; the rest is for slower machines
