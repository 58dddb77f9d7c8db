"""`ostinato ablate`: a table in words and in JSON."""

import json

import pytest

from ostinato.cli import main

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_table_names_every_ingredient(milk_csv, capsys, form):
    from ostinato.tasks.forecasting.ablation import INGREDIENTS

    words = ["ablate", str(milk_csv), "--h", "6", "--origins", "1", "--jobs", "1", "--quiet"]
    assert main([*words, *(["--json"] if form == "json" else [])]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in INGREDIENTS)
    if form == "json":
        assert {row["without"] for row in json.loads(out)["ingredients"]} == {"nothing", *INGREDIENTS}
