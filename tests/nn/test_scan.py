import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.nn import CELLS, LAYERS
from ostinato.nn.scan import BLOCK, loop_cell, scan_cell, scan_logarithms

SCANNED = [name for name, cell in CELLS.items() if cell.scans]


@pytest.mark.parametrize("name", SCANNED)
@pytest.mark.parametrize("reverse", [False, True])
@settings(max_examples=15)
@given(time=st.integers(1, 3 * BLOCK), data=st.data())
def test_a_scan_equals_the_loop(name, reverse, time, data):
    cell = CELLS[name](3, 4)
    lengths = data.draw(st.none() | st.lists(st.integers(0, time), min_size=2, max_size=2).map(torch.tensor))
    inputs, state = 3 * torch.randn(2, time, 3), (torch.randn(2, 4),)
    ours, (last,) = scan_cell(cell, inputs, state, lengths, reverse)
    outputs, (final,) = loop_cell(cell, inputs, state, lengths, reverse)
    torch.testing.assert_close(ours, outputs, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(last, final, atol=1e-5, rtol=1e-5)


def test_a_scan_forgets_across_thousands_of_steps_without_overflow():
    keep, write = torch.full((1, 5000, 1), -3.0), torch.zeros(1, 5000, 1)
    outputs = scan_logarithms(keep, write, torch.full((1, 1), 1e3))
    assert outputs[0, -1, 0].item() == pytest.approx(1 / (1 - torch.exp(torch.tensor(-3.0)).item()), rel=1e-6)


def test_a_scan_that_keeps_everything_is_a_sum():
    write = torch.rand(2, 300, 3, dtype=torch.float64)
    outputs = scan_logarithms(torch.zeros_like(write), write.log(), torch.zeros(2, 3, dtype=torch.float64))
    torch.testing.assert_close(outputs, write.cumsum(dim=1))


@pytest.mark.parametrize("name", LAYERS)
def test_what_padding_holds_reaches_no_gradient(name):
    layer = LAYERS[name](2, 3, batch_first=True)
    inputs = torch.randn(2, 4, 2)
    inputs[1, 2:] = float("nan")
    layer(inputs, lengths=[4, 2])[0].sum().backward()
    assert all(torch.isfinite(weight.grad).all() for weight in layer.parameters())
