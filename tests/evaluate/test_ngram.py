"""The n-gram model against numbers worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.errors import ConfigError
from ostinato.evaluate.ngram import KneserNey


def test_bigrams_equal_numbers_worked_by_hand():
    # Text <s> a b a c. Bigrams: (<s> a), (a b), (b a), (a c), each once: n1 = 4, n2 = 0, D = 1, held to 0.95.
    # Before a stand <s> and b, before b and c one token each: counts 2, 1, 1; n1 = 2, n2 = 1, D = 2 / 4.
    model = KneserNey(order=2, size=4).fit(["abac"])
    unigram_b = (1 - 0.5) / 4 + 0.5 * 3 / 4 * (1 / 4)
    assert unigram_b == 0.21875
    b_after_a = (1 - 0.95) / 2 + 0.95 * 2 / 2 * unigram_b
    a_after_start = (1 - 0.95) / 1 + 0.95 * ((2 - 0.5) / 4 + 0.5 * 3 / 4 / 4)
    found = np.exp(model.log_probabilities("ab"))
    assert found == pytest.approx([a_after_start, b_after_a], rel=1e-12)


def test_unseen_histories_fall_back_to_shorter_ones():
    model = KneserNey(order=2, size=4).fit(["abac"])
    unigram_a = (2 - 0.5) / 4 + 0.5 * 3 / 4 / 4
    assert np.exp(model.log_probabilities("ca"))[1] == pytest.approx(unigram_a, rel=1e-12)


def test_unknown_tokens_have_the_probability_left_over():
    model = KneserNey(order=1, size=4).fit(["aab"])
    # Counts 2 and 1: n1 = 1, n2 = 1, D = 1/3, two kinds of three tokens.
    assert np.exp(model.log_probabilities("z")) == pytest.approx([(1 / 3) * 2 / 3 / 4], rel=1e-12)


@settings(max_examples=25)
@given(
    texts=st.lists(st.text("abc", min_size=1, max_size=8), min_size=1, max_size=5),
    history=st.text("abcz", max_size=4),
    order=st.integers(1, 4),
)
def test_probabilities_of_all_tokens_sum_to_one(texts, history, order):
    model = KneserNey(order=order, size=4).fit(texts)
    total = sum(math.exp(model.log_probabilities(history + token)[-1]) for token in "abcz")
    assert total == pytest.approx(1, rel=1e-9)


def test_a_repeating_text_is_nearly_certain():
    model = KneserNey(order=3, size=3).fit(["abc" * 200])
    assert model.log_probabilities("abc" * 20)[3:].mean() > -0.05


def test_beginnings_are_learned():
    model = KneserNey(order=3, size=3).fit(["ab"] * 20 + ["ba"])
    first = np.exp([model.log_probabilities(token)[0] for token in "ab"])
    assert first[0] > 0.9
    assert first[1] < 0.1


def test_what_a_sequence_is_of_tells_about_its_first_tokens():
    model = KneserNey(order=3, size=4).fit(["ab", "cb"] * 20, ["x", "y"] * 20)
    of_x, of_y = (np.exp(model.log_probabilities("ab", kind)) for kind in "xy")
    assert of_x[0] > 0.9
    assert of_y[0] < 0.1
    total = sum(math.exp(model.log_probabilities(token, "x")[0]) for token in "abcz")
    assert total == pytest.approx(1, rel=1e-9)


def test_an_empty_sequence_has_no_probabilities():
    assert KneserNey(order=2, size=3).fit(["ab"]).log_probabilities("").shape == (0,)


def test_it_agrees_with_the_formula_looped_over_orders():
    """A second writing of the formula, by recursion and with counting by hand."""
    texts = ["abcab", "cabba", "aacbb"]
    model = KneserNey(order=3, size=4).fit(texts)
    begun = [["<", *text] for text in texts]

    def grams(length):
        return [tuple(t[i : i + length]) for t in begun for i in range(len(t) - length + 1)]

    def count(gram):
        if len(gram) == 3 or gram[0] == "<":
            return grams(len(gram)).count(gram)
        return len({g[0] for g in grams(len(gram) + 1) if g[1:] == gram})

    def probability(history, token):
        kinds = {g for g in grams(len(history) + 1) if g[:-1] == history and g != ("<",)}
        every = {g: count(g) for g in set(grams(len(history) + 1)) if g != ("<",)}
        once, twice = list(every.values()).count(1), list(every.values()).count(2)
        discount = min(max(once / (once + 2 * twice), 0.1), 0.95) if once else 0.1
        lower = probability(history[1:], token) if history else 1 / 4
        total = sum(count(g) for g in kinds)
        if not total:
            return lower
        seen = count((*history, token)) if (*history, token) in kinds else 0
        return max(seen - discount, 0) / total + discount * len(kinds) / total * lower

    text = ["<", *"abbacz"]
    expected = [probability(tuple(text[max(0, i - 2) : i]), text[i]) for i in range(1, len(text))]
    assert np.exp(model.log_probabilities("abbacz")) == pytest.approx(expected, rel=1e-12)


def test_impossible_settings_and_unfitted_models_are_refused():
    with pytest.raises(ConfigError, match="order is 0 and size 4; use at least 1 for both"):
        KneserNey(order=0, size=4)
    with pytest.raises(ConfigError, match="this n-gram model is not fitted yet; call fit first"):
        KneserNey(size=4).log_probabilities("a")
