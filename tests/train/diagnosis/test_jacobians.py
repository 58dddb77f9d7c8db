import math

import numpy as np
import pytest
import torch
from torch import nn

from ostinato.nn import CELLS, GRU, LSTM, RNN
from ostinato.train.diagnosis import jacobians
from ostinato.train.diagnosis.recording import recording

DOUBLE = torch.float64


def scan_of(layer, inputs, **options):
    with recording(layer) as calls:
        layer(inputs, **options)
    return calls[0].scans[0]


def linear(weight):
    """A layer that is linear where it runs: at a state of zero tanh is the identity."""
    layer = RNN(1, len(weight), batch_first=True, dtype=DOUBLE)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.weight_hh_l0.copy_(weight)
    return layer


def symmetric(radius, size=6):
    torch.manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(size, size, dtype=DOUBLE))
    values = torch.linspace(0.1, 1.0, size, dtype=DOUBLE) * radius
    return basis @ values.diag() @ basis.T


@pytest.mark.parametrize("radius", [0.5, 0.95])
def test_the_lyapunov_exponent_of_a_linear_network_is_the_logarithm_of_its_spectral_radius(radius):
    weight = symmetric(radius)
    scan = scan_of(linear(weight), torch.zeros(2, 60, 1, dtype=DOUBLE))
    assert jacobians.read_jacobians(scan).lyapunov == pytest.approx(math.log(radius), abs=2e-3)


def test_a_rotation_that_is_stretched_grows_by_its_stretch():
    turn = 1.1 * torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=DOUBLE)
    assert jacobians.lyapunov(turn.expand(40, 2, 2)) == pytest.approx(math.log(1.1), abs=1e-9)


def test_singular_values_of_a_linear_network_are_powers():
    weight = symmetric(0.9)
    reading = jacobians.read_jacobians(scan_of(linear(weight), torch.zeros(1, 20, 1, dtype=DOUBLE)))
    assert reading.lags == (1, 2, 4, 8, 16, 20)
    np.testing.assert_allclose(reading.largest, 0.9 ** np.array(reading.lags), rtol=1e-9)


def test_singular_values_far_below_the_smallest_float_keep_their_logarithm():
    values = jacobians.product_singular_values(torch.full((500, 1, 1), 0.5), (500,))
    assert values[0, 0] == pytest.approx(500 * math.log(0.5))


def test_a_map_to_nothing_has_no_growth_at_all():
    nothing = torch.zeros(4, 2, 2)
    assert jacobians.lyapunov(nothing) == -math.inf
    assert jacobians.product_singular_values(nothing, (4,)).max() == -700.0


def test_the_jacobian_of_tanh_has_a_closed_form():
    layer, inputs = RNN(3, 5, batch_first=True, dtype=DOUBLE), torch.randn(1, 4, 3, dtype=DOUBLE)
    scan = scan_of(layer, inputs)
    found = jacobians.row_jacobians(scan, 0, 4)
    slopes = 1 - scan.after()[0][0] ** 2  # (time, hidden)
    torch.testing.assert_close(found, slopes[:, :, None] * layer.weight_hh_l0.detach())


@pytest.mark.parametrize("name", CELLS)
def test_jacobians_agree_with_finite_differences(name):
    torch.manual_seed(1)
    cell = CELLS[name](2, 3, dtype=DOUBLE).eval()
    x, parts = torch.randn(2, 2, dtype=DOUBLE), cell.state_size
    before = tuple(torch.randn(2, 3, dtype=DOUBLE) for _ in range(parts))
    found = jacobians.step_jacobians(cell, x, before)
    whole = torch.cat(before, dim=1)
    for column in range(3 * parts):
        nudge = torch.zeros_like(whole)
        nudge[:, column] = 1e-6
        after = [
            torch.cat(cell.step(x, (whole + sign * nudge).split(3, dim=1))[1], dim=1) for sign in (1, -1)
        ]
        torch.testing.assert_close(
            found[:, :, column], ((after[0] - after[1]) / 2e-6).detach(), atol=1e-8, rtol=1e-6
        )


def test_large_layers_are_read_over_fewer_steps(monkeypatch):
    monkeypatch.setattr(jacobians, "WORK", 8.0 * 16**3 * 10)
    reading = jacobians.read_jacobians(scan_of(LSTM(2, 8, batch_first=True), torch.randn(5, 30, 2)))
    assert reading.lags[-1] == 10


def test_padding_is_not_read():
    layer, inputs = GRU(2, 4, batch_first=True), torch.randn(2, 9, 2)
    whole = scan_of(layer, inputs[:1, :6])
    padded = scan_of(layer, inputs, lengths=[6, 0])
    torch.testing.assert_close(jacobians.row_jacobians(padded, 0, 6), jacobians.row_jacobians(whole, 0, 6))


def test_rows_without_steps_give_an_empty_reading():
    reading = jacobians.read_jacobians(
        scan_of(GRU(2, 4, batch_first=True), torch.randn(2, 3, 2), lengths=[0, 0])
    )
    assert reading.lags == ()
    assert math.isnan(reading.lyapunov)


def test_a_backward_layer_is_read_in_its_own_order():
    torch.manual_seed(2)
    layer = nn.GRU(2, 4, batch_first=True, bidirectional=True)
    inputs = torch.randn(1, 5, 2)
    with recording(layer) as calls:
        layer(inputs)
    scan = calls[0].scans[1]
    found = jacobians.row_jacobians(scan, 0, 2)
    before = scan.before()[0][0]
    expected = jacobians.step_jacobians(scan.cell, inputs[0, [1, 0]], (before[[1, 0]],))
    torch.testing.assert_close(found, expected)
