from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from ostinato import Forecaster
from ostinato.errors import ConfigError
from ostinato.tasks import opening
from ostinato.tasks.forecasting.recipes import RECIPES
from ostinato.tasks.pretrained import network as pretrained_network
from ostinato.tasks.pretrained.forms import DIRECT, LONG, MIXED
from ostinato.tasks.pretrained.inputs import Inputs


@pytest.fixture(scope="module")
def walk():
    values = np.random.default_rng(0).normal(size=(2, 60)).cumsum(axis=1) + 50
    times = pd.date_range("2015-01-01", periods=60, freq="MS")
    return pd.concat(
        pd.DataFrame({"unique_id": name, "ds": times, "y": row})
        for name, row in zip("ab", values, strict=True)
    )


@pytest.fixture(scope="module")
def streaming(walk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "streaming", replace(RECIPES["streaming"], steps=(2, 4), hidden_size=8))
        return Forecaster(h=3, recipe="streaming", random_state=0).fit(walk)


def test_a_carried_network_in_torch_gives_the_numbers_of_the_one_on_arrays(streaming):
    model = streaming.model_
    opened = opening.open_forecaster(model)
    carried = model.carried.take(np.arange(2))
    inputs = torch.randn(2, 5, 3)
    for part in carried.state:
        part[:] = 0
    for step in range(5):
        output = carried._stepper.step(inputs[:, step].numpy())
    weight, bias = carried._head
    expected = (output @ weight + bias)[:, 0]
    torch.testing.assert_close(opened.answer(opened.network, inputs), torch.from_numpy(expected))


def test_stretches_of_a_carried_network_are_as_long_as_windows(streaming):
    opened = opening.open_forecaster(streaming.model_)
    season = streaming.model_.season_length
    assert opened.batch.inputs.shape[1] == max(24, 2 * season)
    assert opened.loss(opened.network, opened.batch).isfinite()


@pytest.mark.parametrize("number", range(2))
def test_a_pretrained_network_in_torch_gives_the_numbers_of_the_one_on_arrays(walk, number):
    model = Forecaster(h=3, recipe="pretrained").fit(walk).model_
    model = replace(model, members=pretrained_network.load_members()[-number:][:1])
    opened = opening.open_forecaster(model)
    rows, patches = opened.batch.rows, opened.batch.inputs
    inputs = Inputs(patches.numpy(), *(rows[name].numpy() for name in ("statistics", "steps", "experts")))
    expected = pretrained_network.quantiles(model.members[0], inputs)[:, 0, 4]
    found = opened.answer(opened.network, patches).detach()
    torch.testing.assert_close(found, torch.from_numpy(expected), rtol=1e-4, atol=1e-5)


def test_what_a_patch_covers_is_known():
    member = pretrained_network.load_members()[0]
    assert opening._steps_read(replace(member, form=MIXED), 8) == (4,) * 8
    assert opening._steps_read(replace(member, form=MIXED), 20) == (4,) * 16 + (32,) * 4
    assert opening._steps_read(replace(member, form=DIRECT), 20) == ()
    assert opening._steps_read(replace(member, form=LONG), 3) == (16,) * 3


@pytest.mark.parametrize("recipe", ["pretrained", "streaming"])
def test_a_history_too_short_to_look_at_is_refused(walk, streaming, recipe):
    short = walk.groupby("unique_id").head(4)
    forecaster = Forecaster(h=3, recipe="pretrained").fit(walk) if recipe == "pretrained" else streaming
    with pytest.raises(ConfigError, match="no window of these series has a value to forecast; give a longer"):
        opening.open_forecaster(forecaster.model_, short)
