import dataclasses

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from ostinato.synthetic import generate
from ostinato.tasks.pretrained import direct as pretrained_direct
from ostinato.tasks.pretrained import network as pretrained_network
from ostinato.tasks.pretrained import scaling as pretrained_scaling
from ostinato.tasks.pretrained import values as pretrained_values
from ostinato.tasks.pretrained import windows as pretrained_windows
from ostinato.tasks.pretrained.forms import DIRECT, MIXED
from ostinato.tasks.pretrained.training import Network

STEPS = np.arange(1, 9)


def prepared(history, season=4):
    return pretrained_scaling.prepare(np.asarray(history, dtype=np.float32), season)


def saved(path, *, seed=0, spread=0.0):
    torch.manual_seed(seed)
    network = Network(16, 12, pretrained_direct.SIZES)
    torch.nn.init.normal_(network.out.weight, std=spread)
    weights = {
        name: value.detach().numpy().astype(np.float16) for name, value in network.state_dict().items()
    }
    save_file(weights, path, metadata={"form": "direct"})
    return network, pretrained_network.read_member(path)


def run(member, history, h):
    return run_all((member,), history, h)


def run_all(members, history, h):
    values = np.asarray(history, dtype=np.float64)
    ends = np.array([len(values)])
    return pretrained_values.forecast_values(
        values, ends - len(values), ends, h, season_length=1, members=members
    )[0]


@pytest.mark.parametrize(("length", "read"), [(3, 8), (8, 8), (40, 40), (100, 64)])
def test_inputs_have_the_stated_sizes_and_are_finite(length, read):
    inputs = pretrained_direct.build(prepared(generate(20, length, season_length=4, seed=1)), STEPS, read)
    sizes = pretrained_direct.SIZES
    assert inputs.patches.shape == (20, read, sizes.patch)
    assert inputs.statistics.shape == (20, sizes.statistics)
    assert inputs.steps.shape == (20, 8, sizes.step)
    assert inputs.experts.shape == (20, 8, 1)
    assert all(np.isfinite(array).all() for array in vars(inputs).values())


def test_values_are_read_relative_to_the_last_in_units_of_the_mean_step():
    series = np.array([[-3.0, -1.0, -4.0, -2.0, -5.0, -7.0]])
    past = prepared(series, 1)
    found = pretrained_direct.build(past, STEPS, 6).patches[0]
    unit = np.abs(np.diff(series)).mean()
    np.testing.assert_allclose(found[:, 0], 0.5 * np.arcsinh((series[0] + 7) / unit), rtol=1e-5)
    np.testing.assert_allclose(found[1:, 2], np.arcsinh(np.diff(series[0]) / unit), rtol=1e-5)
    assert found[0, 2] == 0
    np.testing.assert_array_equal(found[:, 3], 1)


def test_nothing_shows_before_the_start_and_in_gaps():
    series = np.array([[np.nan, np.nan, -1.0, -3.0, np.nan, -2.0]])
    found = pretrained_direct.build(prepared(series, 1), STEPS, 8).patches[0]
    np.testing.assert_array_equal(found[:, 3], [0, 0, 0, 0, 1, 1, 0, 1])
    assert not found[[0, 1, 2, 3, 6]].any()


def test_each_step_shows_the_values_some_seasons_before_it():
    series = -(np.arange(10.0)[None] ** 2) - 1
    past = prepared(series, 4)
    found = pretrained_direct.build(past, STEPS, 10).steps[0]
    index = past.index[0, (STEPS - 1) % 4]
    for back in (1, 2):
        value = series[0, 10 - 4 * back + (STEPS - 1) % 4]
        expected = 0.5 * np.arcsinh((value - past.adjusted[0, -1] - index) / past.unit[0])
        np.testing.assert_allclose(found[:, 4 + back], expected, rtol=1e-4, atol=1e-5)
    assert not found[:2, 7].any()  # three seasons before lies before the start


def test_a_forecast_does_not_depend_on_the_unit_of_the_series(tmp_path):
    _, member = saved(tmp_path / "a.safetensors", spread=0.3)
    series = np.random.default_rng(0).standard_normal(30).cumsum() + 50
    np.testing.assert_allclose(run(member, series * 1000, 6), run(member, series, 6) * 1000, rtol=1e-3)


