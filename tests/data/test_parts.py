import numpy as np
import pandas as pd
import pytest

from ostinato.data import parts, tables
from ostinato.errors import ConfigError, DataError


def frame(series=7, lengths=(20, 31, 25)):
    rows = []
    for number in range(series):
        length = lengths[number % len(lengths)]
        months = pd.date_range("2015-01-01", periods=length, freq="MS")
        rows.append(
            pd.DataFrame({"shop": f"s{number}", "month": months, "sales": np.arange(length) + number})
        )
    return pd.concat(rows, ignore_index=True)


def written(path, table, row_group=10):
    table.to_parquet(path, row_group_size=row_group, index=False)
    return path


@pytest.mark.parametrize("part_rows", [1, 7, 40, 1000])
def test_the_parts_together_are_what_is_read_at_once(tmp_path, part_rows):
    path = written(tmp_path / "a.parquet", frame())
    opened = parts.open_parts(path, part_rows=part_rows, freq="MS", season_length=1)
    together = pd.concat([part for part, _ in opened], ignore_index=True)
    pd.testing.assert_frame_equal(together, tables.read(path).frame)


def test_a_series_is_never_cut(tmp_path):
    path = written(tmp_path / "a.parquet", frame())
    for part, _ in parts.open_parts(path, part_rows=33):
        sizes = part.groupby("unique_id", sort=False).size()
        expected = [(20, 31, 25)[int(name[1:]) % 3] for name in sizes.index]
        assert sizes.tolist() == expected


def test_the_rows_read_rise_to_all_rows(tmp_path):
    table = frame()
    opened = parts.open_parts(written(tmp_path / "a.parquet", table), part_rows=50)
    done = [rows for _, rows in opened]
    assert done == sorted(done)
    assert done[-1] == opened.rows == len(table)


def test_frequency_and_season_come_from_the_first_part(tmp_path):
    table = frame(3, lengths=(96,))
    table["sales"] = np.tile(np.sin(np.arange(96) * np.pi / 6) * 10 + 50, 3)
    first = parts.open_parts(written(tmp_path / "a.parquet", table), part_rows=100).first
    assert (first.freq, first.season_length, first.series) == ("MS", 12, 1)


def test_missing_months_become_gaps(tmp_path):
    table = frame(2, lengths=(24,)).drop(index=[5, 30])
    opened = parts.open_parts(written(tmp_path / "a.parquet", table), part_rows=30, freq="MS")
    together = pd.concat([part for part, _ in opened])
    assert len(together) == 48
    assert together["y"].isna().sum() == 2


def test_a_file_that_is_not_sorted_by_series_is_an_error(tmp_path):
    path = written(tmp_path / "a.parquet", frame(3, lengths=(10,)).sort_values("month", kind="stable"))
    message = (
        r"a\.parquet', row 4: series 's0' goes on here after other series; sort the file by 'shop' and time"
    )
    with pytest.raises(DataError, match=message):
        parts.open_parts(path, part_rows=8, freq="MS", season_length=1)


def test_a_series_that_comes_back_within_a_part_is_an_error(tmp_path):
    table = pd.concat([frame(2, lengths=(10,)), frame(1, lengths=(10,))])
    with pytest.raises(DataError, match="series 's0' goes on here after other series"):
        list(parts.open_parts(written(tmp_path / "a.parquet", table), freq="MS", season_length=1))


def test_a_large_file_of_one_series_without_a_name_is_an_error(tmp_path):
    path = written(tmp_path / "a.parquet", frame(1).drop(columns="shop"))
    with pytest.raises(
        DataError, match=r"has 20 rows but no column that names series; name one with --id-col"
    ):
        parts.open_parts(path)


def test_a_file_without_rows_is_an_error(tmp_path):
    path = written(tmp_path / "a.parquet", frame().iloc[:0])
    with pytest.raises(DataError, match=r"a\.parquet' has no rows; give a file with series"):
        parts.open_parts(path)


def test_a_file_of_another_kind_is_an_error(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_text("no such thing")
    with pytest.raises(DataError, match="is not a Parquet file or is damaged; write it again"):
        parts.open_parts(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"b\.parquet' does not exist; check the path"):
        parts.open_parts(tmp_path / "b.parquet")


def test_a_season_below_one_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="season_length is 0; use 1 for no season"):
        parts.open_parts(written(tmp_path / "a.parquet", frame()), season_length=0)


def test_only_parquet_files_of_many_rows_are_large(tmp_path, monkeypatch):
    path = written(tmp_path / "a.parquet", frame())
    assert parts.large_rows(path) == 0
    monkeypatch.setattr(parts, "SMALL_FILE", 0)
    assert parts.large_rows(path) == 0
    monkeypatch.setattr(parts, "LARGE_ROWS", 100)
    assert parts.large_rows(path) == len(frame())
    assert parts.large_rows("-") == parts.large_rows(tmp_path / "none.parquet") == 0
