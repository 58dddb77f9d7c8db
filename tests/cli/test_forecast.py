"""`ostinato forecast`: files, words, numbers and exit codes."""

import dataclasses
import gzip
import io
import json
import os
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ostinato
from ostinato.cli import main
from ostinato.evaluate.verdict import judge

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run `ostinato forecast` in an empty folder; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        code = main(["forecast", *map(str, words), "--jobs", "1", "--baselines", "simple"])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def monthly_csv(rows=48, start="2015-01-01"):
    times = pd.date_range(start, periods=rows, freq="MS")
    values = 100 + np.arange(rows) + 10 * np.sin(2 * np.pi * np.arange(rows) / 12)
    return pd.DataFrame({"Month": times.strftime("%Y-%m"), "Litres": values.round(3)}).to_csv(index=False)


def test_the_main_job_writes_every_file(run, milk_csv, tmp_path):
    code, out, err = run(milk_csv)
    assert (code, err) == (0, "")
    folder = tmp_path / "ostinato-monthly_milk_production"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("forecast.csv", "backtest.csv", "leaderboard.csv", "forecast.png", "report.html", "report.json"),
        "model.zip",
    }
    assert "the season is 12 steps long" in out
    assert "forecast is the one to use." in out
    assert out.index("forecast is the one to use.") < out.index("RMSE") < out.index("report.html")


def test_forecast_csv_has_the_columns_of_the_ecosystem(run, milk_csv, tmp_path):
    run(milk_csv, "--out", tmp_path / "o", "--no-report")
    table = pd.read_csv(tmp_path / "o" / "forecast.csv", parse_dates=["ds"])
    assert list(table.columns) == [
        *(
            "unique_id",
            "ds",
            "forecast",
            "forecast-lo-80",
            "forecast-hi-80",
            "forecast-lo-95",
            "forecast-hi-95",
        ),
        "model",
    ]
    assert table["ds"].tolist() == list(pd.date_range("1976-01-01", periods=12, freq="MS"))
    assert table["model"].nunique() == 1


def test_backtest_csv_has_eight_yearly_origins(run, milk_csv, tmp_path):
    run(milk_csv, "--out", tmp_path / "o", "--no-report")
    table = pd.read_csv(tmp_path / "o" / "backtest.csv", parse_dates=["ds", "cutoff"])
    assert list(table.columns)[:4] == ["unique_id", "ds", "cutoff", "y"]
    assert table["cutoff"].drop_duplicates().tolist() == list(
        pd.date_range("1967-12-01", periods=8, freq="12MS")
    )
    board = pd.read_csv(tmp_path / "o" / "leaderboard.csv").set_index("model")
    assert board.loc["SeasonalNaive", "mase"] == pytest.approx(
        0.899, abs=5e-4
    )  # computed outside this project


def test_a_trained_network_and_the_pretrained_ones_are_also_judged_together(
    run, milk_csv, tmp_path, monkeypatch
):
    def choose_the_average(cv, frame, season, *, model):
        verdict = judge(cv, frame, season, model=model)
        return dataclasses.replace(verdict, best="Combined", network="Combined")

    monkeypatch.setattr("ostinato.tasks.forecasting.run.judge", choose_the_average)
    code, out, _ = run(milk_csv, "--out", tmp_path / "o", "--no-report")
    assert code == 0
    assert "Combined is the average of Pretrained and a network of the streaming recipe" in out
    past = pd.read_csv(tmp_path / "o" / "backtest.csv")
    streaming = ostinato.Forecaster(h=12, recipe="streaming", season_length=12, random_state=0)
    first = past["cutoff"] == past["cutoff"].min()
    table = pd.read_csv(milk_csv).set_axis(["ds", "y"], axis=1)
    own = streaming.fit(table[pd.to_datetime(table["ds"]) <= past["cutoff"].min()]).predict()["forecast"]
    moved, away = (past["Combined"] - past["Pretrained"])[first], own.to_numpy() - past["Pretrained"][first]
    assert (moved.abs() <= away.abs() / 2 + 1e-9).all()
    assert np.isclose(moved, away / 2).any()  # the other rows are out of reach
    forecast = pd.read_csv(tmp_path / "o" / "forecast.csv")
    again = ostinato.load(tmp_path / "o" / "model.zip").predict(h=12)
    np.testing.assert_allclose(forecast["forecast"], again["forecast"], rtol=1e-5)


def test_no_report_leaves_out_the_page_and_the_picture(run, milk_csv, tmp_path):
    run(milk_csv, "--out", tmp_path / "o", "--no-report")
    assert not (tmp_path / "o" / "report.html").exists()
    assert not (tmp_path / "o" / "forecast.png").exists()


