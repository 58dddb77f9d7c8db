"""Sampling against the formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.errors import ConfigError
from ostinato.tasks.generate.sampling import Sampling

SCORES = np.log([0.5, 0.1, 0.3, 0.1])


def test_temperature_one_is_the_softmax():
    assert Sampling().probabilities(SCORES) == pytest.approx([0.5, 0.1, 0.3, 0.1])


def test_temperature_raises_probabilities_to_its_inverse():
    powers = np.array([0.5, 0.1, 0.3, 0.1]) ** (1 / 0.7)
    assert Sampling(temperature=0.7).probabilities(SCORES) == pytest.approx(powers / powers.sum())


def test_temperature_zero_takes_the_likeliest():
    assert Sampling(temperature=0).probabilities([1.0, 5.0, 5.0]).tolist() == [0, 1, 0]


def test_top_k_shares_the_probability_among_the_k_likeliest():
    assert Sampling(top_k=2).probabilities(SCORES) == pytest.approx([0.625, 0, 0.375, 0])


def test_top_k_with_equal_scores_keeps_exactly_k():
    assert np.count_nonzero(Sampling(top_k=3).probabilities(SCORES)) == 3


def test_top_p_keeps_the_fewest_tokens_that_reach_it():
    assert Sampling(top_p=0.7).probabilities(SCORES) == pytest.approx([0.625, 0, 0.375, 0])
    assert Sampling(top_p=0.81).probabilities(SCORES) == pytest.approx([5 / 9, 1 / 9, 3 / 9, 0])
    assert Sampling(top_p=1e-9).probabilities(SCORES).tolist() == [1, 0, 0, 0]


def test_top_p_counts_what_top_k_left():
    assert Sampling(top_k=2, top_p=0.6).probabilities(SCORES).tolist() == [1, 0, 0, 0]


def test_forbidden_tokens_are_never_drawn():
    random = np.random.default_rng(0)
    scores = [-np.inf, 0.0, -np.inf, 1.0]
    drawn = {Sampling(temperature=3.0).draw(scores, random) for _ in range(200)}
    assert drawn == {1, 3}


def test_draws_come_as_often_as_their_probability():
    random, number = np.random.default_rng(0), 20_000
    drawn = np.bincount([Sampling().draw(SCORES, random) for _ in range(number)], minlength=4) / number
    # Four standard errors of a share of one half.
    assert drawn == pytest.approx([0.5, 0.1, 0.3, 0.1], abs=4 * 0.5 / number**0.5)


def test_the_same_seed_draws_the_same():
    first, second = ([Sampling().draw(SCORES, np.random.default_rng(s)) for s in range(20)] for _ in "ab")
    assert first == second


@settings(max_examples=40)
@given(
    scores=st.lists(st.floats(-50, 50), min_size=1, max_size=20),
    temperature=st.floats(0, 5),
    top_k=st.none() | st.integers(1, 30),
    top_p=st.none() | st.floats(0.01, 1),
)
def test_probabilities_sum_to_one_and_keep_the_likeliest(scores, temperature, top_k, top_p):
    shares = Sampling(temperature, top_k, top_p).probabilities(scores)
    assert shares.sum() == pytest.approx(1)
    assert shares[int(np.argmax(scores))] == shares.max()
    assert np.count_nonzero(shares) <= (top_k or len(scores))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": -1.0}, "temperature is -1.0; use 0 for the likeliest token, or a number above"),
        ({"top_k": 0}, "top_k is 0; use at least 1, or leave it out for all tokens"),
        ({"top_p": 1.5}, "top_p is 1.5; use a probability above 0 and at most 1"),
        ({"top_p": 0.0}, "top_p is 0.0; use a probability above 0"),
    ],
)
def test_impossible_settings_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Sampling(**arguments)
