import json

import numpy as np
import pandas as pd
import pytest

from ostinato.cli import main
from ostinato.data import parts


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "SMALL_FILE", 0)
    monkeypatch.setattr(parts, "LARGE_ROWS", 50)
    months = pd.date_range("2015-01-01", periods=30, freq="MS")
    path = tmp_path / "many.parquet"
    pd.concat(
        [pd.DataFrame({"unique_id": name, "ds": months, "y": np.arange(30.0) + 50}) for name in "ab"]
    ).to_parquet(path, index=False)
    return path


def test_a_large_file_is_forecast_in_parts_and_says_so(file, tmp_path, capsys):
    assert main(["forecast", str(file), "--h", "3", "--out", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert "has 60 rows, so it is forecast in parts by the pretrained networks, without a backtest" in err
    assert "series        2" in out
    result = pd.read_parquet(tmp_path / "out" / "forecast")
    assert len(result) == 6
    assert "forecast-hi-95" in result


def test_a_machine_gets_one_object(file, tmp_path, capsys):
    words = [
        "forecast",
        str(file),
        "--recipe",
        "pretrained",
        "--level",
        "90",
        "--quantile",
        "0.3",
        "--quiet",
        "--json",
    ]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    facts = json.loads(out)
    assert (facts["series"], facts["rows"], facts["files"], facts["freq"]) == (2, 60, 1, "MS")
    assert err == ""
    columns = pd.read_parquet(facts["forecast"]).columns.tolist()
    assert columns[2:] == ["forecast", "forecast-lo-90", "forecast-hi-90", "forecast-q-30"]


def test_other_recipes_read_the_file_as_a_whole(file, tmp_path, capsys):
    words = ["forecast", str(file), "--recipe", "nonsense", "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "recipe is 'nonsense'" in capsys.readouterr().err
