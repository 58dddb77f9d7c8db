"""Ablation: every ingredient is switched off, and the table compares like with like."""

import numpy as np
import pandas as pd
import pytest

from ostinato.errors import DataError
from ostinato.evaluate.scores import Cells
from ostinato.tasks.forecasting.ablation import INGREDIENTS, WHOLE, AblationSettings, _table, ablate
from ostinato.tasks.forecasting.recipes import RECIPES


@pytest.mark.parametrize("name", INGREDIENTS)
def test_every_ingredient_is_part_of_the_default_recipe(name):
    assert INGREDIENTS[name](RECIPES["default"]) != RECIPES["default"]


def test_the_table_has_the_whole_recipe_first_and_then_what_costs_most(quick, monthly):
    table = ablate(monthly, AblationSettings(h=3, freq="MS", season_length=12, origins=1))
    assert table["without"].tolist()[0] == "nothing"
    assert set(table["without"]) == {"nothing", *INGREDIENTS}
    assert (np.diff(table["change"][1:]) <= 0).all()
    whole = table["mase"][0]
    assert table["change"].to_numpy() == pytest.approx(100 * (table["mase"] / whole - 1))


def test_shares_and_changes_are_over_cells_that_both_have_forecast():
    errors = np.array([[1.0, 2.0, np.nan], [2.0, 1.0, 5.0]])
    cells = Cells((WHOLE, "x"), np.zeros(3, int), np.arange(3), np.ones(3), errors, errors, errors)
    row = _table(cells).iloc[1]
    assert (row["mase"], row["change"], row["worse"]) == (1.5, 0.0, 0.5)


def test_the_season_matters_where_there_is_one(quick):
    months = np.arange(96)
    series = pd.DataFrame(
        {
            "unique_id": "a",
            "ds": pd.date_range("2015-01-01", periods=96, freq="MS"),
            "y": 100 + 40 * np.sin(2 * np.pi * months / 12) + np.random.default_rng(0).normal(size=96),
        }
    )
    table = ablate(series, AblationSettings(h=6, freq="MS", season_length=12, origins=2)).set_index("without")
    assert table.loc["season taken out", "change"] > 50


def test_series_too_short_for_an_origin_are_refused(quick, monthly):
    with pytest.raises(DataError, match="too short for a backtest of 12 steps; use a smaller horizon"):
        ablate(monthly.head(20), AblationSettings(h=12, freq="MS"))
