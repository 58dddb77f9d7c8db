import torch

from ostinato.nn import AttentionPooling, step_mask


def test_weights_are_the_softmax_of_the_formula():
    torch.manual_seed(0)
    pooling, states = AttentionPooling(4, 3).double(), torch.randn(1, 5, 4, dtype=torch.float64)
    pooled, weights = pooling(states)
    hidden = torch.tanh(states[0] @ pooling.hidden.weight.T + pooling.hidden.bias)
    expected = torch.exp(hidden @ pooling.score.weight[0])
    expected = expected / expected.sum()
    assert torch.allclose(weights[0], expected)
    assert torch.allclose(pooled[0], expected @ states[0])


def test_padding_has_no_weight():
    pooling, states = AttentionPooling(4), torch.randn(2, 5, 4)
    pooled, weights = pooling(states, torch.tensor([5, 2]))
    alone, _ = pooling(states[1:, :2])
    assert weights[1, 2:].tolist() == [0, 0, 0]
    assert torch.allclose(weights.sum(dim=1), torch.ones(2))
    assert torch.allclose(pooled[1], alone[0], atol=1e-6)


def test_a_row_without_steps_is_zero_and_has_finite_gradients():
    states = torch.randn(1, 3, 4, requires_grad=True)
    pooled, weights = AttentionPooling(4)(states, torch.tensor([0]))
    pooled.sum().backward()
    assert pooled.tolist() == [[0, 0, 0, 0]]
    assert weights.tolist() == [[0, 0, 0]]
    assert torch.isfinite(states.grad).all()


def test_without_lengths_every_step_is_real():
    assert step_mask(None, 2, 3, torch.device("cpu")).all()
