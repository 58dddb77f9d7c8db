import numpy as np
import pandas as pd
import pytest

from ostinato.data.parts import open_parts
from ostinato.errors import ConfigError, DataError
from ostinato.tasks.forecasting.parts import forecast_parts
from ostinato.tasks.pretrained import forecaster as pretrained


@pytest.fixture
def file(tmp_path):
    months = pd.date_range("2015-01-01", periods=30, freq="MS")
    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame({"unique_id": f"s{number}", "ds": months, "y": rng.standard_normal(30).cumsum() + 50})
        for number in range(9)
    ]
    path = tmp_path / "many.parquet"
    pd.concat(frames).to_parquet(path, row_group_size=25, index=False)
    return path


def read(folder):
    return pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))], ignore_index=True)


def test_parts_are_forecast_as_the_series_are_on_their_own(file, tmp_path):
    found = forecast_parts(open_parts(file, part_rows=70, season_length=12), tmp_path, h=4, levels=(80,))
    whole = pd.read_parquet(file)
    alone = [
        pretrained.forecast(one.reset_index(drop=True), 4, season_length=12, freq="MS")
        for _, one in whole.groupby("unique_id")
    ]
    result = read(found.folder)
    assert (found.series, found.files, found.h, len(result)) == (9, 4, 4, 36)
    assert result.columns.tolist() == ["unique_id", "ds", "forecast", "forecast-lo-80", "forecast-hi-80"]
    np.testing.assert_allclose(result["forecast"], pd.concat(alone)["forecast"], rtol=1e-4)


def test_the_horizon_is_found_where_none_is_given(file, tmp_path):
    found = forecast_parts(open_parts(file, season_length=1), tmp_path)
    assert found.h == 6
    assert "a usual length" in found.note


def test_a_new_forecast_takes_the_place_of_the_old_one(file, tmp_path):
    forecast_parts(open_parts(file, part_rows=30, season_length=1), tmp_path, h=2)
    found = forecast_parts(open_parts(file, season_length=1), tmp_path, h=3)
    assert [path.name for path in found.folder.iterdir()] == ["part-00001.parquet"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["forecast", "many.parquet"]


def test_a_failure_leaves_the_old_forecast(file, tmp_path):
    old = forecast_parts(open_parts(file, season_length=1), tmp_path, h=2).folder
    table = pd.read_parquet(file)
    broken = tmp_path / "broken.parquet"
    pd.concat([table, table.iloc[:5]]).to_parquet(broken, index=False)
    with pytest.raises(DataError, match="goes on here after other series"):
        forecast_parts(open_parts(broken, part_rows=90, season_length=1), tmp_path, h=3)
    assert len(read(old)) == 18
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_progress_ends_with_all_rows(file, tmp_path):
    calls = []
    forecast_parts(
        open_parts(file, part_rows=70, season_length=1),
        tmp_path,
        h=1,
        progress=lambda *call: calls.append(call),
    )
    assert calls[-1] == (270, 270)


def test_a_folder_that_is_not_there_is_an_error(file, tmp_path):
    with pytest.raises(ConfigError, match=r"cannot write to .*nowhere .*; choose another folder with --out"):
        forecast_parts(open_parts(file, season_length=1), tmp_path / "nowhere", h=2)


def test_a_level_beyond_100_is_an_error(file, tmp_path):
    with pytest.raises(ConfigError, match="level is 120"):
        forecast_parts(open_parts(file, season_length=1), tmp_path, h=2, levels=(120.0,))
