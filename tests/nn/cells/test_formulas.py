"""Every cell without a twin in torch against its formula, written out in NumPy and float64, over several steps."""

import numpy as np
import pytest
import torch

from ostinato.nn.cells import CELLS

STEPS, BATCH, FEATURES, HIDDEN = 7, 3, 2, 4


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def normal(a, gain, bias):
    centred = a - a.mean(axis=1, keepdims=True)
    return gain * centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5) + bias


def positive(a):
    return np.where(a >= 0, a + 0.5, sigmoid(a))


def lnlstm(w, x, h, c):
    total = normal(x @ w["weight_ih"].T, w["gain_ih"], w["bias_ih"])
    total = total + normal(h @ w["weight_hh"].T, w["gain_hh"], w["bias_hh"])
    i, f, g, o = np.split(total, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(normal(c, w["gain_c"], w["bias_c"])), c


def lngru(w, x, h):
    def part(side, value, rows):
        gain, bias = w[f"gain_{side}"][rows], w[f"bias_{side}"][rows]
        return normal(value @ w[f"weight_{side}"][rows].T, gain, bias)

    gates, candidate = slice(0, 2 * HIDDEN), slice(2 * HIDDEN, None)
    r, z = np.split(sigmoid(part("ih", x, gates) + part("hh", h, gates)), 2, axis=1)
    n = np.tanh(part("ih", x, candidate) + r * part("hh", h, candidate))
    return ((1 - z) * n + z * h,)


def sums(w, x, h):
    return np.split(x @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T + w["bias_hh"], 4, axis=1)


def zoneout(w, x, h, c):
    i, f, g, o = sums(w, x, h)
    fresh = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return 0.05 * h + 0.95 * sigmoid(o) * np.tanh(fresh), 0.5 * c + 0.5 * fresh


def peephole(w, x, h, c):
    i, f, g, o = sums(w, x, h)
    p_i, p_f, p_o = np.split(w["peephole"], 3)
    after = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * np.tanh(g)
    return sigmoid(o + p_o * after) * np.tanh(after), after


def mingru(w, x, h):
    z, n = np.split(x @ w["weight_ih"].T + w["bias_ih"], 2, axis=1)
    return ((1 - sigmoid(z)) * h + sigmoid(z) * positive(n),)


def minlstm(w, x, h):
    i, f, n = np.split(x @ w["weight_ih"].T + w["bias_ih"], 3, axis=1)
    i, f = sigmoid(i), sigmoid(f)
    return (f / (f + i) * h + i / (f + i) * positive(n),)


def grud(w, x, h, last, since):
    seen = ~np.isnan(x)
    elapsed = since + 1
    fade_x = np.exp(-np.maximum(0, w["decay_x"] * elapsed + w["bias_x"]))
    fade_h = np.exp(-np.maximum(0, elapsed @ w["decay_h"].T + w["bias_h"]))
    full = np.concatenate([np.where(seen, x, fade_x * last), seen], axis=1)
    h = fade_h * h
    x_r, x_z, x_n = np.split(full @ w["weight_ih"].T + w["bias_ih"], 3, axis=1)
    h_r, h_z, h_n = np.split(h @ w["weight_hh"].T + w["bias_hh"], 3, axis=1)
    z = sigmoid(x_z + h_z)
    n = np.tanh(x_n + sigmoid(x_r + h_r) * h_n)
    return (1 - z) * n + z * h, np.where(seen, x, last), np.where(seen, 0, elapsed)


FORMULAS = {each.__name__: each for each in (lnlstm, lngru, zoneout, peephole, mingru, minlstm, grud)}


def unstabilised_slstm(w, xs):
    """The sLSTM as in equations 8-14 of the paper, exp(i) and all, over all steps."""
    h, c, n = (np.zeros((BATCH, HIDDEN)) for _ in range(3))
    outputs = []
    for x in xs:
        i, f, z, o = sums(w, x, h)
        c = sigmoid(f) * c + np.exp(i) * np.tanh(z)
        n = sigmoid(f) * n + np.exp(i)
        h = sigmoid(o) * c / n
        outputs.append(h)
    return outputs


def made(name):
    torch.manual_seed(1)
    cell = CELLS[name](FEATURES, HIDDEN, dtype=torch.float64).eval()
    with torch.no_grad():
        for weight in cell.parameters():
            weight += 0.3 * torch.randn_like(weight)  # gains and biases too
    weights = {weight_name: weight.detach().numpy() for weight_name, weight in cell.named_parameters()}
    xs = np.random.default_rng(0).normal(size=(STEPS, BATCH, FEATURES))
    return cell, weights, xs


def test_every_cell_is_compared_with_torch_or_with_its_formula():
    assert set(CELLS) == {"rnn", "lstm", "gru", "slstm", *FORMULAS}


@pytest.mark.parametrize("name", FORMULAS)
def test_steps_equal_the_formula(name):
    cell, weights, xs = made(name)
    if name == "grud":
        xs[[1, 2, 2, 5], [0, 0, 2, 1], [1, 1, 0, 0]] = np.nan
    state = tuple(
        torch.randn(BATCH, part.size(1), dtype=torch.float64).abs()
        for part in cell.initial_state(torch.zeros(BATCH, FEATURES))
    )
    expected = tuple(part.numpy() for part in state)
    for x in xs:
        output, state = cell.step(torch.from_numpy(x), state)
        expected = FORMULAS[name](weights, x, *expected)
        np.testing.assert_allclose(output.detach(), expected[0], rtol=1e-12, atol=1e-14)
        for ours, theirs in zip(state, expected, strict=True):
            np.testing.assert_allclose(ours.detach(), theirs, rtol=1e-12, atol=1e-14)


def test_the_stabiliser_of_the_slstm_changes_no_number():
    cell, weights, xs = made("slstm")
    state = None
    for x, expected in zip(xs, unstabilised_slstm(weights, xs), strict=True):
        output, state = cell(torch.from_numpy(x), state)
        np.testing.assert_allclose(output.detach(), expected, rtol=1e-12)


def test_a_zoned_out_unit_keeps_its_value_with_the_stated_probability():
    torch.manual_seed(0)
    cell = CELLS["zoneout"](1, 500)
    h, c = torch.randn(40, 500), torch.randn(40, 500)
    _, (new_h, new_c) = cell.step(torch.randn(40, 1), (h, c))
    assert (new_h == h).float().mean().item() == pytest.approx(0.05, abs=0.008)  # 20000 draws: error 0.0015
    assert (new_c == c).float().mean().item() == pytest.approx(0.5, abs=0.02)  # error 0.0035


def test_the_mean_of_zoneout_in_training_is_what_it_does_afterwards():
    torch.manual_seed(0)
    cell = CELLS["zoneout"](1, 3)
    x, h, c = (torch.randn(1, width).expand(20_000, width) for width in (1, 3, 3))
    drawn, _ = cell.step(x, (h, c))
    mixed, _ = cell.eval().step(x[:1], (h[:1], c[:1]))
    torch.testing.assert_close(drawn.mean(dim=0), mixed[0], atol=0.01, rtol=0)


def test_a_gap_in_time_fades_as_that_many_missing_steps_do_on_an_input():
    cell, weights, _ = made("grud")
    values = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    _, state = cell(values)
    late = torch.tensor([[float("nan"), float("nan"), 5.0]], dtype=torch.float64)  # five steps later
    _, (_, last, since) = cell.step(late, state)
    assert torch.equal(last, values)
    assert torch.equal(since, torch.full((1, 2), 5.0, dtype=torch.float64))
    part = cell._fade_x(since)
    np.testing.assert_allclose(
        part.detach()[0], np.exp(-np.maximum(0, weights["decay_x"] * 5 + weights["bias_x"]))
    )