def test_json_is_one_object_with_the_promised_keys(run, milk_csv, tmp_path):
    code, out, err = run(milk_csv, "--json", "--out", tmp_path / "o", "--no-report")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert {*("file", "series", "rows", "freq", "season_length", "h", "recipe", "cell", "backtest"),
            *("verdict", "outputs", "seconds", "versions")} <= set(found)  # fmt: skip
    assert (found["series"], found["rows"], found["freq"], found["season_length"], found["h"]) == (
        1,
        168,
        "MS",
        12,
        12,
    )
    assert found["backtest"]["origins"] == 8
    assert set(found["backtest"]["scores"]["Naive"]) == {"mae", "rmse", "mase", "smape"}
    assert set(found["verdict"]) == {"best", "beats_seasonal_naive", "improvement", "interval", "text"}
    assert all(Path(path).exists() for path in found["outputs"].values())
    assert found["seconds"]["total"] > 0
    assert "torch" in found["versions"]


def test_quiet_prints_the_result_only(run, milk_csv, tmp_path):
    _, out, _ = run(milk_csv, "--quiet", "--out", tmp_path / "o", "--no-report")
    assert "the frequency is" not in out
    assert "RMSE" in out
    assert not out.startswith("\n")


def test_scores_that_are_not_known_are_dashes(run, tmp_path):
    write(tmp_path / "flat.csv", "ds,y\n" + "\n".join(f"{step},5" for step in range(30)))
    _, out, _ = run("flat.csv", "--no-report")
    assert "nan" not in out
    assert "errors are equal" in out or "equals that of" in out


def test_levels_and_horizon_can_be_chosen(run, tmp_path):
    write(tmp_path / "milk.csv", monthly_csv())
    run("milk.csv", "--h", 3, "--level", 50, "--level", 99.5, "--no-report")
    table = pd.read_csv(tmp_path / "ostinato-milk" / "forecast.csv")
    assert list(table.columns)[3:-1] == [
        *("forecast-lo-50", "forecast-hi-50", "forecast-lo-99.5", "forecast-hi-99.5")
    ]
    assert len(table) == 3


def test_the_same_seed_gives_the_same_files(run, tmp_path):
    write(tmp_path / "milk.csv", monthly_csv())
    for name in ("a", "b"):
        run("milk.csv", "--seed", 3, "--out", name, "--no-report")
    for name in ("forecast.csv", "backtest.csv", "leaderboard.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_classic_is_tested_one_step_ahead_on_the_last_fifth_of_the_windows(run, milk_csv, tmp_path):
    _, out, _ = run(milk_csv, "--recipe", "classic", "--out", tmp_path / "o")
    table = pd.read_csv(tmp_path / "o" / "backtest.csv", parse_dates=["ds", "cutoff"])
    assert len(table) == 32  # 168 - 12 = 156 windows, of which 124 train
    assert table["ds"].min() == pd.Timestamp("1973-05-01")
    board = pd.read_csv(tmp_path / "o" / "leaderboard.csv").set_index("model")
    # Worked by hand from the file: repeating last year's month, and last month.
    assert board.loc["SeasonalNaive", "rmse"] == pytest.approx(15.69, abs=0.005)
    assert board.loc["Naive", "rmse"] == pytest.approx(47.34, abs=0.005)
    assert "fitted on the training rows" in out


def test_standard_input_is_read(run, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(monthly_csv().encode())))
    code, _, err = run("-", "--no-report", "--out", "o")
    assert (code, err) == (0, "")
    assert len(pd.read_csv(tmp_path / "o" / "forecast.csv")) == 12


@pytest.mark.parametrize("kind", ["csv.gz", "tsv", "parquet", "jsonl"])
def test_every_kind_of_file_gives_the_same_forecast(run, tmp_path, kind):
    table = pd.read_csv(io.StringIO(monthly_csv()))
    write(tmp_path / "plain.csv", monthly_csv())
    path = tmp_path / f"other.{kind}"
    if kind == "csv.gz":
        path.write_bytes(gzip.compress(monthly_csv().encode()))
    elif kind == "tsv":
        table.to_csv(path, sep="\t", index=False)
    elif kind == "parquet":
        table.to_parquet(path)
    else:
        table.to_json(path, orient="records", lines=True)
    for file in ("plain.csv", path.name):
        code, _, err = run(file, "--no-report", "--h", 2, "--out", file + ".out")
        assert (code, err) == (0, "")
    first, second = (
        pd.read_csv(tmp_path / (file + ".out") / "forecast.csv") for file in ("plain.csv", path.name)
    )
    assert second["forecast"].tolist() == pytest.approx(first["forecast"].tolist())


def test_many_series_are_forecast_together(run, tmp_path):
    parts = [
        pd.read_csv(io.StringIO(monthly_csv(rows)))
        .assign(item_id=name)
        .set_axis(["timestamp", "target", "item_id"], axis=1)
        for name, rows in (("a", 48), ("b", 60), ("c", 30))
    ]
    pd.concat(parts).to_csv(tmp_path / "shop.csv", index=False)
    code, _, err = run("shop.csv", "--h", 4)
    assert (code, err) == (0, "")
    assert pd.read_csv(tmp_path / "ostinato-shop" / "forecast.csv")["unique_id"].value_counts().to_dict() == {
        "a": 4, "b": 4, "c": 4,
    }  # fmt: skip


