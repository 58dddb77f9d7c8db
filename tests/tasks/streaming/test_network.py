"""The network that is carried: what it is trained on, and its steps against torch's layer over the whole series."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ostinato.nn import LAYERS
from ostinato.tasks.forecasting.recipes import RECIPES
from ostinato.tasks.streaming.encoding import FEATURES, Running, Start
from ostinato.tasks.streaming.network import BURN_IN, KINDS, Carried, Weights, fit_weights, learning_rows

NONE = Start(False, 0.0, np.zeros(1))
RECIPE = replace(RECIPES["streaming"], steps=(2, 4), hidden_size=8)


def walk(rows, seed=0):
    return np.random.default_rng(seed).normal(size=rows).cumsum()


@pytest.mark.parametrize("cell", KINDS)
def test_steps_equal_the_layer_over_the_whole_series(cell):
    torch.manual_seed(0)
    layer = LAYERS[cell](FEATURES, 8, batch_first=True)
    head = torch.nn.Linear(8, 3)
    weights = Weights(
        cell,
        tuple(weight.detach().numpy() for weight in layer.parameters()),
        (head.weight.detach().numpy(), head.bias.detach().numpy()),
        {},
    )
    ys = np.stack([walk(40), walk(40, 1)], axis=1)
    carried, running = Carried(weights, Running.start([NONE, NONE])), Running.start([NONE, NONE])
    features = np.stack([running.advance(y) for y in ys], axis=1)
    for y in ys:
        carried.advance(y)
    with torch.no_grad():
        answers = head(layer(torch.from_numpy(features))[0][:, -1]).double().numpy()
    assert carried.ahead(3) == pytest.approx(running.read(answers), rel=1e-5)
    assert carried.ahead(2) == pytest.approx(carried.ahead(3)[:, :2])


def test_the_answers_asked_for_are_those_that_followed():
    past = walk(30)
    rows, late = learning_rows([past], [NONE], 2, 0.2)
    running = Running.start([NONE])
    for step in range(30):
        features = running.advance(past[step : step + 1])
        np.testing.assert_array_equal(rows.inputs[0, step], features[0])
        for ahead in range(2):
            real = step >= BURN_IN and step + 1 + ahead < 30
            assert rows.mask[0, step, ahead] == real
            if real:
                value = running.read(np.full((1, 2), rows.targets[0, step, ahead].item()))[0, ahead]
                assert value == pytest.approx(past[step + 1 + ahead], rel=1e-4, abs=1e-4)
                assert late[0, step, ahead] == (step + 1 + ahead >= 24)


def test_rows_of_long_series_overlap_and_have_one_length():
    rows, _ = learning_rows([walk(600), walk(100, 1)], [NONE, NONE], 2, 0.2)
    assert rows.inputs.shape[1:] == (256, FEATURES)
    assert len(rows) > 5
    assert rows.mask.any(dim=2).any(dim=1).all()


def test_the_same_seed_gives_the_same_network():
    one, other = (
        fit_weights([walk(60)], [NONE], RECIPE, cell="gru", h=2, seed=3).recurrent for _ in range(2)
    )
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_progress_reaches_its_end():
    seen = []
    fit_weights(
        [walk(60)], [NONE], RECIPE, cell="lstm", h=2, seed=0, progress=lambda *done: seen.append(done)
    )
    assert all(done <= total for done, total in seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_trained_network_knows_a_pattern_that_repeating_does_not():
    values = np.tile([0.0, 1.0, 3.0, 2.0], 60) + 0.01 * walk(240)
    recipe = replace(RECIPES["streaming"], hidden_size=16)
    weights = fit_weights([values], [NONE], recipe, cell="lstm", h=2, seed=0)
    carried = Carried(weights, Running.start([NONE]))
    for y in values:
        carried.advance(np.array([y]))
    assert carried.ahead(2)[0] - values[-4:].min() == pytest.approx([0, 1], abs=0.5)
