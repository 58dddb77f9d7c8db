import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.errors import ConfigError
from ostinato.nn import LOSSES
from ostinato.nn.losses import cross_entropy, huber, mae, mse, quantile

LEVELS = (0.1, 0.5, 0.9)  # the default of `quantile`


def example(name, rows=4, steps=3):
    """A prediction and a target of the shapes that a loss takes."""
    if name == "cross_entropy":
        return torch.randn(rows, steps, 5), torch.randint(5, (rows, steps))
    if name == "quantile":
        return torch.randn(rows, steps, len(LEVELS)), torch.randn(rows, steps)
    return torch.randn(rows, steps), torch.randn(rows, steps)


def by_hand(name, prediction, target):
    """The loss of each real value, in plain NumPy and float64."""
    p, y = prediction.double().numpy(), target.double().numpy()
    if name == "mse":
        return (p - y) ** 2
    if name == "mae":
        return abs(p - y)
    if name == "huber":
        e = abs(p - y)
        return np.where(e <= 1, e**2 / 2, e - 0.5)
    if name == "quantile":
        e = y[..., None] - p
        return np.where(e >= 0, np.array(LEVELS) * e, (np.array(LEVELS) - 1) * e).mean(-1)
    logits = p - np.log(np.exp(p).sum(-1, keepdims=True))
    return -np.take_along_axis(logits, target.numpy()[..., None], -1)[..., 0]


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=20)
@given(rows=st.integers(1, 5), steps=st.integers(1, 5), seed=st.integers(0, 1000))
def test_a_loss_is_the_mean_of_its_formula_over_real_values(name, rows, steps, seed):
    torch.manual_seed(seed)
    prediction, target = example(name, rows, steps)
    each = by_hand(name, prediction, target)
    mask = torch.rand(rows, steps) < 0.6
    loss = LOSSES[name]
    assert loss(prediction, target, None).item() == pytest.approx(each.mean(), abs=1e-5)
    expected = each[mask.numpy()].mean() if mask.any() else 0.0
    assert loss(prediction, target, mask).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "cross_entropy"])
def test_a_masked_nan_leaks_into_no_gradient(name):
    prediction, target = example(name)
    mask = torch.ones(target.shape, dtype=torch.bool)
    mask[1, 2] = mask[3] = False
    clean = prediction.clone().requires_grad_()
    LOSSES[name](clean, target, mask).backward()
    dirty = prediction.clone().requires_grad_()
    LOSSES[name](dirty, target.masked_fill(~mask, float("nan")), mask).backward()
    assert torch.equal(clean.grad, dirty.grad)
    assert not clean.grad[~mask].any()


def test_a_masked_class_that_does_not_exist_is_never_looked_at():
    prediction, target = example("cross_entropy")
    mask = torch.ones(target.shape, dtype=torch.bool)
    mask[0, 0] = False
    expected = cross_entropy(prediction, target, mask)
    target[0, 0] = -1
    assert cross_entropy(prediction, target, mask) == expected


@pytest.mark.parametrize("name", LOSSES)
def test_without_a_real_value_the_loss_is_zero_and_so_is_the_gradient(name):
    prediction, target = example(name)
    prediction.requires_grad_()
    loss = LOSSES[name](prediction, target, torch.zeros(target.shape, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert not prediction.grad.any()


@pytest.mark.parametrize("name", ["mse", "mae", "huber"])
def test_a_loss_is_zero_at_the_target(name):
    _, target = example(name)
    assert LOSSES[name](target, target, None).item() == 0


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_agree_with_finite_differences(name):
    torch.manual_seed(0)
    prediction, target = example(name)
    prediction = prediction.double().requires_grad_()
    target = target.double() if target.is_floating_point() else target
    mask = torch.rand(target.shape) < 0.7
    assert torch.autograd.gradcheck(lambda prediction: LOSSES[name](prediction, target, mask), prediction)


def test_the_minimum_of_the_quantile_loss_is_the_quantile():
    values = torch.arange(1.0, 102.0)
    guesses = torch.arange(0.0, 103.0)
    losses = [
        quantile(torch.full((101, 1), guess), values, None, (0.9,)).item() for guess in guesses.tolist()
    ]
    assert guesses[int(np.argmin(losses))].item() == np.quantile(values.numpy(), 0.9)


def test_huber_is_linear_beyond_delta():
    zero = torch.zeros(1)
    assert huber(torch.full((1,), 10.0), zero, None, 2.0).item() == 2.0 * (10 - 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mse(torch.zeros(2, 3), torch.zeros(2)), r"prediction has shape \(2, 3\) and target \(2,\)"),
        (
            lambda: mae(torch.zeros(2), torch.zeros(3)),
            r"prediction has shape \(2,\) and target \(3,\); use the same",
        ),
        (
            lambda: huber(torch.zeros(1), torch.zeros(1), None, 0.0),
            "delta is 0.0; the Huber loss needs a delta above 0",
        ),
        (
            lambda: quantile(torch.zeros(2, 2), torch.zeros(2)),
            "prediction has 2 quantiles but there are 3 levels",
        ),
    ],
)
def test_shapes_and_settings_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
