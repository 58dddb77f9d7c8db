import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.errors import ConfigError
from ostinato.nn import HEADS, LOSSES, PointHead, QuantileHead, SoftmaxHead

SIZES = {"point": {"horizon": 4}, "quantile": {"horizon": 4}, "softmax": {"classes": 5}}


def target_for(name, output):
    """A target that fits the output of a head."""
    if name == "softmax":
        return torch.randint(output.size(-1), output.shape[:-1])
    return torch.randn(output.shape[:-1] if name == "quantile" else output.shape)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("leading", [(3,), (3, 6)])
def test_a_heads_output_and_loss_agree_on_a_shape(name, leading):
    head = HEADS[name](8, **SIZES[name])
    output = head(torch.randn(*leading, 8))
    assert output.shape[: len(leading)] == leading
    target = target_for(name, output)
    loss = head.loss(output, target, torch.ones(target.shape, dtype=torch.bool))
    loss.backward()
    assert loss.shape == ()
    assert all(weight.grad.abs().sum() > 0 for weight in head.parameters())


@pytest.mark.parametrize("name", HEADS)
def test_a_heads_gradient_agrees_with_finite_differences(name):
    torch.manual_seed(0)
    head = HEADS[name](3, **SIZES[name], dtype=torch.float64)
    hidden = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    target = target_for(name, head(hidden))
    target = target.double() if target.is_floating_point() else target
    assert torch.autograd.gradcheck(lambda hidden: head.loss(head(hidden), target), hidden)


@settings(max_examples=30)
@given(
    levels=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=9, unique=True).map(sorted),
    size=st.floats(0, 20),
    seed=st.integers(0, 99),
)
def test_quantiles_never_cross_whatever_the_weights(levels, size, seed):
    torch.manual_seed(seed)
    head = QuantileHead(4, 3, levels=levels)
    with torch.no_grad():
        for weight in head.parameters():
            weight.normal_(std=size)
    output = head(torch.randn(5, 4))
    assert output.shape == (5, 3, len(levels))
    assert (output.diff(dim=-1) >= 0).all()


def test_the_middle_quantile_is_a_plain_linear_output():
    head = QuantileHead(4, 2, levels=(0.1, 0.4, 0.55, 0.9))
    hidden = torch.randn(3, 4)
    raw = head.linear(hidden).reshape(3, 2, 4)
    torch.testing.assert_close(head(hidden)[..., 2], raw[..., 2])


def test_quantiles_learn_those_of_a_sample():
    torch.manual_seed(0)
    head = QuantileHead(1, 1, levels=(0.1, 0.5, 0.9))
    sample = torch.linspace(0, 10, 101).unsqueeze(1)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(400):
        optimizer.zero_grad()
        head.loss(head(torch.zeros(101, 1)), sample).backward()
        optimizer.step()
    learned = head(torch.zeros(1, 1)).flatten()
    torch.testing.assert_close(learned, torch.tensor([1.0, 5.0, 9.0]), atol=0.2, rtol=0)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_a_point_head_uses_the_named_loss(loss):
    head = PointHead(4, 2, loss=loss)
    output, target = head(torch.randn(3, 4)), torch.randn(3, 2)
    assert head.loss(output, target) == LOSSES[loss](output, target, None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: PointHead(4, 1, loss="quantile"),
            "loss is 'quantile'; a point head takes 'mse', 'mae' or 'huber'",
        ),
        (
            lambda: QuantileHead(4, 1, levels=(0.9, 0.1)),
            r"levels are \(0.9, 0.1\); use rising numbers between 0 and 1",
        ),
        (lambda: QuantileHead(4, 1, levels=()), r"levels are \(\); use rising numbers"),
        (lambda: QuantileHead(4, 1, levels=(0.0, 0.5)), r"levels are \(0.0, 0.5\); use rising numbers"),
        (lambda: SoftmaxHead(4, 1), "classes is 1; a softmax needs at least 2"),
    ],
)
def test_bad_settings_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
