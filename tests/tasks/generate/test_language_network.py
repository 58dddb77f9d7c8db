"""The network of a generator."""

import pytest
import torch
from torch.nn import functional as F

from ostinato.data.batch import Batch
from ostinato.tasks.generate.language_network import LanguageNetwork


def test_vectors_as_wide_as_the_hidden_state_share_their_weights():
    tied = LanguageNetwork(50, 0, 8, hidden_size=8)
    assert tied.scores.weight is tied.tokens.weight
    assert not hasattr(LanguageNetwork(50, 0, 4, hidden_size=8).scores, "bridge")


def test_the_loss_is_the_mean_over_real_targets():
    torch.manual_seed(0)
    network = LanguageNetwork(9, 0, 4, hidden_size=5, num_layers=1).eval()
    tokens, targets = torch.randint(9, (2, 2, 6)).unbind()
    mask = torch.arange(6) < torch.tensor([[6], [2]])
    logits, _ = network(tokens, torch.tensor([6, 2]))
    loss, _ = network.loss(Batch(tokens, targets, mask, rows={"lengths": torch.tensor([6, 2])}), None)
    assert loss.item() == pytest.approx(F.cross_entropy(logits[mask], targets[mask]).item(), rel=1e-5)


def test_conditions_change_the_scores():
    network = LanguageNetwork(9, 2, 4, hidden_size=5, num_layers=1).eval()
    tokens = torch.zeros(2, 3, dtype=torch.int64)
    scores, _ = network(tokens, conditions=torch.tensor([0, 1]))
    assert not torch.allclose(scores[0], scores[1])


def test_a_state_carried_on_equals_the_whole():
    network = LanguageNetwork(9, 0, 4, cell="gru", hidden_size=5, num_layers=2).eval()
    tokens = torch.randint(9, (3, 8))
    whole, last = network(tokens)
    first, state = network(tokens[:, :3])
    second, end = network(tokens[:, 3:], state=state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    torch.testing.assert_close(end, last)
