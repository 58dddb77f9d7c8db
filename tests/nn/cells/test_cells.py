import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ostinato.errors import ConfigError
from ostinato.nn.cells import CELLS, LSTMCell, RNNCell, ZoneoutLSTMCell

TORCH_CELLS = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}
TORCH_VARIANTS = [(name, {}) for name in TORCH_CELLS] + [("rnn", {"nonlinearity": "relu"})]
VARIANTS = [(name, {}) for name in CELLS] + [("rnn", {"nonlinearity": "relu"})]


def some_state(cell, batch=2, dtype=torch.float32):
    """A state that the cell can be in: parts above 0 suit every cell, such as one that counts what it wrote."""
    widths = cell.state_widths(cell.input_size, cell.hidden_size)
    return tuple(torch.rand(batch, width, dtype=dtype) + 0.1 for width in widths)


@pytest.mark.parametrize(("name", "options"), TORCH_VARIANTS)
@settings(max_examples=15)
@given(batch=st.integers(1, 4), features=st.integers(1, 5), hidden=st.integers(1, 6), bias=st.booleans())
def test_a_step_equals_the_step_of_torchs_cell(name, options, batch, features, hidden, bias):
    cell = CELLS[name](features, hidden, bias, **options)
    other = TORCH_CELLS[name](features, hidden, bias, **options)
    other.load_state_dict(cell.state_dict())
    x = torch.randn(batch, features)
    state = tuple(torch.randn(batch, hidden) for _ in range(cell.state_size))
    output, after = cell.step(x, state)
    expected = other(x, state if name == "lstm" else state[0])
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert output is after[0]
    for ours, theirs in zip(after, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", TORCH_CELLS)
def test_the_state_dict_of_torchs_cell_fits(name):
    cell, other = CELLS[name](3, 4), TORCH_CELLS[name](3, 4)
    assert list(cell.state_dict()) == list(other.state_dict())
    cell.load_state_dict(other.state_dict())


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_gradients_agree_with_finite_differences(name, options):
    torch.manual_seed(0)
    cell = CELLS[name](2, 3, **options, dtype=torch.float64).eval()
    x = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    state = tuple(part.requires_grad_() for part in some_state(cell, dtype=torch.float64))
    weights = list(cell.parameters())
    assert torch.autograd.gradcheck(
        lambda x, *rest: cell.step(x, rest[: len(state)])[1], (x, *state, *weights)
    )


@pytest.mark.parametrize("name", CELLS)
def test_calling_a_cell_without_a_state_starts_from_zeros(name):
    cell = CELLS[name](3, 4).eval()
    x = torch.randn(2, 3)
    zeros = tuple(torch.zeros_like(part) for part in some_state(cell))
    assert torch.equal(cell(x)[0], cell.step(x, zeros)[0])


def test_a_projected_lstm_step_equals_the_formula():
    cell = LSTMCell(3, 5, proj_size=2)
    plain = LSTMCell(2 + 3, 5, bias=False)
    with torch.no_grad():
        plain.weight_ih.copy_(torch.cat([cell.weight_hh, cell.weight_ih], dim=1))
        plain.weight_hh.zero_()
    x, h, c = torch.randn(4, 3), torch.randn(4, 2), torch.randn(4, 5)
    with torch.no_grad():
        cell.bias_ih.zero_()
        cell.bias_hh.zero_()
    _, (inner, memory) = plain.step(torch.cat([h, x], dim=1), (torch.zeros(4, 5), c))
    _, (projected, kept) = cell.step(x, (h, c))
    torch.testing.assert_close(projected, inner @ cell.weight_hr.T)
    torch.testing.assert_close(kept, memory)


def test_an_lstm_forgets_nothing_with_its_gates_forced_open_and_shut():
    cell = LSTMCell(1, 1)
    with torch.no_grad():
        for weight in cell.parameters():
            weight.zero_()
        cell.bias_ih.copy_(torch.tensor([-100.0, 100.0, 0.0, 100.0]))  # write nothing, keep all, show all
    _, (h, c) = cell.step(torch.ones(1, 1), (torch.zeros(1, 1), torch.tensor([[0.7]])))
    assert c.item() == pytest.approx(0.7)
    assert h.item() == pytest.approx(torch.tanh(torch.tensor(0.7)).item())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RNNCell(0, 3), "input_size is 0 and hidden_size is 3; both must be at least 1"),
        (lambda: RNNCell(1, 3, nonlinearity="sin"), "nonlinearity is 'sin'; use 'tanh' or 'relu'"),
        (
            lambda: LSTMCell(1, 3, proj_size=3),
            "proj_size is 3; it must be at least 0 and below hidden_size 3",
        ),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize("name", CELLS)
def test_the_representation_says_the_sizes(name):
    assert repr(CELLS[name](3, 4, bias=False)).endswith("(3, 4, bias=False)")


@pytest.mark.parametrize("name", CELLS)
def test_a_step_is_finite_whatever_the_size_of_the_input(name):
    cell = CELLS[name](2, 3)
    state = cell.initial_state(torch.zeros(1, 2))
    for size in (1.0, 1e4, -1e4, 0.0, 1e4):
        output, state = cell.step(torch.full((1, 2), size), state)
        assert all(torch.isfinite(part).all() for part in (output, *state))


@pytest.mark.parametrize("name", CELLS)
def test_a_state_dict_gives_the_same_steps(name):
    cell, other = CELLS[name](2, 3).eval(), CELLS[name](2, 3).eval()
    other.load_state_dict(cell.state_dict())
    x, state = torch.randn(2, 2), some_state(cell)
    assert torch.equal(cell.step(x, state)[0], other.step(x, state)[0])


@pytest.mark.parametrize("name", sorted(set(CELLS) - {"mingru", "minlstm"}))
def test_a_mask_hides_the_dropped_values_of_the_state_from_the_gates(name):
    torch.manual_seed(0)
    cell = CELLS[name](2, 64)
    x, state = torch.randn(1, 2), some_state(cell, 1)
    before = cell.hidden_part(state[0])
    cell.draw_mask(state[0], 0.5)
    assert set(cell.mask.unique().tolist()) == {0.0, 2.0}
    expected = state[0] * cell.mask
    cell.step(x, state)
    masked = cell.hidden_part(state[0])
    cell.draw_mask(state[0], 0.0)
    assert torch.equal(masked, cell.hidden_part(expected))
    assert not torch.equal(masked, before)


def test_a_cell_that_is_not_linear_in_its_state_has_no_coefficients():
    with pytest.raises(NotImplementedError, match="LSTMCell is not linear in its state"):
        LSTMCell(1, 2).coefficients(torch.zeros(1, 8))


@pytest.mark.parametrize(("option", "value"), [("zoneout_h", 1.0), ("zoneout_c", -0.1)])
def test_a_zoneout_that_is_no_probability_below_1_is_refused(option, value):
    with pytest.raises(ConfigError, match=f"{option} is {value}; it is a probability below 1"):
        ZoneoutLSTMCell(1, 2, **{option: value})
