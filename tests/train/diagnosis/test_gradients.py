import numpy as np
import pytest
import torch
from torch import nn

from ostinato.nn import GRU, LSTM, RNN
from ostinato.train.diagnosis.gradients import decay_factor, effective_memory, state_gradients
from ostinato.train.diagnosis.reading import opened

BATCH, TIME, FEATURES, HIDDEN = 2, 6, 3, 4
CELLS = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}
LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def read(model, examples, loss):
    with opened(model, examples, loss) as (scalar, calls):
        return state_gradients(scalar, calls)


def last_square(model, inputs):
    return model(inputs)[0][:, -1].square().mean()


def finite_differences(kind, layer, inputs, step, look):
    """dLoss / dstate after one step of a layer, by nudging each entry of the state in a loop over torch's own cell."""
    cell = CELLS[kind](FEATURES, HIDDEN, dtype=torch.float64)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    parts = 2 if kind == "lstm" else 1

    def loss(nudge):
        state = [torch.zeros(BATCH, HIDDEN, dtype=torch.float64) for _ in range(parts)]
        outputs = []
        for number in range(TIME):
            after = cell(inputs[:, number], tuple(state) if parts == 2 else state[0])
            state = list(after) if parts == 2 else [after]
            if number == step:
                state = [part + extra for part, extra in zip(state, nudge, strict=True)]
            outputs.append(state[0])
        return look(torch.stack(outputs, dim=1)).item()

    gradients = np.zeros((parts, BATCH, HIDDEN))
    for place in np.ndindex(gradients.shape):
        nudge = torch.zeros(parts, BATCH, HIDDEN, dtype=torch.float64)
        nudge[place] = 1e-6
        gradients[place] = (loss(nudge) - loss(-nudge)) / 2e-6
    return gradients


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("every_step", [False, True])
def test_gradients_of_the_state_agree_with_finite_differences(kind, every_step):
    torch.manual_seed(0)
    layer = LAYERS[kind](FEATURES, HIDDEN, batch_first=True, dtype=torch.float64)
    inputs = torch.randn(BATCH, TIME, FEATURES, dtype=torch.float64)

    def look(outputs):
        return (outputs if every_step else outputs[:, -1:]).square().mean()

    (gradients,) = read(layer, inputs, lambda model, x: look(model(x)[0])).values()
    for step in range(TIME):
        expected = finite_differences(kind, layer, inputs, step, look)
        norm = np.sqrt((expected**2).sum(axis=(0, 2))).mean()
        assert gradients.by_step[step] == pytest.approx(norm, rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("kind", CELLS)
def test_a_loss_at_every_step_is_followed_from_its_last_step(kind):
    torch.manual_seed(1)
    layer = LAYERS[kind](FEATURES, HIDDEN, batch_first=True, dtype=torch.float64)
    inputs = torch.randn(BATCH, TIME, FEATURES, dtype=torch.float64)
    (every,) = read(layer, inputs, lambda model, x: model(x)[0].square().sum()).values()
    (last,) = read(layer, inputs, lambda model, x: model(x)[0][:, -1].square().sum()).values()
    np.testing.assert_allclose(every.by_lag, last.by_lag, rtol=1e-9)


def halving(dtype=torch.float32):
    """A linear network in disguise: ReLU on what is always positive, the state halved at each step."""
    layer = RNN(1, HIDDEN, nonlinearity="relu", batch_first=True, dtype=dtype)
    with torch.no_grad():
        layer.weight_hh_l0.copy_(0.5 * torch.eye(HIDDEN))
        layer.weight_ih_l0.fill_(1.0)
        layer.bias_ih_l0.fill_(1.0)
        layer.bias_hh_l0.zero_()
    return layer


def test_the_gradient_of_a_halving_network_halves_with_each_lag():
    inputs = torch.rand(3, 12, 1)
    (gradients,) = read(halving(), inputs, lambda model, x: model(x)[0][:, -1].sum(dim=1).mean()).values()
    np.testing.assert_allclose(gradients.by_lag, 2 / 3 * 0.5 ** np.arange(12), rtol=1e-5)
    assert gradients.memory == 4  # 1 - 0.5 ** 4 of the gradient lies in four steps
    assert gradients.factor == pytest.approx(0.5, rel=1e-5)


def test_lags_count_from_the_last_real_step_of_each_row():
    layer, inputs = halving(), torch.rand(2, 9, 1)

    def loss(model, x):
        _, final = model(x, lengths=[9, 4])
        return final.sum(dim=2).sum()

    (gradients,) = read(layer, inputs, loss).values()
    np.testing.assert_allclose(gradients.by_lag, 2 * 0.5 ** np.arange(9), rtol=1e-5)
    assert len(gradients.by_step) == 9


def test_a_loss_on_the_final_state_is_as_one_on_the_last_output():
    torch.manual_seed(2)
    layer, inputs = nn.LSTM(FEATURES, HIDDEN, batch_first=True), torch.randn(BATCH, TIME, FEATURES)
    (outputs,) = read(layer, inputs, lambda model, x: model(x)[0][:, -1].square().sum()).values()
    (final,) = read(layer, inputs, lambda model, x: model(x)[1][0].square().sum()).values()
    np.testing.assert_allclose(final.by_lag, outputs.by_lag, rtol=1e-5)


def test_a_backward_layer_counts_its_lags_the_other_way():
    torch.manual_seed(3)
    layer, inputs = (
        GRU(FEATURES, HIDDEN, batch_first=True, bidirectional=True),
        torch.randn(1, TIME, FEATURES),
    )
    forwards, backwards = read(layer, inputs, lambda model, x: model(x)[0][:, 2].square().sum()).values()
    assert len(forwards.by_lag) == 3  # steps 2, 1, 0
    assert len(backwards.by_lag) == 4  # steps 2, 3, 4, 5
    assert (backwards.by_step > 0).tolist() == [False, False, True, True, True, True]


def test_layers_of_torch_and_ours_read_alike():
    torch.manual_seed(4)
    ours, inputs = LSTM(FEATURES, HIDDEN, 2, batch_first=True), torch.randn(BATCH, TIME, FEATURES)
    theirs = nn.LSTM(FEATURES, HIDDEN, 2, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    first, second = read(ours, inputs, last_square), read(theirs, inputs, last_square)
    assert [name.removeprefix("LSTM.") for name in first] == ["l0", "l1"]
    for name in first:
        np.testing.assert_allclose(first[name].by_lag, second[name].by_lag, rtol=1e-6)


def test_a_layer_below_is_reached_through_the_one_above():
    torch.manual_seed(5)
    stack = GRU(FEATURES, HIDDEN, 2, batch_first=True, dtype=torch.float64)
    inputs = torch.randn(BATCH, TIME, FEATURES, dtype=torch.float64)
    lower = read(stack, inputs, last_square)["GRU.l0"]
    cells = [nn.GRUCell(width, HIDDEN, dtype=torch.float64) for width in (FEATURES, HIDDEN)]
    for number, cell in enumerate(cells):
        names = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}
        cell.load_state_dict({name: getattr(stack, f"{name}_l{number}") for name in names})
    states, kept = [None, None], []
    for step in range(TIME):
        states[0] = cells[0](inputs[:, step], states[0])
        states[0].retain_grad()
        kept.append(states[0])
        states[1] = cells[1](states[0], states[1])
    states[1].square().mean().backward()
    for step, state in enumerate(kept):
        assert lower.by_step[step] == pytest.approx(state.grad.norm(dim=1).mean().item(), rel=1e-9)


@pytest.mark.parametrize(
    ("by_lag", "memory"), [([1.0], 1), ([1.0] * 10, 9), ([0.0, 0.0, 1.0], 3), ([0.0, 0.0], None)]
)
def test_memory_is_the_steps_within_which_nine_tenths_of_the_gradient_lie(by_lag, memory):
    assert effective_memory(np.array(by_lag)) == memory


@pytest.mark.parametrize(
    ("by_lag", "factor"), [([1.0], 1.0), ([1.0, 0.0, 0.0], 0.0), ([9.0, 1.0, 2.0, 4.0], 2.0)]
)
def test_the_factor_is_the_slope_of_the_logarithm(by_lag, factor):
    assert decay_factor(np.array(by_lag)) == pytest.approx(factor)
