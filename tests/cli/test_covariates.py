"""Covariates, quantiles, choices and checkpoints of `ostinato forecast`."""

import json

import numpy as np
import pandas as pd
import pytest

from ostinato.cli import main

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def files(tmp_path):
    """Two monthly series with a price and a visitor count, the prices to come, and what the shops are."""
    rows, h = 48, 3
    times = pd.date_range("2020-01-01", periods=rows + h, freq="MS").strftime("%Y-%m")
    draws = np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "shop": name,
                "month": times,
                "price": draws.random(rows + h),
                "visits": draws.integers(0, 9, rows + h),
            }
        )
        for name in ("north", "south")
    ]
    whole = pd.concat(parts)
    whole["sales"] = 100 + 20 * whole["price"] + draws.normal(size=len(whole))
    ahead = whole.groupby("shop").cumcount() >= rows
    whole[~ahead].to_csv(tmp_path / "sales.csv", index=False)
    whole[ahead][["month", "shop", "price"]].to_csv(tmp_path / "prices.csv", index=False)
    static = pd.DataFrame({"shop": ["north", "south"], "area": [10, 30], "town": ["A", "B"]})
    static.to_csv(tmp_path / "shops.csv", index=False)
    return tmp_path


OPTIONS = (
    "--target-col",
    "sales",
    "--h",
    "3",
    "--origins",
    "2",
    "--jobs",
    "1",
    "--baselines",
    "simple",
    "--no-report",
)


def run(files, *words):
    return main(
        [
            "forecast",
            str(files / "sales.csv"),
            *OPTIONS,
            *map(str, words),
            "--out",
            str(files / "out"),
            "--quiet",
        ]
    )


def covariates(files):
    return (
        *("--futr-cols", "price", "--futr", files / "prices.csv", "--hist-cols", "visits"),
        *("--static", files / "shops.csv", "--calendar", "yearday", "--holidays", "2021-01-01"),
    )


def test_covariates_of_all_kinds_reach_the_network(files, capsys):
    assert run(files, *covariates(files), "--quantile", "0.25") == 0
    forecast = pd.read_csv(files / "out" / "forecast.csv")
    assert forecast["unique_id"].unique().tolist() == ["north", "south"]
    assert {"forecast-q-25", "forecast-lo-95"} <= set(forecast.columns)
    assert "LSTM" in capsys.readouterr().out


def test_the_saved_model_knows_its_covariates(files):
    import ostinato

    assert run(files, *covariates(files)) == 0
    again = ostinato.load(files / "out" / "model.zip")
    if again.recipe == "default":
        prices = pd.read_csv(files / "prices.csv").rename(columns={"month": "ds", "shop": "unique_id"})
        assert len(again.predict(futr_df=prices)) == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--futr-cols", "price"), "--futr-cols is given without --futr; give both, or leave both out"),
        (("--hist-cols", "cost"), "has no covariate 'cost'; its columns are"),
        (("--calendar", "moon"), "calendar has 'moon', which is not known"),
        (("--hist-cols", "visits", "--recipe", "classic"), "recipe 'classic' takes no covariates"),
        (("--quantile", "90"), "quantile is 90; use numbers between 0 and 1"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(files, capsys, words, message):
    assert run(files, *words) == 2
    assert message in capsys.readouterr().err


def test_a_file_of_steps_ahead_that_is_too_short_names_series_and_times(files, capsys):
    pd.read_csv(files / "prices.csv").head(5).to_csv(files / "short.csv", index=False)
    assert run(files, "--futr-cols", "price", "--futr", files / "short.csv") == 2
    error = capsys.readouterr().err
    assert (
        "short.csv' has no row for series 'south' at 2024-03-01; give the covariates of every step" in error
    )


def test_a_static_file_without_names_is_refused(files, capsys):
    pd.read_csv(files / "shops.csv").drop(columns="shop").to_csv(files / "nameless.csv", index=False)
    assert run(files, "--static", files / "nameless.csv") == 2
    assert (
        "nameless.csv' has no column 'shop' of series' names; name it as in the file"
        in capsys.readouterr().err
    )


def test_an_automatic_choice_is_reported(files, monkeypatch):
    from ostinato.tasks.forecasting import choosing

    real = choosing.candidates
    monkeypatch.setattr(choosing, "candidates", lambda order, season: real(order, season)[:2])
    assert run(files, "--recipe", "auto", "--time-budget", "20") == 0
    tried = json.loads((files / "out" / "report.json").read_text())["tried"]
    assert {row["candidate"] for row in tried} == {"pretrained", "lstm of 32 units"}
    assert [row["chosen"] for row in tried] == [True, False]


def test_a_checkpoint_keeps_the_trainings_and_gives_the_same_forecast(files):
    assert run(files, "--checkpoint", files / "state") == 0
    first = (files / "out" / "forecast.csv").read_text()
    kept = {path.name for path in (files / "state").iterdir()}
    assert len(kept) >= 3  # two origins and everything
    assert run(files, "--checkpoint", files / "state") == 0
    assert (files / "out" / "forecast.csv").read_text() == first
    assert {path.name for path in (files / "state").iterdir()} == kept


@pytest.mark.slow
def test_fine_tuned_networks_are_judged_and_saved(files, monkeypatch, capsys):
    import ostinato
    from ostinato.tasks.forecasting import finetuning

    real = finetuning.finetune_pretrained
    monkeypatch.setattr(finetuning, "finetune_pretrained", lambda *a, **k: real(*a, **k, updates=1))
    assert run(files, "--recipe", "finetuned", "--season-length", "1") == 0
    assert "FineTuned" in capsys.readouterr().out
    assert len(ostinato.load(files / "out" / "model.zip").predict()) == 6
