"""One step at a time on arrays against the network on whole sequences."""

import numpy as np
import pytest
import torch

from ostinato.nn import LAYERS
from ostinato.tasks.generate.language_network import LanguageNetwork
from ostinato.tasks.generate.language_step import KINDS, LanguageStepper, NetworkStepper


@pytest.mark.parametrize("cell", KINDS)
@pytest.mark.parametrize("embedding", [5, 8])
def test_steps_equal_the_network_on_the_whole_sequence(cell, embedding):
    torch.manual_seed(0)
    network = LanguageNetwork(11, 0, embedding, cell=cell, hidden_size=8, num_layers=2).eval()
    tokens = torch.randint(11, (1, 9))
    with torch.no_grad():
        expected, state = network(tokens)
    stepper = LanguageStepper(
        {name: value.numpy() for name, value in network.state_dict().items()}, cell=cell, num_layers=2
    )
    found = [stepper.step(token).copy() for token in tokens[0].tolist()]
    # float32 sums in another order
    np.testing.assert_allclose(found, expected[0].numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(stepper.state[0], state[0].numpy(), rtol=1e-4, atol=1e-5)


def test_a_condition_stands_beside_every_token():
    torch.manual_seed(0)
    network = LanguageNetwork(7, 3, 4, hidden_size=6, num_layers=1).eval()
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    for condition in range(3):
        with torch.no_grad():
            expected, _ = network(torch.tensor([[1, 2, 3]]), conditions=torch.tensor([condition]))
        stepper = LanguageStepper(weights, cell="lstm", num_layers=1, condition=condition)
        found = [stepper.step(token).copy() for token in (1, 2, 3)]
        np.testing.assert_allclose(found, expected[0].numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", LAYERS)
def test_every_cell_steps_as_its_network_and_goes_back_to_a_state(cell):
    torch.manual_seed(0)
    network = LanguageNetwork(7, 2, 4, cell=cell, hidden_size=6, num_layers=2).eval()
    tokens = torch.randint(7, (1, 6))
    with torch.no_grad():
        expected, _ = network(tokens, conditions=torch.tensor([1]))
    stepper = NetworkStepper(network, condition=1)
    found = [stepper.step(token).copy() for token in tokens[0, :3].tolist()]
    middle = [part.copy() for part in stepper.state]
    found += [stepper.step(token).copy() for token in tokens[0, 3:].tolist()]
    np.testing.assert_allclose(found, expected[0].numpy(), rtol=1e-4, atol=1e-5)
    for part, old in zip(stepper.state, middle, strict=True):
        part[:] = old
    np.testing.assert_allclose(stepper.step(int(tokens[0, 3])), found[3], rtol=1e-4, atol=1e-5)
