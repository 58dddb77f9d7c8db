"""Additive attention agrees with its formula, place by place."""

import math

import pytest
import torch

from ostinato.errors import ConfigError
from ostinato.nn.attention import AdditiveAttention


def by_hand(attention, queries, values, real, coverage):
    """The equations of Bahdanau et al. (2015) and See et al. (2017), one scalar at a time."""
    weights = torch.zeros(len(queries), len(values), dtype=values.dtype)
    for step, query in enumerate(queries):
        scores = []
        for place, value in enumerate(values):
            hidden = attention.query.weight @ query + attention.key.weight @ value + attention.key.bias
            if coverage:
                hidden = hidden + attention.coverage * weights[:step, place].sum()
            scores.append(float(attention.score @ torch.tanh(hidden)) if real[place] else -math.inf)
        top = max(scores)
        parts = [math.exp(score - top) for score in scores]
        weights[step] = torch.tensor([part / sum(parts) for part in parts])
    return weights


@pytest.mark.parametrize("coverage", [False, True])
def test_weights_and_context_agree_with_the_formula(coverage):
    torch.manual_seed(0)
    attention = AdditiveAttention(3, 4, 5, coverage=coverage, dtype=torch.float64)
    if coverage:
        torch.nn.init.normal_(attention.coverage)
    queries = torch.randn(2, 6, 3, dtype=torch.float64)
    values = torch.randn(2, 5, 4, dtype=torch.float64)
    mask = torch.tensor([[True] * 5, [True, True, False, True, False]])
    with torch.no_grad():
        context, weights, covered = attention(queries, attention.remember(values, mask))
        for row in range(2):
            expected = by_hand(attention, queries[row], values[row], mask[row], coverage)
            torch.testing.assert_close(weights[row], expected)
            torch.testing.assert_close(context[row], expected @ values[row])
            torch.testing.assert_close(covered[row], expected.sum(0))


def test_coverage_goes_on_where_the_steps_before_left_off():
    torch.manual_seed(0)
    attention = AdditiveAttention(3, 4, 5, coverage=True)
    torch.nn.init.normal_(attention.coverage)
    queries, memory = torch.randn(2, 6, 3), attention.remember(torch.randn(2, 5, 4))
    _, whole, _ = attention(queries, memory)
    _, first, covered = attention(queries[:, :4], memory)
    _, second, _ = attention(queries[:, 4:], memory, covered)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)


def test_padding_changes_nothing():
    torch.manual_seed(0)
    attention = AdditiveAttention(3, 4, 5)
    queries, values = torch.randn(1, 2, 3), torch.randn(1, 3, 4)
    padded = torch.cat([values, torch.full((1, 2, 4), torch.nan)], 1)
    mask = torch.tensor([[True, True, True, False, False]])
    context, weights, _ = attention(queries, attention.remember(padded, mask))
    expected, expected_weights, _ = attention(queries, attention.remember(values))
    torch.testing.assert_close(context, expected)
    torch.testing.assert_close(weights[..., :3], expected_weights)
    assert (weights[..., 3:] == 0).all()


def test_a_row_without_a_real_place_attends_to_nothing():
    attention = AdditiveAttention(3, 4, 5)
    memory = attention.remember(torch.randn(1, 2, 4), torch.tensor([[False, False]]))
    context, weights, _ = attention(torch.randn(1, 1, 3), memory)
    assert (context == 0).all()
    assert (weights == 0).all()


@pytest.mark.parametrize("coverage", [False, True])
def test_gradients_agree_with_finite_differences(coverage):
    torch.manual_seed(0)
    attention = AdditiveAttention(2, 3, 4, coverage=coverage, dtype=torch.float64)
    if coverage:
        torch.nn.init.normal_(attention.coverage)
    queries = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    values = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    weights = tuple(attention.parameters())

    def run(queries, values, *_weights):
        return attention(queries, attention.remember(values, mask))[0]

    assert torch.autograd.gradcheck(run, (queries, values, *weights))


def test_rows_of_a_memory_can_be_taken_in_any_order():
    attention = AdditiveAttention(3, 4, 5)
    memory = attention.remember(torch.randn(2, 5, 4), torch.tensor([[True] * 5, [True] * 4 + [False]]))
    taken = memory.select(torch.tensor([1, 1, 0]))
    torch.testing.assert_close(taken.values[2], memory.values[0])
    torch.testing.assert_close(taken.keys[0], memory.keys[1])
    assert taken.mask.sum(1).tolist() == [4, 4, 5]


def test_no_steps_give_no_weights():
    attention = AdditiveAttention(3, 4, 5, coverage=True)
    context, weights, _ = attention(torch.zeros(2, 0, 3), attention.remember(torch.zeros(2, 5, 4)))
    assert context.shape == (2, 0, 4)
    assert weights.shape == (2, 0, 5)


def test_sizes_below_1_are_refused():
    with pytest.raises(
        ConfigError, match="query_size is 3, memory_size 0, attention_size 5; each must be at least 1"
    ):
        AdditiveAttention(3, 0, 5)


def test_a_mask_of_another_shape_is_refused():
    attention = AdditiveAttention(3, 4, 5)
    with pytest.raises(ConfigError, match=r"mask has the shape \(2, 4\), these values need \(2, 5\)"):
        attention.remember(torch.zeros(2, 5, 4), torch.ones(2, 4, dtype=torch.bool))
