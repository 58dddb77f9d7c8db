import copy
import pickle

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from ostinato.errors import ModelFileError
from ostinato.synthetic import generate
from ostinato.tasks.pretrained import long as pretrained_long
from ostinato.tasks.pretrained import network as pretrained_network
from ostinato.tasks.pretrained import scaling as pretrained_scaling
from ostinato.tasks.pretrained import values as pretrained_values
from ostinato.tasks.pretrained.forms import LONG, MIXED
from ostinato.tasks.pretrained.training import Network

STEPS = np.arange(1, 31)
SIZES = pretrained_long.SIZES


def prepared(history, season=7, long_season=0):
    return pretrained_scaling.prepare(np.asarray(history, dtype=np.float32), season, long_season)


@pytest.fixture
def member(tmp_path):
    torch.manual_seed(0)
    network = Network(16, 12, SIZES)
    torch.nn.init.normal_(network.out.weight, std=2.0)
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    save_file(weights, tmp_path / "a.safetensors", metadata={"form": "long", "plain": "yes"})
    return pretrained_network.read_member(tmp_path / "a.safetensors")


def forecast(members, history, season=7, long_season=0):
    values = np.asarray(history, dtype=np.float64)
    ends = np.array([len(values)])
    return pretrained_values.forecast_values(
        values, ends - len(values), ends, 5, season_length=season, long_season=long_season, members=members
    )[0]


def wandering(length):
    return np.random.default_rng(0).standard_normal(length).cumsum() - 50


@pytest.mark.parametrize(("length", "patches"), [(1, 1), (16, 1), (17, 2), (100, 7), (512, 32), (5000, 32)])
def test_up_to_512_steps_are_read(length, patches):
    assert pretrained_long.read_for(length) == patches


@pytest.mark.parametrize(("length", "long_season"), [(2, 0), (20, 0), (300, 0), (700, 168)])
def test_inputs_have_the_stated_sizes_and_are_finite(length, long_season):
    history = generate(20, length, season_length=24, seed=1)
    inputs = pretrained_long.build(prepared(history, 24, long_season), STEPS, 9)
    assert inputs.patches.shape == (20, 9, SIZES.patch)
    assert inputs.statistics.shape == (20, SIZES.statistics)
    assert inputs.steps.shape == (20, 30, SIZES.step)
    assert inputs.experts.shape == (20, 30, 1)
    assert all(np.isfinite(array).all() for array in vars(inputs).values())


def test_patches_end_at_the_last_value_and_hold_both_channels_and_a_mask():
    series = -100 - np.arange(40.0)[None] ** 1.5
    series[0, 3] = np.nan
    past = prepared(series, 1)
    found = pretrained_long.build(past, STEPS, 3).patches[0].reshape(3, 3, 16)
    adjusted, raw, seen = (found[:, channel].ravel() for channel in range(3))
    expected = 0.5 * np.arcsinh((series[0] - series[0, -1]) / past.unit[0])
    expected[3] = 0
    np.testing.assert_allclose(raw[8:], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(adjusted, raw)  # there is no season
    np.testing.assert_array_equal(seen, [0] * 8 + [1] * 3 + [0] + [1] * 36)


def test_each_step_shows_the_values_and_means_some_seasons_before_it():
    series = -(np.arange(40.0)[None] ** 2) - 1
    past = prepared(series, 7, 14)
    found = pretrained_long.build(past, STEPS, 3).steps[0]
    index = past.index[0, (STEPS - 1) % past.index.shape[1]] / past.unit[0]

    def expected(period, backs):
        places = 40 + (STEPS - 1) % period - period * np.array(backs)[:, None]
        mean = np.where(places >= 0, series[0, np.maximum(places, 0)], np.nan)
        return 0.5 * np.arcsinh((np.nanmean(mean, axis=0) - past.adjusted[0, -1]) / past.unit[0] - index)

    wanted = [(7, [1]), (7, [2]), (7, [3]), (7, [4, 5, 6, 7]), (14, [1]), (14, [2, 3])]
    for column, (period, backs) in enumerate(wanted):
        np.testing.assert_allclose(found[:, 5 + column], expected(period, backs), rtol=1e-3, atol=1e-4)


def test_statistics_hold_the_means_of_the_last_seasons():
    series = wandering(50)[None]
    past = prepared(series, 7)
    found = pretrained_long.build(past, STEPS, 4).statistics[0, 15:21]
    adjusted = past.adjusted[0]
    lengths = [
        slice(-7, None),
        slice(-14, None),
        slice(-28, None),
        slice(None),
        slice(-14, -7),
        slice(-2, None),
    ]
    means = np.array([adjusted[part].mean() for part in lengths])
    np.testing.assert_allclose(found, 0.5 * np.arcsinh((means - adjusted[-1]) / past.unit[0]), rtol=1e-4)


def test_numpy_gives_what_torch_gives(member):
    inputs = pretrained_long.build(prepared(generate(9, 100, season_length=7, seed=2)), STEPS, 7)
    from ostinato.tasks.pretrained.training import network_of

    with torch.no_grad():
        tensors = (torch.from_numpy(array) for array in vars(inputs).values())
        expected = network_of(member)(*tensors).numpy()
    np.testing.assert_allclose(pretrained_network.quantiles(member, inputs), expected, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize(("length", "part"), [(20, 0), (192, 0), (352, 0.5), (512, 1), (700, 1)])
def test_long_networks_count_more_the_longer_the_history(member, length, part):
    other = next(other for other in pretrained_network.load_members() if other.plain and other.form is MIXED)
    history = wandering(length)
    alone, mixed, both = (forecast(members, history) for members in ((member,), (other,), (other, member)))
    share = part * pretrained_values.LONG_SHARE
    np.testing.assert_allclose(both, (mixed + share * alone) / (1 + share), rtol=1e-5)


@pytest.mark.parametrize(("season", "long_season"), [(1, 0), (1, 52)])
def test_long_networks_do_not_count_where_no_short_season_is_told(member, season, long_season):
    other = next(other for other in pretrained_network.load_members() if other.plain and other.form is MIXED)
    found = [
        forecast(members, wandering(300), season, long_season) for members in ((other,), (other, member))
    ]
    np.testing.assert_array_equal(*found)


def test_long_networks_do_not_count_where_more_than_a_tenth_is_zero(member):
    other = next(other for other in pretrained_network.load_members() if other.form is MIXED)
    history = wandering(300)
    history[40:70] = 0
    alone, both = forecast((other,), history), forecast((other, member), history)
    assert (alone != both).any()
    history[70] = 0
    np.testing.assert_array_equal(forecast((other, member), history), forecast((other,), history))


def test_a_form_that_is_not_known_is_named(tmp_path):
    weights = {"lstm.bias_ih_l0": np.zeros(4, dtype=np.float32)}
    save_file(weights, tmp_path / "b.safetensors", metadata={"form": "round"})
    with pytest.raises(
        ModelFileError, match=r"b\.safetensors holds a network of the form 'round'; use one of mixed"
    ):
        pretrained_network.read_member(tmp_path / "b.safetensors")


def test_a_network_can_be_pickled_and_copied_and_keeps_its_form(member):
    for again in (pickle.loads(pickle.dumps(member)), copy.deepcopy(member)):
        assert again.form is LONG
        np.testing.assert_array_equal(forecast((again,), wandering(300)), forecast((member,), wandering(300)))
