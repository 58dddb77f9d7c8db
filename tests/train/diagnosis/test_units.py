import pytest
import torch
from torch import nn

from ostinato.nn import GRU, LSTM, RNN
from ostinato.train.diagnosis.recording import recording
from ostinato.train.diagnosis.units import gate_values, read_units, spectral_radius


def scan_of(layer, inputs, **options):
    with recording(layer) as calls:
        layer(inputs, **options)
    return calls[0].scans[0]


def test_gates_are_those_of_torchs_own_formula():
    torch.manual_seed(0)
    layer, inputs = nn.LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3)
    gates = gate_values(scan_of(layer, inputs))
    _, (h, _) = layer(inputs[:, :4])
    sums = (
        inputs[:, 4] @ layer.weight_ih_l0.T
        + h[0] @ layer.weight_hh_l0.T
        + layer.bias_ih_l0
        + layer.bias_hh_l0
    )
    for name, place in (("input", 0), ("forget", 1), ("output", 3)):
        torch.testing.assert_close(gates[name][:, 4], sums[:, 4 * place : 4 * place + 4].sigmoid().detach())


@pytest.mark.parametrize(("bias", "shut", "opened"), [(-9.0, 1.0, 0.0), (9.0, 0.0, 1.0), (0.0, 0.0, 0.0)])
def test_stuck_gates_are_counted(bias, shut, opened):
    torch.manual_seed(1)
    layer = GRU(3, 4, batch_first=True)
    with torch.no_grad():
        layer.bias_ih_l0[4:8] = bias
    reset, update = read_units(scan_of(layer, 0.1 * torch.randn(8, 5, 3))).gates
    assert (update.name, update.shut, update.open) == ("update", shut, opened)
    assert (reset.shut, reset.open) == (0.0, 0.0)
    assert update.mean == pytest.approx(torch.sigmoid(torch.tensor(bias)).item(), abs=0.15)


def test_units_that_never_move_are_dead():
    layer = RNN(2, 4, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        layer.bias_ih_l0[0] = -100.0
    assert read_units(scan_of(layer, torch.randn(8, 6, 2))).dead == pytest.approx(0.25)


def test_large_inputs_saturate_a_tanh_layer():
    layer = RNN(2, 4, batch_first=True)
    assert read_units(scan_of(layer, 1e4 * torch.ones(2, 6, 2))).saturated == 1.0
    assert read_units(scan_of(layer, 0.01 * torch.ones(2, 6, 2))).saturated == 0.0


def test_padding_does_not_count():
    layer = RNN(2, 4, batch_first=True)
    inputs = torch.zeros(2, 6, 2)
    inputs[:, 3:] = 1e4
    assert read_units(scan_of(layer, inputs, lengths=[3, 0])).saturated == 0.0


def test_recurrent_weights_are_measured():
    layer = RNN(2, 2, batch_first=True)
    with torch.no_grad():
        layer.weight_hh_l0.copy_(torch.tensor([[0.0, -3.0], [3.0, 0.0]]))
    units = read_units(scan_of(layer, torch.zeros(1, 2, 2)))
    assert units.spectral_radius == pytest.approx(3.0)
    assert units.weight_norm == pytest.approx(18**0.5)
    assert read_units(scan_of(LSTM(2, 2, batch_first=True), torch.zeros(1, 2, 2))).spectral_radius is None


def test_the_spectral_radius_of_a_rotation_is_one():
    assert spectral_radius(torch.tensor([[0.6, -0.8], [0.8, 0.6]])) == pytest.approx(1.0)