def test_too_little_history_for_a_verdict_says_so(run, tmp_path):
    write(tmp_path / "milk.csv", monthly_csv(15))
    code, out, err = run("milk.csv", "--h", 6)
    assert (code, err) == (0, "")
    assert "There is too little history to tell" in out


BAD = {
    "missing": (None, [], "does not exist"),
    "empty": ("", [], "empty"),
    "header only": ("Month,Litres\n", [], "no row|header"),
    "no number": (
        "Month,Litres\n2015-01,x\n2015-02,y\n2015-03,z\n",
        [],
        "no column of numbers|not a number|text",
    ),
    "no time": ("Litres\n1\n2\n3\n4\n", [], "time"),
    "two candidates": (
        "Month,A,B\n" + "".join(f"20{i:02d}-01,{i},{1e6 * i}\n" for i in range(10, 30)),
        [],
        "'A' and 'B'",
    ),
    "bad date": (monthly_csv().replace("2016-05", "2016-55"), [], "line 18"),
    "text among numbers": (monthly_csv().replace("2016-05,", "2016-05,oops"), [], "line 18"),
    "duplicate": (monthly_csv() + "2016-05,3\n", [], "2016-05"),
    "gap refused": (monthly_csv().replace("2016-05", "2036-05"), ["--gaps", "refuse"], "gap"),
    "infinity": (monthly_csv().replace("2016-05,", "2016-05,inf #")[:-1], [], "line 18"),
    "short": (monthly_csv(10), ["--h", "12"], "use a horizon of at most"),
    "h 0": (monthly_csv(), ["--h", "0"], "--h is 0; use at least 1"),
    "level": (monthly_csv(), ["--level", "100"], "level is 100; use percentages between 0 and 100"),
    "column": (monthly_csv(), ["--target-col", "Cows"], "Cows"),
    "freq": (monthly_csv(), ["--freq", "fortnight"], "fortnight"),
    "recipe": (monthly_csv(), ["--recipe", "magic"], "recipe is 'magic', which is not known"),
    "seed": (monthly_csv(), ["--seed", "-1"], "the seed is -1; use a whole number from 0 to 4294967295"),
    "origins": (monthly_csv(), ["--origins", "40"], "a backtest of 40 origins"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence_exit_code_2_and_no_file(run, tmp_path, name):
    text, options, expected = BAD[name]
    if text is not None:
        write(tmp_path / "milk.csv", text)
    code, _, err = run("milk.csv", *options)
    assert code == 2
    assert err.startswith("ostinato: ")
    assert err.count("\n") == 1, err
    assert pd.Series([err]).str.contains(expected).all(), err
    assert not (tmp_path / "ostinato-milk").exists()


def test_unsorted_rows_are_sorted_with_a_note(run, tmp_path):
    head, *rows = monthly_csv().splitlines()
    write(tmp_path / "milk.csv", "\n".join([head, *reversed(rows)]))
    code, out, _ = run("milk.csv", "--no-report", "--h", 2)
    assert code == 0
    assert "sorted" in out


def test_a_gap_is_filled_with_a_note(run, tmp_path):
    lines = monthly_csv().splitlines()
    write(tmp_path / "milk.csv", "\n".join(lines[:20] + lines[21:]))
    code, out, _ = run("milk.csv", "--no-report", "--h", 2)
    assert code == 0
    assert "gap" in out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_refused_for_users(run, tmp_path):
    write(tmp_path / "milk.csv", monthly_csv())
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked").chmod(stat.S_IREAD)
    assert run("milk.csv", "--out", tmp_path / "locked" / "o")[0] == 2


def test_a_file_in_the_place_of_the_folder_is_refused(run, tmp_path):
    write(tmp_path / "milk.csv", monthly_csv())
    code, _, err = run("milk.csv", "--out", "milk.csv")
    assert code == 2
    assert "milk.csv" in err


def test_an_earlier_result_survives_a_failed_run(run, tmp_path):
    write(tmp_path / "milk.csv", monthly_csv())
    run("milk.csv", "--no-report", "--h", 2)
    before = (tmp_path / "ostinato-milk" / "forecast.csv").read_bytes()
    assert run("milk.csv", "--no-report", "--h", 47)[0] == 2
    assert (tmp_path / "ostinato-milk" / "forecast.csv").read_bytes() == before


@settings(max_examples=40)
@given(st.data())
def test_a_mangled_file_is_forecast_or_refused(run, tmp_path, data):
    content = bytearray(monthly_csv(24).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    (tmp_path / "milk.csv").write_bytes(bytes(content))
    code, _, err = run("milk.csv", "--no-report", "--h", 2, "--out", "o", "--origins", 1)
    assert code in (0, 2)
    assert (code == 2) == err.startswith("ostinato: ")
