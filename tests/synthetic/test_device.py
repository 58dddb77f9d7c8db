import subprocess
import sys

import numpy as np
import pytest
import torch

from ostinato.synthetic import AUGMENTATIONS, FAMILIES, down_sample, generate
from ostinato.synthetic.device import DeviceRandom

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
COUNT = 1500  # series compared; Kolmogorov's distance of so many is above 0.08 once in ten thousand times


@pytest.fixture(params=DEVICES)
def device(request):
    return request.param


def ks(first, second):
    """The largest distance between two empirical distributions (Kolmogorov and Smirnov)."""
    grid = np.concatenate([first, second])
    shares = [np.searchsorted(np.sort(one), grid, side="right") / len(one) for one in (first, second)]
    return np.abs(shares[0] - shares[1]).max()


def likeness(values, lag):
    """The autocorrelation of every row; 0 of rows that do not move."""
    centred = values - values.mean(axis=1, keepdims=True)
    power = (centred**2).sum(axis=1)
    return (centred[:, lag:] * centred[:, :-lag]).sum(axis=1) / np.where(power > 0, power, 1)


def facts(series):
    series = series.astype(np.float64)
    steps = np.diff(series, axis=1)
    size = np.abs(steps).mean(axis=1) + 1e-12
    return {
        "level": np.log(np.abs(series).mean(axis=1) + 1e-3),
        "step over level": np.log(size / (np.abs(series).mean(axis=1) + 1e-3)),
        "largest step": np.abs(steps).max(axis=1) / size,
        "mean step": steps.mean(axis=1) / size,
        "lowest": series.min(axis=1) / (np.abs(series).mean(axis=1) + 1e-3),
        "memory": likeness(series, 1),
        "memory of steps": likeness(steps, 1),
        "season of steps": likeness(steps, 12),
    }


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_draws_the_same_kind_of_series_on_a_device_as_with_numpy(name, device):
    drawn = FAMILIES[name](COUNT, 96, season_length=12, rng=DeviceRandom(1, device))
    expected = facts(FAMILIES[name](COUNT, 96, season_length=12, rng=np.random.default_rng(1)))
    for fact, found in facts(drawn.cpu().numpy()).items():
        assert ks(found, expected[fact]) < 0.08, fact


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("length", "season_length"), [(1, 1), (2, 12), (60, 1), (200, 24)])
def test_a_family_gives_finite_tensors_of_the_size_asked(name, length, season_length, device):
    series = FAMILIES[name](7, length, season_length=season_length, rng=DeviceRandom(0, device))
    assert series.shape == (7, length)
    assert (series.dtype, series.device.type) == (torch.float32, device)
    assert bool(torch.isfinite(series).all())


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_gives_the_same_tensors_for_the_same_seed(name, device):
    first, again, other = (
        FAMILIES[name](5, 50, season_length=4, rng=DeviceRandom(seed, device)) for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_nothing_leaves_the_device_or_is_made_elsewhere(device, monkeypatch):
    def refuse(*_):
        raise AssertionError("a tensor became an array")

    monkeypatch.setattr(torch.Tensor, "__array__", refuse)
    monkeypatch.setattr(torch.Tensor, "numpy", refuse)
    with torch.device("meta"):  # where tensors that name no device would be made
        series = generate(60, 200, season_length=24, seed=2, device=device)
    assert series.device.type == device


def test_a_mixture_on_a_device_is_seeded_shuffled_and_thinned_out(device):
    first, again = (generate(300, 100, seed=5, device=device) for _ in range(2))
    np.testing.assert_array_equal(first.cpu().numpy(), again.cpu().numpy())
    assert first.shape == (300, 100)
    assert bool(torch.isnan(first).any())
    assert bool(torch.isfinite(generate(300, 100, seed=5, augmented=False, device=device)).all())


def test_a_mixture_on_a_device_is_like_that_of_numpy(device):
    drawn = generate(3000, 64, seed=7, augmented=False, device=device).cpu().numpy()
    expected = facts(generate(3000, 64, seed=7, augmented=False))
    assert all(ks(found, expected[fact]) < 0.06 for fact, found in facts(drawn).items())


def test_a_mixture_on_a_device_goes_on_drawing_from_a_generator(device):
    rng = np.random.default_rng(0)
    first, second = (generate(9, 20, seed=rng, augmented=False, device=device) for _ in range(2))
    assert not torch.equal(first, second)


def test_the_common_generator_of_torch_is_left_alone(device):
    before = torch.random.get_rng_state()
    generate(24, 20, device=device)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_an_augmentation_leaves_its_tensor_and_most_series_alone(name, device):
    series = generate(200, 60, seed=0, augmented=False, device=device)
    before = series.clone()
    changed = AUGMENTATIONS[name](series, rng=DeviceRandom(0, device))
    assert torch.equal(series, before)
    assert 0 < float((changed != series).any(dim=1).float().mean()) < 0.3


@pytest.mark.parametrize("mean", [True, False])
def test_tensors_are_down_sampled_as_arrays_are(mean, device):
    series = generate(5, 31, seed=0, augmented=False)
    found = down_sample(torch.from_numpy(series).to(device), factor=4, mean=mean)
    np.testing.assert_allclose(found.cpu().numpy(), down_sample(series, factor=4, mean=mean), rtol=1e-6)


@pytest.mark.parametrize("shape", [1.0, 1.5, 15.0])
def test_gamma_draws_have_the_moments_of_their_distribution(shape, device):
    drawn = DeviceRandom(0, device).standard_gamma(shape, (200, 200)).cpu().numpy()
    error = np.sqrt(shape / drawn.size)
    assert drawn.mean() == pytest.approx(shape, abs=4 * error)
    assert drawn.var() == pytest.approx(shape, rel=0.05)
    assert ((drawn - shape) ** 3).mean() == pytest.approx(2 * shape, rel=0.2)


def test_gamma_draws_take_a_shape_for_each_series(device):
    shapes = torch.tensor([1.25, 9.0], device=device)
    drawn = DeviceRandom(0, device).standard_gamma(shapes, (4000, 2)).mean(dim=0)
    np.testing.assert_allclose(drawn.cpu(), shapes.cpu(), rtol=0.1)


def test_whole_numbers_lie_between_their_bounds(device):
    random = DeviceRandom(0, device)
    assert set(random.integers(1, 4, 200).tolist()) == {1, 2, 3}
    assert set(random.integers(2, size=(50, 2)).flatten().tolist()) == {0, 1}
    assert 0 <= int(random.integers(5)) < 5


def test_drawing_with_numpy_imports_no_torch():
    code = "import sys, ostinato.synthetic as s; s.generate(12, 20); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