def test_an_untrained_network_repeats_the_last_value(tmp_path):
    _, member = saved(tmp_path / "a.safetensors")
    assert member.form is DIRECT
    np.testing.assert_allclose(run(member, [5.0, 9.0, 7.0, 8.0], 3)[:, 4], 8.0, rtol=1e-6)


def test_numpy_gives_what_torch_gives(tmp_path):
    network, member = saved(tmp_path / "a.safetensors", spread=0.3)
    inputs = pretrained_direct.build(prepared(generate(9, 50, seed=2)), STEPS, 50)
    network.load_state_dict({name: value.half().float() for name, value in network.state_dict().items()})
    with torch.no_grad():
        expected = network(*(torch.from_numpy(array) for array in vars(inputs).values())).numpy()
    np.testing.assert_allclose(pretrained_network.quantiles(member, inputs), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("length", "share"), [(20, 1), (32, 1), (80, 0.5), (127, 1 / 96), (128, 0), (200, 0)]
)
def test_direct_networks_count_less_the_longer_the_history(tmp_path, length, share):
    _, member = saved(tmp_path / "a.safetensors", spread=2.0)
    other = next(other for other in pretrained_network.load_members() if other.plain and other.form is MIXED)
    member = dataclasses.replace(member, plain=True)
    history = np.random.default_rng(0).standard_normal(length).cumsum() - 50
    direct, mixed, both = (run_all(members, history, 5) for members in ((member,), (other,), (other, member)))
    np.testing.assert_allclose(both, (mixed + share * direct) / (1 + share), rtol=1e-5)


def test_direct_networks_do_not_count_where_there_are_zeros(tmp_path):
    _, member = saved(tmp_path / "a.safetensors", spread=2.0)
    other = next(other for other in pretrained_network.load_members() if other.form is MIXED)
    history = [3.5, 0.0, 2.0, 7.0, 4.5, 6.0]
    np.testing.assert_array_equal(run_all((other, member), history, 3), run_all((other,), history, 3))


@pytest.mark.parametrize(("length", "share"), [(20, 1), (80, 0.5), (200, 0)])
def test_a_network_of_unseasonal_series_takes_the_place_of_all_others_the_shorter_the_history(length, share):
    (mixed, direct, member), values = members_of_plain_values(), wandering(length)
    parts = run_all((mixed,), values, 4), run_all((member,), values, 4)
    expected = (1 - share) * parts[0] + share * parts[1]
    np.testing.assert_allclose(run_all((mixed, direct, member), values, 4), expected, rtol=1e-5)


@pytest.mark.parametrize(("season", "long_season"), [(4, 0), (1, 6)])
def test_a_network_of_unseasonal_series_does_not_count_where_a_season_is_told(season, long_season):
    members, values = members_of_plain_values(), wandering(30)
    with_it, without = (
        pretrained_values.forecast_values(
            values,
            np.array([0]),
            np.array([30]),
            4,
            season_length=season,
            long_season=long_season,
            members=some,
        )
        for some in (members, members[:2])
    )
    np.testing.assert_array_equal(with_it, without)


def members_of_plain_values():
    members = pretrained_network.load_members()
    mixed = next(member for member in members if member.plain and member.form is MIXED)
    direct = next(member for member in members if member.plain and member.form is DIRECT)
    unseasonal = next(member for member in members if member.unseasonal)
    return mixed, direct, dataclasses.replace(unseasonal, plain=True)


def wandering(length):
    return np.random.default_rng(0).standard_normal(length).cumsum() - 50


def test_what_a_network_learnt_from_is_read_from_its_file(tmp_path):
    network = Network(16, 12, pretrained_direct.SIZES)
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    save_file(weights, tmp_path / "a.safetensors", metadata={"form": "direct", "unseasonal": "yes"})
    member = pretrained_network.read_member(tmp_path / "a.safetensors")
    assert (member.form, member.unseasonal, member.plain) == (DIRECT, True, False)


def test_windows_of_values_alone_can_be_cut():
    series = generate(6, 40, season_length=4, seed=3, augmented=False)
    windows = pretrained_windows.cut(series[:, :32], series[:, 32:], (4, 0), STEPS, patches=32, form=DIRECT)
    assert windows.patches.shape == (6, 32, pretrained_direct.CHANNELS)
    assert windows.experts.shape == (6, 8, 1)
    assert (windows.weight > 0).any()
