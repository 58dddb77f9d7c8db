"""The conditional random field against an enumeration of all sequences."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.errors import ConfigError
from ostinato.nn.crf import LinearChainCRF


def make(tags, seed=0):
    crf = LinearChainCRF(tags, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in crf.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator, dtype=torch.float64))
    return crf


def path_score(crf, scores, path):
    """The formula of the class, for one row without padding."""
    if not path:
        return 0.0
    total = crf.start[path[0]].item() + crf.end[path[-1]].item()
    total += sum(scores[step, tag].item() for step, tag in enumerate(path))
    return total + sum(crf.transitions[a, b].item() for a, b in itertools.pairwise(path))


def enumerate_paths(crf, scores):
    """Every sequence of tags with its probability."""
    paths = list(itertools.product(range(crf.tags), repeat=len(scores)))
    probabilities = torch.tensor(
        [path_score(crf, scores, path) for path in paths], dtype=torch.float64
    ).softmax(0)
    return dict(zip(paths, probabilities.tolist(), strict=True))


def ragged(tags, seed=1):
    """Scores of rows of 4, 2, 1 and 0 steps, with padding that is not a number."""
    lengths = [4, 2, 1, 0]
    scores = torch.randn(4, 4, tags, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    mask = torch.arange(4) < torch.tensor(lengths).unsqueeze(1)
    return scores.masked_fill(~mask.unsqueeze(2), torch.nan), mask, lengths


@settings(max_examples=20)
@given(tags=st.integers(1, 3), time=st.integers(1, 4), seed=st.integers(0, 1000))
def test_likelihood_equals_enumeration(tags, time, seed):
    crf = make(tags, seed)
    scores = torch.randn(1, time, tags, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for path, probability in enumerate_paths(crf, scores[0]).items():
        found = crf.log_likelihood(scores, torch.tensor([path])).exp().item()
        assert found == pytest.approx(probability, rel=1e-9)


def test_padded_rows_equal_rows_alone():
    crf, (scores, mask, lengths) = make(3), ragged(3)
    target = torch.randint(3, (4, 4), generator=torch.Generator().manual_seed(2))
    together = crf.log_likelihood(scores, target, mask)
    for row, length in enumerate(lengths):
        path = tuple(target[row, :length].tolist())
        alone = enumerate_paths(crf, scores[row, :length])[path] if length else 1.0
        assert together[row].exp().item() == pytest.approx(alone, rel=1e-9)


def test_tag_numbers_at_padding_change_nothing():
    crf, (scores, mask, _) = make(3), ragged(3)
    target = torch.zeros(4, 4, dtype=torch.int64)
    odd = target.masked_fill(~mask, -100)
    assert torch.equal(crf.log_likelihood(scores, target, mask), crf.log_likelihood(scores, odd, mask))


def test_decode_finds_the_most_probable_sequence():
    crf, (scores, mask, lengths) = make(3), ragged(3)
    decoded = crf.decode(scores, mask)
    for row, length in enumerate(lengths):
        paths = enumerate_paths(crf, scores[row, :length])
        assert tuple(decoded[row, :length].tolist()) == max(paths, key=paths.get)
    assert not decoded[~mask].any()


def test_marginals_equal_enumeration_and_sum_to_one():
    crf, (scores, mask, lengths) = make(3), ragged(3)
    marginals = crf.marginals(scores, mask)
    for row, length in enumerate(lengths):
        expected = torch.zeros(length, 3, dtype=torch.float64)
        for path, probability in enumerate_paths(crf, scores[row, :length]).items():
            for step, tag in enumerate(path):
                expected[step, tag] += probability
        torch.testing.assert_close(marginals[row, :length], expected)
    assert torch.equal(marginals.sum(2)[~mask], torch.zeros(int((~mask).sum()), dtype=torch.float64))


def test_gradients_equal_finite_differences():
    crf, (scores, mask, _) = make(2), ragged(2)
    scores = scores.nan_to_num().requires_grad_()
    target = torch.zeros(4, 4, dtype=torch.int64)

    def likelihood(scores, *weights):
        named = dict(zip(("start", "end", "transitions"), weights, strict=True))
        return torch.func.functional_call(Likelihood(crf), {f"crf.{k}": v for k, v in named.items()}, scores)

    class Likelihood(torch.nn.Module):
        def __init__(self, crf):
            super().__init__()
            self.crf = crf

        def forward(self, scores):
            return self.crf.log_likelihood(scores, target, mask)

    assert torch.autograd.gradcheck(likelihood, (scores, crf.start, crf.end, crf.transitions))


def test_padding_has_no_gradient():
    crf, (scores, mask, _) = make(2), ragged(2)
    scores.requires_grad_()
    crf.log_likelihood(scores, torch.zeros(4, 4, dtype=torch.int64), mask).sum().backward()
    assert not scores.grad[~mask].any()
    assert all(weight.grad.isfinite().all() for weight in crf.parameters())


def test_no_transitions_is_a_softmax_at_each_step():
    crf = LinearChainCRF(4, dtype=torch.float64)
    scores = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(crf.marginals(scores), scores.softmax(-1))
    assert torch.equal(crf.decode(scores), scores.argmax(-1))


def test_long_rows_with_large_scores_stay_finite():
    crf = make(5)
    scores = 200 * torch.randn(2, 400, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    best = crf.decode(scores)
    likelihood = crf.log_likelihood(scores, best)
    assert likelihood.isfinite().all()
    assert (likelihood <= 0).all()


@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 2)])
def test_empty_batches_and_times_give_empty_answers(shape):
    crf, scores = LinearChainCRF(2), torch.zeros(shape)
    assert crf.decode(scores).shape == shape[:2]
    assert crf.marginals(scores).shape == shape
    assert crf.log_likelihood(scores, torch.zeros(shape[:2], dtype=torch.int64)).tolist() == [0.0] * shape[0]


def test_one_tag_is_certain():
    crf = make(1)
    assert crf.log_likelihood(
        torch.randn(1, 3, 1).double(), torch.zeros(1, 3).long()
    ).item() == pytest.approx(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LinearChainCRF(0), "tags is 0; a conditional random field needs at least 1"),
        (
            lambda: LinearChainCRF(2).decode(torch.zeros(1, 3)),
            r"scores have shape \(1, 3\); use \(batch, time, 2\)",
        ),
        (
            lambda: LinearChainCRF(2).decode(torch.zeros(1, 3, 2), torch.ones(1, 4, dtype=torch.bool)),
            r"mask has shape \(1, 4\) for scores \(1, 3, 2\); use \(1, 3\)",
        ),
        (
            lambda: LinearChainCRF(2).decode(torch.zeros(1, 2, 2), torch.tensor([[False, True]])),
            "a real step follows padding; put the padding at the end of each row",
        ),
    ],
)
def test_wrong_shapes_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
