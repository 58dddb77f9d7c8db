import math

import pytest
import torch
from torch import nn

from ostinato.train.config import OPTIMIZERS, TrainConfig
from ostinato.train.optimizers import Average, gradient_norm, learning_rate, make_optimizer


def weights(*values):
    made = [nn.Parameter(torch.zeros(len(value))) for value in values]
    for weight, value in zip(made, values, strict=True):
        weight.grad = torch.tensor(value)
    return made


@pytest.mark.parametrize("clip", [0.5, 1.0, 13.0, 20.0])
def test_clipping_equals_torchs(clip):
    ours, theirs = weights([3.0, 4.0], [12.0]), weights([3.0, 4.0], [12.0])
    assert gradient_norm(ours, clip).item() == pytest.approx(13.0)
    torch.nn.utils.clip_grad_norm_(theirs, clip)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_without_a_limit_gradients_are_only_measured():
    made = weights([3.0, 4.0])
    assert gradient_norm(made, None).item() == 5.0
    assert made[0].grad.tolist() == [3.0, 4.0]


def test_weights_without_a_gradient_are_left_out():
    made = weights([3.0, 4.0], [1.0])
    made[1].grad = None
    assert gradient_norm(made, 1.0).item() == 5.0
    assert gradient_norm(made[1:], 1.0).item() == 0.0


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_fused_optimizer_agrees_with_the_plain_one(name):
    torch.manual_seed(0)
    config = TrainConfig(optimizer=name, weight_decay=0.01, learning_rate=0.1)
    start, gradients = torch.randn(5), torch.randn(4, 5)
    plain = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[name]
    momentum = {"momentum": 0.9} if name == "sgd" else {}
    results = []
    for make in (
        lambda weight: make_optimizer([weight], config),
        lambda weight: plain([weight], lr=0.1, weight_decay=0.01, fused=False, foreach=False, **momentum),
    ):
        weight = nn.Parameter(start.clone())
        optimizer = make(weight)
        for gradient in gradients:
            weight.grad = gradient.clone()
            optimizer.step()
        results.append(weight.detach())
    torch.testing.assert_close(*results, atol=1e-6, rtol=1e-5)


def test_the_constant_schedule_stays():
    config = TrainConfig(learning_rate=0.3)
    assert [learning_rate(config, epoch, [1.0] * epoch) for epoch in range(3)] == [0.3] * 3


def test_the_cosine_schedule_equals_torchs():
    config = TrainConfig(epochs=8, learning_rate=0.3, schedule="cosine")
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
    for epoch in range(8):
        assert learning_rate(config, epoch, []) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()


def test_the_plateau_schedule_halves_after_epochs_without_a_better_loss():
    config = TrainConfig(learning_rate=1.0, schedule="plateau", plateau=2)
    losses = [5.0, 4.0, 4.5, 4.2, 4.1, 4.0, 3.0, 3.0, 3.0]
    rates = [learning_rate(config, epoch, losses[:epoch]) for epoch in range(len(losses) + 1)]
    assert rates == [1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_the_average_follows_its_formula():
    weight = nn.Parameter(torch.tensor([1.0]))
    average = Average([weight], 0.9)
    expected = 1.0
    for count, value in enumerate([2.0, 5.0, -1.0], start=1):
        with torch.no_grad():
            weight.fill_(value)
        average.update(count)
        decay = min(0.9, (1 + count) / (10 + count))
        expected = decay * expected + (1 - decay) * value
    assert math.isclose(average.values[0].item(), expected, rel_tol=1e-6)


def test_swapping_the_average_twice_changes_nothing():
    weight = nn.Parameter(torch.tensor([1.0]))
    average = Average([weight], 0.9)
    with torch.no_grad():
        weight.fill_(2.0)
    average.swap()
    assert (weight.item(), average.values[0].item()) == (1.0, 2.0)
    average.swap()
    assert (weight.item(), average.values[0].item()) == (2.0, 1.0)
