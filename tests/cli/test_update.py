"""`ostinato update`: a saved model, new rows, words, numbers and exit codes."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ostinato
from ostinato import Forecaster
from ostinato.cli import main
from ostinato.tasks.forecasting.recipes import RECIPES


def rows(begin, end):
    months = np.arange(begin, end)
    values = (
        100
        + months
        + 10 * np.sin(2 * np.pi * months / 12)
        + np.random.default_rng(begin).normal(size=len(months))
    )
    times = pd.date_range("2015-01-01", periods=end, freq="MS")[begin:]
    return pd.DataFrame({"Month": times.strftime("%Y-%m"), "Litres": values.round(3)})


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A forecaster of the streaming recipe, fitted on four years, in a file."""
    path = tmp_path_factory.mktemp("models") / "model.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "streaming", replace(RECIPES["streaming"], steps=(2, 4), hidden_size=8))
        Forecaster(h=3, recipe="streaming", random_state=0).fit(rows(0, 48)).save(path)
    return path.read_bytes()


@pytest.fixture
def run(saved, tmp_path, monkeypatch, capsys):
    """Run `ostinato update` beside a model file; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.zip").write_bytes(saved)

    def call(frame, *words):
        frame.to_csv("new.csv", index=False)
        code = main(["update", "model.zip", "new.csv", *map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_the_model_is_updated_in_its_place(run):
    code, out, err = run(rows(48, 50))
    assert (code, err) == (0, "")
    assert out.startswith(
        "times come from 'Month', values from 'Litres'\n\ntook 2 values, up to 2019-02-01\n"
    )
    assert "2019-03-01" in out
    again = ostinato.load("model.zip").predict()
    assert again["ds"].tolist() == list(pd.date_range("2019-03-01", periods=3, freq="MS"))
    run(rows(50, 51))
    assert ostinato.load("model.zip").predict()["ds"].min() == pd.Timestamp("2019-04-01")


def test_row_by_row_gives_the_forecast_of_all_rows_at_once(run, saved, tmp_path):
    for month in range(48, 55):
        assert run(rows(48, 55).iloc[month - 48 : month - 47])[0] == 0
    apart = ostinato.load("model.zip").predict()["forecast"]
    (tmp_path / "model.zip").write_bytes(saved)
    run(rows(48, 55))
    assert apart.to_numpy() == pytest.approx(ostinato.load("model.zip").predict()["forecast"].to_numpy())


def test_another_file_leaves_the_model_as_it_was(run, saved, tmp_path):
    run(rows(48, 50), "--out", "later.zip")
    assert (tmp_path / "model.zip").read_bytes() == saved
    assert ostinato.load("later.zip").predict()["ds"].min() == pd.Timestamp("2019-03-01")


def test_a_gap_is_told(run):
    frame = rows(48, 52).drop(index=[1, 2])
    assert "\ntook 2 values, up to 2019-04-01, 2 steps missing\n" in run(frame)[1]


def test_one_missing_step_is_one_step(run):
    assert "\ntook 2 values, up to 2019-03-01, 1 step missing\n" in run(rows(48, 51).iloc[[0, 2]])[1]


def test_what_was_done_to_the_rows_is_said(run):
    frame = rows(48, 50)[::-1].assign(Month=["2019-02-10", "2019-01-10"])
    out = run(frame)[1]
    assert "the rows were not in order of time (1 step back) and were sorted\n" in out
    assert "the dates were moved to the points of frequency 'MS'\n" in out
    values = json.loads(run(rows(50, 51), "--json")[1])
    assert values["notes"] == ["times come from 'Month', values from 'Litres'"]


def test_json_holds_everything(run):
    code, out, _ = run(rows(48, 80), "--json", "--level", "90")
    found = json.loads(out)
    assert code == 0
    assert (found["rows"], found["missing"], found["until"]) == (32, 0, "2021-08-01 00:00:00")
    assert set(found["coverage"]) == {"80", "95"}
    assert found["model"] == "model.zip"
    first = found["forecast"][0]
    assert first["ds"] == "2021-09-01"
    assert first["forecast-lo-90"] < first["forecast"] < first["forecast-hi-90"]


def test_the_forecast_goes_to_a_file_too(run):
    run(rows(48, 80), "--forecast", "forecast.csv")
    forecast = pd.read_csv("forecast.csv")
    assert list(forecast.columns[:4]) == ["unique_id", "ds", "forecast", "forecast-lo-80"]
    assert len(forecast) == 3


def test_drift_is_said(run):
    run(rows(48, 130))
    frame = rows(130, 170)
    frame["Litres"] += 500 * np.random.default_rng(0).normal(size=40)
    out = run(frame)[1]
    assert re.search(
        r"drift at \d{4}-\d\d-\d\d: forecasts of series 'Litres' err more than they used to; fit again\n", out
    )
    assert "share of values within their intervals one step ahead, since the fit: 80 %:" in out


@pytest.mark.parametrize(
    ("frame", "words", "message"),
    [
        (
            rows(47, 49),
            [],
            "the row of series 'Litres' at 2018-12-01 is not after its last row, 2018-12-01; give later",
        ),
        (pd.concat([rows(48, 49)] * 2), [], "twice"),
        (
            rows(48, 49),
            ["--level", "80"],
            "--level needs a model with a backtest, or 20 new values of every series; ",
        ),
        (
            rows(48, 49),
            ["--forecast", "nowhere/f.csv"],
            "--forecast nowhere/f.csv cannot be written: No such file",
        ),
        (rows(48, 49), ["--time-col", "Day"], "Day"),
    ],
)
def test_what_cannot_be_used_leaves_the_model_as_it_was(run, saved, tmp_path, frame, words, message):
    code, out, err = run(frame, *words)
    assert code == 2
    assert out == ""
    assert err.startswith("ostinato: ")
    assert message in err
    assert (tmp_path / "model.zip").read_bytes() == saved


def test_a_model_that_is_not_there_is_said(tmp_path, capsys):
    assert main(["update", str(tmp_path / "none.zip"), "new.csv"]) == 2
    assert "there is no model file" in capsys.readouterr().err


def test_an_update_that_is_cut_off_leaves_the_model_as_it_was(run, saved, tmp_path, monkeypatch):
    def cut_off(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", cut_off)
    assert run(rows(48, 50))[0] == 130
    assert (tmp_path / "model.zip").read_bytes() == saved
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.zip", "new.csv"]


def test_the_command_does_not_import_torch(saved, tmp_path):
    (tmp_path / "model.zip").write_bytes(saved)
    rows(48, 49).to_csv(tmp_path / "new.csv", index=False)
    code = (
        "import sys; from ostinato.cli import main; "
        "assert main(['update', 'model.zip', 'new.csv']) == 0; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
