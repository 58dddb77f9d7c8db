"""A layer seen on the kernels and the same layer seen step by step."""

import numpy as np
import pytest
import torch
from torch import nn

from ostinato import kernels
from ostinato.nn import GRU, LSTM, RNN
from ostinato.train.diagnosis import running
from ostinato.train.diagnosis.reading import read_model
from ostinato.train.diagnosis.recording import recording

LAYERS = [
    RNN(3, 5, 2, "relu", batch_first=True),
    LSTM(3, 5, 2, batch_first=True, bidirectional=True),
    GRU(3, 5, batch_first=True),
    nn.RNN(3, 5, batch_first=True),
    nn.GRU(3, 5, 2, batch_first=True, bidirectional=True, bias=False),
]
fused = pytest.mark.skipif(kernels.info()["path"] != "fused", reason="no kernels")


@pytest.fixture
def count_fused(monkeypatch):
    """Counts the calls that ran on the kernels."""
    seen, run = [], running._run_fused

    def counting(*arguments):
        call = run(*arguments)
        seen.append(call is not None)
        return call

    monkeypatch.setattr(running, "_run_fused", counting)
    return seen


def looks(every_step):
    def loss(model, inputs):
        outputs, _ = model(inputs)
        return (outputs if every_step else outputs[:, -1]).square().mean()

    return loss


@fused
@pytest.mark.parametrize("layer", LAYERS, ids=str)
@pytest.mark.parametrize("every_step", [False, True])
def test_both_ways_of_running_read_the_same(layer, every_step, count_fused):
    torch.manual_seed(0)
    inputs = torch.randn(4, 12, 3)
    single = read_model(layer, inputs, looks(every_step))
    double = read_model(layer.double(), inputs.double(), looks(every_step))
    layer.float()
    assert count_fused == [True, False]
    assert single.loss == pytest.approx(double.loss, rel=1e-5)
    for mine, exact in zip(single.layers, double.layers, strict=True):
        assert (mine.name, mine.gradients.memory) == (exact.name, exact.gradients.memory)
        np.testing.assert_allclose(mine.gradients.by_step, exact.gradients.by_step, rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(mine.gradients.by_lag, exact.gradients.by_lag, rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(mine.jacobians.largest, exact.jacobians.largest, rtol=1e-3)
        assert mine.units.dead == exact.units.dead
        assert [gate.mean for gate in mine.units.gates] == pytest.approx(
            [gate.mean for gate in exact.units.gates], rel=1e-5
        )


@fused
@pytest.mark.parametrize("layer", LAYERS[:3], ids=str)
def test_states_of_padded_rows_are_the_same_both_ways(layer, count_fused):
    torch.manual_seed(1)
    inputs, lengths = torch.randn(4, 6, 3), [6, 2, 4, 1]
    with recording(layer) as (single):
        layer(inputs, lengths=lengths)
    layer.double()
    with recording(layer) as (double):
        layer(inputs.double(), lengths=lengths)
    layer.float()
    assert count_fused == [True, False]
    for mine, exact in zip(single[0].scans, double[0].scans, strict=True):
        real = mine.real
        torch.testing.assert_close(mine.inputs[real].double(), exact.inputs[real], atol=1e-5, rtol=1e-5)
        for part, wanted in zip(
            (*mine.after(), *mine.before()), (*exact.after(), *exact.before()), strict=True
        ):
            torch.testing.assert_close(part[real].double(), wanted[real], atol=1e-5, rtol=1e-5)


def test_back_in_time_a_padded_row_begins_with_the_start():
    layer = GRU(3, 5, batch_first=True, bidirectional=True, dtype=torch.float64)
    with recording(layer) as calls:
        layer(torch.randn(2, 4, 3, dtype=torch.float64), lengths=[4, 2])
    assert not calls[0].scans[1].before()[0][1, 1].any()
