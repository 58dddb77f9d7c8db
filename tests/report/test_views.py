import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from ostinato import Forecaster
from ostinato.errors import ConfigError
from ostinato.report import views
from ostinato.tasks.forecasting.recipes import RECIPES
from ostinato.train.diagnosis.attribution import Attribution
from ostinato.train.diagnosis.states import view_states, what_units_follow


@pytest.fixture(scope="module")
def view():
    torch.manual_seed(0)
    (view,) = view_states(nn.LSTM(2, 5, batch_first=True), torch.randn(3, 20, 2))
    return view


def drawn(figure):
    stream = io.BytesIO()
    figure.savefig(stream)
    return stream.getvalue().startswith(b"\x89PNG")


def test_states_stand_below_the_input(view):
    figure = views.state_figure(view, row=1)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    wanted = ["hidden state h", "cell state c", "input gate", "forget gate", "output gate"]
    assert titles[:6] == ["LSTM.l0: LSTM with 5 units", *wanted]
    np.testing.assert_allclose(figure.axes[0].get_lines()[0].get_ydata(), view.inputs[1, :, 0])
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["feature 0", "feature 1"]
    shown = figure.axes[1].get_images()[0].get_array()
    np.testing.assert_allclose(np.sort(shown, axis=0), np.sort(view.hidden[1].T, axis=0))
    assert drawn(figure)


def test_padding_is_not_drawn(view):
    real = view.real.copy()
    real[0, 8:] = False
    figure = views.state_figure(replace(view, real=real), row=0)
    assert figure.axes[1].get_images()[0].get_array().shape == (5, 8)


def test_a_path_has_a_dot_for_each_step(view):
    figure = views.path_figure(view)
    assert len(figure.axes[0].collections[0].get_offsets()) == 20
    assert "of its movement" in figure.axes[0].get_title(loc="left")
    assert drawn(figure)


@pytest.mark.parametrize(("season", "columns"), [(None, 1), (12, 2)])
def test_what_units_follow_is_drawn_beside_time_and_season(view, season, columns):
    figure = views.follows_figure(what_units_follow(view, lags=7, season_length=season))
    assert figure.axes[0].get_images()[0].get_array().shape == (5, 7)
    assert figure.axes[1].get_images()[0].get_array().shape == (5, columns)
    assert drawn(figure)


@pytest.mark.parametrize(
    ("values", "title"), [([1.0, 0.0, 0.0], "2 steps before the last"), ([0.0, 1.0], "the last")]
)
def test_the_strongest_lag_is_named(values, title):
    attribution = Attribution(np.array(values)[None, :, None], np.ones(1))
    assert title in views.attribution_figure(attribution).axes[0].get_title(loc="left")


def test_a_forecaster_is_looked_into(monkeypatch):
    monkeypatch.setitem(
        RECIPES, "default", replace(RECIPES["default"], steps=(4, 8), members=1, hidden_size=8)
    )
    months = pd.date_range("2015-01-01", periods=72, freq="MS")
    values = 100 + 20 * np.sin(2 * np.pi * np.arange(72) / 12) + np.random.default_rng(0).normal(size=72)
    forecaster = Forecaster(h=6, random_state=0).fit(pd.DataFrame({"ds": months, "y": values}))
    figures = views.forecaster_figures(forecaster)
    assert set(figures) == {"states", "path", "follows", "attribution"}
    assert all(drawn(figure) for figure in figures.values())


def test_a_forecaster_must_be_fitted():
    with pytest.raises(ConfigError, match="not fitted yet"):
        views.forecaster_figures(Forecaster(h=6))
