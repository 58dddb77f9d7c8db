import numpy as np
import pytest
import torch

from ostinato.train.diagnosis.dependence import dependence_by_lag, strongest_lag


def noise(rows=20, steps=40, features=1):
    return torch.randn(rows, steps, features, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("lag", [0, 3, 17])
def test_an_echo_depends_on_its_lag(lag):
    inputs = noise()
    mask = (torch.arange(40) >= lag).expand(20, 40)
    by_lag = dependence_by_lag(inputs, torch.roll(inputs[..., 0], lag, dims=1), mask)
    assert strongest_lag(by_lag) == lag
    assert by_lag[lag] == pytest.approx(1.0)


def test_classes_are_told_apart_by_columns():
    symbols = torch.randint(0, 4, (30, 20), generator=torch.Generator().manual_seed(1))
    inputs = torch.nn.functional.one_hot(symbols).float()
    targets = torch.roll(symbols, 5, dims=1)
    mask = (torch.arange(20) >= 5).expand(30, 20)
    assert strongest_lag(dependence_by_lag(inputs, targets, mask)) == 5


def test_the_correlation_is_numpys():
    inputs = noise()
    targets = 0.7 * torch.roll(inputs[..., 0], 2, dims=1) + noise(features=2)[..., 1]
    expected = np.corrcoef(inputs[:, :-2, 0].reshape(-1), targets[:, 2:].reshape(-1))[0, 1]
    assert dependence_by_lag(inputs, targets)[2] == pytest.approx(abs(expected))


def test_noise_depends_on_no_lag():
    assert strongest_lag(dependence_by_lag(noise(), noise(features=2)[..., 1])) is None


def test_too_few_pairs_say_nothing():
    inputs = noise(rows=1, steps=40)
    by_lag = dependence_by_lag(inputs, inputs[..., 0])
    assert (by_lag[11:] == 0).all()
    assert by_lag[0] == pytest.approx(1.0)


def test_constant_inputs_have_no_correlation():
    assert not dependence_by_lag(torch.ones(5, 20, 1), torch.randn(5, 20)).any()


def test_the_tokens_of_a_language_are_not_compared():
    tokens = torch.randint(0, 1000, (4, 20), generator=torch.Generator().manual_seed(0))
    assert not dependence_by_lag(torch.randn(4, 20, 2), tokens).any()
    assert not dependence_by_lag(torch.randn(4, 20, 300), torch.randn(4, 20)).any()
