import numpy as np
import pytest
import torch

from ostinato.tasks.pretrained.training import quantile_loss


def test_the_loss_is_the_pinball_loss_with_the_median_counted_three_times():
    rng = np.random.default_rng(0)
    quantiles = np.sort(rng.standard_normal((4, 3, 9)), axis=-1)
    target = rng.standard_normal((4, 3))
    levels = np.arange(1, 10) / 10
    error = target[..., None] - quantiles
    pinball = np.where(error >= 0, levels * error, (levels - 1) * error)
    counted = np.array([1, 1, 1, 1, 3, 1, 1, 1, 1])
    expected = 2 * (pinball * counted).sum() / counted.sum() / 12
    found = quantile_loss(torch.tensor(quantiles), torch.tensor(target), torch.ones(4, 3))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_a_perfect_forecast_has_no_loss():
    target = torch.randn(2, 5)
    assert float(quantile_loss(target[..., None].expand(2, 5, 9), target, torch.ones(2, 5))) == 0


def test_steps_without_weight_do_not_count():
    quantiles, target = torch.zeros(1, 2, 9), torch.tensor([[1.0, 100.0]])
    found = quantile_loss(quantiles, target, torch.tensor([[1.0, 0.0]]))
    assert float(found) == pytest.approx(1.0, abs=0.2)
