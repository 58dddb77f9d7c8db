from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from ostinato.errors import ModelFileError
from ostinato.synthetic import generate
from ostinato.tasks.pretrained import inputs as pretrained_inputs
from ostinato.tasks.pretrained import network as pretrained_network
from ostinato.tasks.pretrained import scaling as pretrained_scaling
from ostinato.tasks.pretrained.forms import DIRECT
from ostinato.tasks.pretrained.training import Network


@pytest.fixture(scope="module")
def inputs():
    history = generate(16, 64, seed=0)
    past = pretrained_scaling.prepare(history, 12)
    return pretrained_inputs.build(history, past, np.arange(1, 7), 16)


def saved(network, path):
    weights = {
        name: value.detach().numpy().astype(np.float16) for name, value in network.state_dict().items()
    }
    save_file(weights, path)
    return pretrained_network.read_member(path)


def run_torch(network, inputs):
    lstm = torch.nn.LSTM(pretrained_inputs.PATCH_WIDTH, network.lstm.hidden_size, 2, batch_first=True)
    lstm.load_state_dict(network.lstm.state_dict())
    network.lstm = lstm
    tensors = (
        torch.from_numpy(array) for array in (inputs.patches, inputs.statistics, inputs.steps, inputs.experts)
    )
    with torch.no_grad():
        return network(*tensors).numpy()


@pytest.mark.parametrize("path", ["", "torch"])  # the fused kernels where they are built; NumPy
def test_numpy_gives_what_torch_gives(inputs, tmp_path, monkeypatch, path):
    monkeypatch.setenv("OSTINATO_ISA", path)
    torch.manual_seed(0)
    network = Network(24, 20)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_((0.2 * torch.randn_like(parameter)).half().float())
    found = pretrained_network.quantiles(saved(network, tmp_path / "a.safetensors"), inputs)
    np.testing.assert_allclose(found, run_torch(network, inputs), rtol=1e-4, atol=1e-4)


def test_an_untrained_network_is_seasonal_naive(inputs, tmp_path):
    found = pretrained_network.quantiles(saved(Network(16, 16), tmp_path / "a.safetensors"), inputs)
    np.testing.assert_array_equal(found[..., 4], inputs.experts[..., 0])


def test_quantiles_never_cross(inputs, tmp_path):
    torch.manual_seed(1)
    network = Network(16, 16)
    torch.nn.init.normal_(network.out.weight, std=2.0)
    found = pretrained_network.quantiles(saved(network, tmp_path / "a.safetensors"), inputs)
    assert (np.diff(found, axis=-1) >= 0).all()


def test_the_weights_of_the_package_are_small():
    folder = Path(pretrained_network.__file__).parents[1] / "weights"
    assert sum(path.stat().st_size for path in folder.glob("*.safetensors")) < 6e6
    assert pretrained_network.load_members()


def test_weights_of_another_shape_are_an_error(tmp_path):
    path = tmp_path / "odd.safetensors"
    save_file({"lstm.weight_hh_l0": np.zeros((8, 2), np.float16), "series.weight": np.zeros((3, 4))}, path)
    with pytest.raises(
        ModelFileError, match=r"odd.safetensors has series.weight of width 4, not \d+; train it"
    ):
        pretrained_network.read_member(path)


@pytest.mark.parametrize(("fact", "plain"), [("yes", True), ("no", False)])
def test_the_file_says_whether_a_network_reads_plain_values(tmp_path, fact, plain):
    path = tmp_path / "a.safetensors"
    weights = {name: value.detach().numpy() for name, value in Network(8, 8).state_dict().items()}
    save_file(weights, path, metadata={"plain": fact})
    assert pretrained_network.read_member(path).plain is plain


def test_networks_that_are_all_made_for_other_series_forecast_all_the_same():
    members = pretrained_network.load_members()
    unseasonal = tuple(member for member in members if member.unseasonal)
    direct = tuple(member for member in members if member.form is DIRECT and not member.unseasonal)
    assert pretrained_network.serving(unseasonal, 12) == unseasonal
    assert pretrained_network.serving(direct, 1) == direct
