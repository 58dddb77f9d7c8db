from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ostinato import Forecaster
from ostinato.report.content import Inside
from ostinato.report.inside import CAPTIONS, look_inside
from ostinato.report.page import _inside
from ostinato.tasks.forecasting.recipes import RECIPES


@pytest.fixture(scope="module")
def walk():
    values = np.random.default_rng(0).normal(size=60).cumsum() + 50
    return pd.DataFrame({"ds": pd.date_range("2015-01-01", periods=60, freq="MS"), "y": values})


@pytest.mark.parametrize("recipe", ["default", "streaming"])
def test_a_trained_network_is_shown(walk, recipe, monkeypatch):
    small = replace(RECIPES[recipe], steps=(2, 4), members=1, hidden_size=8)
    monkeypatch.setitem(RECIPES, recipe, small)
    inside = look_inside(Forecaster(h=3, recipe=recipe, random_state=0).fit(walk))
    assert inside.memory.startswith("The network remembers ")
    assert [shown for shown, _ in inside.pictures] == list(CAPTIONS.values())
    assert all(png.startswith(b"\x89PNG") for _, png in inside.pictures)


def test_pretrained_networks_are_left_out(walk):
    assert look_inside(Forecaster(h=3, recipe="pretrained").fit(walk)) is None


def test_texts_are_escaped_and_pictures_lie_in_the_page():
    html = _inside(Inside("1 < 2", ("a & b",), (("<shown>", b"png"),)))
    assert "<p>1 &lt; 2</p>" in html
    assert "<li>a &amp; b</li>" in html
    assert '<img alt="&lt;shown&gt;" src="data:image/png;base64,cG5n">' in html


def test_nothing_is_shown_where_there_is_nothing_to_see():
    assert _inside(None) == ""
